"""moto, kept on disk: the AWS services other than SageMaker.

All that knows moto's insides is here (how its backends are registered, how an S3 object holds its body), but for
CloudWatch's, in `cloudwatch/moto.py`. It was written for moto 5.2.5, and refuses to start on another version.

On disk: `moto.pickle`, the backends without the bodies of S3 objects, and `bodies/`, each body once, named by
its SHA-256. So a change writes little however big the objects are, and only the services that a request can
have changed are looked at. What was acknowledged survives the end of the process, kill -9 included; nothing is
synced for the case that the machine itself goes down.
"""

from __future__ import annotations

import contextlib
import copyreg
import hashlib
import importlib
import json
import logging
import pickle
import re
import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from threading import Condition, Lock, RLock
from typing import IO, TYPE_CHECKING, Any, BinaryIO
from weakref import WeakKeyDictionary

import moto
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.iam.access_control import IAMPolicy
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.utils import _VersionedKeyStore
from moto.sns.models import sns_backends
from moto.sqs.models import Queue
from werkzeug.test import run_wsgi_app
from werkzeug.wsgi import get_input_stream

from sagebridge.files import write_file
from sagebridge.local import ACCOUNT, MOTO_VERSION, REGION, LocalError
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)
_CHUNK = 1024 * 1024  # bytes; a request's body is held in memory up to here, then in a file
_POLL = 0.05  # seconds
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LOCKS: dict[type, Callable[[], object]] = {type(lock()): lock for lock in (Condition, Lock, RLock)}
_TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}
_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[a-z0-9-]+/([a-z0-9-]+)/aws4_request")
# Services that may hold thousands of things, so that writing them down takes a while, as moto names them.
_BIG = frozenset({"s3", "iam", "cloudwatch"})
# Which of these a request may change, by the name that it is signed for. A request to any other service: all.
_CHANGES = {"s3": {"s3"}, "iam": {"iam"}, "sts": {"iam"}, "monitoring": {"cloudwatch"}, "sns": set(), "sqs": set()}


def check_moto() -> None:
    """Refuse to work with another moto than the one that this module was written for."""
    if moto.__version__ != MOTO_VERSION:
        raise LocalError(
            f"local/store.py was written for moto {MOTO_VERSION}, and moto {moto.__version__} is installed. "
            f"Install moto=={MOTO_VERSION}, or check the module against the new moto and change MOTO_VERSION."
        )


class Moto:
    """moto's own server application over state that outlives it.

    Requests reach moto one at a time: its backends are plain dictionaries, and a snapshot must not see one
    half changed. Bodies are received before, and answers sent after, so a slow client holds up nobody.

    Args:
        directory: where the state is kept; made when it is missing.
    """

    def __init__(self, directory: Path) -> None:
        check_moto()
        FakeBucket.get_permission = _get_permission  # type: ignore[method-assign, assignment]
        Queue.wait_for_messages = lambda _, timeout: self._wait(timeout)  # type: ignore[method-assign, assignment]
        self._file = directory / "moto.pickle"
        self._bodies = Bodies(directory / "bodies")
        self._lock = RLock()
        self._saved: dict[tuple[str, str, str], _Saved] = {}
        self._unsaveable: set[str] = set()
        self._app = DomainDispatcherApplication(create_backend_app)
        if self._file.exists():
            self._load()
            self._save()  # so that all of it is known to be kept

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; what it changed is on disk before the answer is sent."""
        with _RequestBody(max_size=_CHUNK) as body:
            shutil.copyfileobj(get_input_stream(environ), body, _CHUNK)
            body.seek(0)
            environ["wsgi.input"] = body
            environ["wsgi.input_terminated"] = True
            with self._lock:
                answer, status, headers = run_wsgi_app(self._app, environ, buffered=True)
                if environ["REQUEST_METHOD"] not in _SAFE_METHODS:
                    signed = _SIGNED_FOR.search(environ.get("HTTP_AUTHORIZATION", ""))
                    self._save(_CHANGES.get(signed[1], _BIG) if signed else _BIG)
        start_response(status, list(headers))
        return answer

    @contextlib.contextmanager
    def changing(self, service: str) -> Iterator[None]:
        """Hold moto still for a change by this package to one service; it is on disk when this ends.

        Args:
            service: as requests to it are signed, such as `s3` or `monitoring`.

        Raises:
            AwsError: what moto raises meanwhile.
        """
        with self._lock:
            try:
                yield
            except ServiceException as error:
                raise AwsError(error.code, error.message) from error
            self._save(_CHANGES[service])

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Hold moto still while something is read."""
        with self._lock:
            yield

    def open_object(self, bucket: str, key: str) -> BinaryIO | None:
        """Open the newest version of an S3 object for reading, or give None when there is none."""
        with self._lock:
            found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
            value = found.keys.get(key) if found else None
            return self._bodies.path(value).open("rb") if isinstance(value, FakeKey) else None

    def trust_policy(self, role_arn: str) -> dict[str, Any] | None:
        """Give the trust policy of an IAM role, or None when there is no such role."""
        with self._lock:
            roles = iam_backends[ACCOUNT]["aws"].roles.values()
            documents = [role.assume_role_policy_document for role in roles if role.arn == role_arn]
        return json.loads(documents[0]) if documents else None

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """Give the keys of the S3 objects below a prefix, sorted; none when there is no such bucket."""
        with self._lock:
            found = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
            keys = found.keys.items() if found else ()
            return sorted(key for key, value in keys if key.startswith(prefix) and isinstance(value, FakeKey))

    def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Put an object into a bucket of the account's; on disk when this returns, as a request's change is.

        Raises:
            AwsError: `NoSuchBucket`.
        """
        with self.changing("s3"):
            found = s3_backends[ACCOUNT]["aws"].put_object(bucket, key, body)
            found.set_metadata({"Content-Type": content_type})

    def publish(self, topic_arn: str, message: str) -> None:
        """Publish to an SNS topic of the account's, and so to the queues and others that it tells.

        Raises:
            AwsError: `NotFound` for a topic that there is not.
        """
        with self.changing("sns"):
            sns_backends[ACCOUNT][REGION].publish(message, topic_arn)

    def alarm_states(self, names: Collection[str]) -> dict[str, str]:
        """Give the states of CloudWatch alarms, `OK`, `ALARM` or `INSUFFICIENT_DATA`; absent for none."""
        with self._lock:
            alarms = cloudwatch_backends[ACCOUNT][REGION].alarms
            return {name: alarms[name].state_value for name in names if name in alarms}

    def count_buckets(self) -> int:
        """Count the S3 buckets."""
        return len(s3_backends[ACCOUNT]["aws"].buckets)

    def _wait(self, seconds: float) -> None:
        """Wait for a message to come into a queue, without holding up the request that brings it."""
        self._lock.release()
        try:
            time.sleep(min(seconds, _POLL))  # moto looks again, until the caller's time is over
        finally:
            self._lock.acquire()

    def _save(self, big: Collection[str] = _BIG) -> None:
        """Keep what changed: the named ones of the big services are looked at, and all small ones."""
        written = {
            (every.service_name, account, region): self._pickle(backend)
            for every in _instances()
            if every.service_name in big or every.service_name not in _BIG
            for account, region, backend in list(every.iter_backends())
        }
        before, after = self._saved, self._saved | written
        if after == before:
            return
        backends = [(account, region, kept.content) for (_, account, region), kept in after.items() if kept.content]
        write_file(self._file, pickle.dumps({"moto": moto.__version__, "backends": backends}))
        self._saved = after
        if any(kept.bodies != before.get(key, _Saved(None)).bodies for key, kept in written.items()):
            self._bodies.keep_only(set().union(*(kept.bodies for kept in after.values())))

    def _pickle(self, backend: object) -> _Saved:
        """Pickle one backend; some of moto's cannot be, and are lost when the server stops."""
        used: set[str] = set()
        with tempfile.SpooledTemporaryFile(max_size=64 * _CHUNK) as file:
            try:
                _Pickler(file, self._bodies, used).dump(backend)
            except (TypeError, AttributeError, pickle.PicklingError) as error:
                if isinstance(backend, S3Backend):  # never lose an object silently
                    raise
                name = type(backend).__module__
                if name not in self._unsaveable:
                    self._unsaveable.add(name)
                    log.warning("%s is not kept when the server stops: %s", name, error)
                return _Saved(None)
            file.seek(0)
            return _Saved(file.read(), frozenset(used))

    def _load(self) -> None:
        remedy = "Start afresh with: sagebridge local reset"
        try:
            saved = pickle.loads(self._file.read_bytes())  # noqa: S301 - our own file, in a directory of the user's
            version = saved["moto"]
        except Exception as error:
            raise LocalError(f"The saved state in {self._file} cannot be read ({error}). {remedy}") from error
        if version != moto.__version__:
            raise LocalError(
                f"The saved state in {self._file} was written by moto {version}, "
                f"and moto {moto.__version__} is installed, which may not understand it. {remedy}"
            )
        for account, region, pickled in saved["backends"]:
            with tempfile.SpooledTemporaryFile(max_size=64 * _CHUNK) as file:
                file.write(pickled)
                file.seek(0)
                backend = _Unpickler(file, self._bodies).load()
            _registry(type(backend))[account][region] = backend
            if isinstance(backend, S3Backend):
                s3_backends.bucket_accounts |= dict.fromkeys(backend.buckets, (backend.partition, account))


class _RequestBody(tempfile.SpooledTemporaryFile[bytes]):
    """A request's body, read once it is whole."""

    mode = "rb"  # moto unpacks a compressed body by `gzip`, which asks for this


def _instances() -> list[Any]:
    """Give the services that were used, as moto's dictionaries of backends by account and region."""
    return list(BackendDict._instances)  # type: ignore[misc] # noqa: SLF001 - moto has no other list


def _get_permission(bucket: FakeBucket, action: str, resource: str) -> Any:  # noqa: ANN401 - as moto says it
    """Judge an action by a bucket's policy, less the statements that deny what does not come by TLS.

    moto does not evaluate conditions, and takes such a statement to deny everything. The loopback address
    counts as TLS here: nothing leaves the machine. Other conditions stay as moto has them (README).
    """
    found = json.loads(bucket.policy)["Statement"] if bucket.policy else []
    rules = found if isinstance(found, list) else [found]
    judged = [rule for rule in rules if rule.get("Condition") != _TLS_ONLY]
    return IAMPolicy(json.dumps({"Statement": judged})).is_action_permitted(action, resource)


def _registry(backend: type) -> Any:  # noqa: ANN401 - moto ships no types
    """Find moto's dictionary of the backends of one class."""
    module = importlib.import_module(backend.__module__)
    return next(value for value in vars(module).values() if isinstance(value, BackendDict) and value.backend is backend)


@dataclass(frozen=True)
class _Saved:
    """One backend as it was last written down, and the S3 bodies that it refers to."""

    content: bytes | None  # None: it cannot be pickled
    bodies: frozenset[str] = frozenset()


class Bodies:
    """The bodies of S3 objects, a file each, named by their SHA-256."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._digests: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._present = {path.name for path in directory.iterdir()}

    def path(self, key: Any) -> Path:  # noqa: ANN401 - a moto object
        """Give the file with an S3 object's body, written now if it is not there yet."""
        if key not in self._digests:
            self._digests[key] = self._write(key)
        return self._directory / self._digests[key]

    def restore(self, key: Any, digest: str) -> None:  # noqa: ANN401 - a moto object
        """Give an unpickled S3 object its body back: a small one in memory, a big one as the open file."""
        path = self._directory / digest
        if path.stat().st_size > key._max_buffer_size:  # noqa: SLF001 - moto's own threshold
            buffer: IO[bytes] = path.open("rb")
        else:
            buffer = tempfile.SpooledTemporaryFile(key._max_buffer_size)  # noqa: SIM115, SLF001 - as moto does
            buffer.write(path.read_bytes())
        key._value_buffer = buffer  # noqa: SLF001 - what moto's own __setstate__ sets
        key.lock = Lock()
        self._digests[key] = digest

    def keep_only(self, used: set[str]) -> None:
        """Remove the bodies that no object has any more."""
        for name in self._present - used:
            (self._directory / name).unlink(missing_ok=True)
        self._present &= used

    def _write(self, key: Any) -> str:  # noqa: ANN401 - a moto object
        digest = hashlib.sha256()
        part = self._directory / ".part"
        with part.open("wb") as file, key.lock:
            try:
                key._value_buffer.seek(0)  # noqa: SLF001 - `key.value` would copy the whole body in memory
                while chunk := key._value_buffer.read(_CHUNK):  # noqa: SLF001 - as above
                    digest.update(chunk)
                    file.write(chunk)
            except ValueError:  # closed: a part of an upload that was given up
                pass
        name = digest.hexdigest()
        part.replace(self._directory / name)
        self._present.add(name)
        return name


class _Pickler(pickle.Pickler):
    """Pickles a backend, with a reference in place of each S3 object's body.

    By a table of types, which pickle looks up by itself: a hook would be called for every string.
    """

    def __init__(self, file: Any, bodies: Bodies, used: set[str]) -> None:  # noqa: ANN401 - any binary file
        super().__init__(file, protocol=5)
        self._bodies = bodies
        self._used = used
        locks = {kind: partial(_reduce_lock, make) for kind, make in _LOCKS.items()}
        special: dict[type, Any] = {_VersionedKeyStore: _reduce_store, FakeKey: self._reduce_key}
        self.dispatch_table = copyreg.dispatch_table | locks | special

    def _reduce_key(self, key: FakeKey) -> tuple[object, ...]:
        digest = self._bodies.path(key).name
        self._used.add(digest)
        state = {name: value for name, value in vars(key).items() if name not in ("_value_buffer", "lock")}
        new: Any = copyreg.__newobj__  # type: ignore[attr-defined]
        return new, (type(key),), (state, digest), None, None, _set_key_state


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, bodies: Bodies) -> None:  # noqa: ANN401 - any binary file
        super().__init__(file)
        self._bodies = bodies

    def find_class(self, module: str, name: str, /) -> Any:  # noqa: ANN401 - the signature of pickle's hook
        found = super().find_class(module, name)
        return partial(_set_key_state, self._bodies) if found is _set_key_state else found

    def persistent_load(self, pid: str) -> str:
        return pid  # a body, as earlier states refer to it


def _reduce_lock(make: Callable[[], object], _: object) -> tuple[object, ...]:
    return make, ()  # nobody holds it who comes back


def _reduce_store(store: _VersionedKeyStore) -> tuple[object, ...]:
    """Take it as a dict; its own items() gives the newest version of each object only."""
    return type(store), (), dict(dict.items(store)), None, None, dict.update


def _set_key_state(bodies: Bodies, key: Any, state: tuple[dict[str, Any], str]) -> None:  # noqa: ANN401 - a moto object
    members, digest = state
    vars(key).update(members)
    bodies.restore(key, digest)
