"""moto, kept on disk: the AWS services other than SageMaker.

All that knows moto's insides is here (how its backends are registered, how an S3 object holds its body). It
was written for moto 5.2.5, and refuses to start on another version.

On disk: `moto.pickle`, the backends without the bodies of S3 objects, and `bodies/`, each body once, named by
its SHA-256. So a change writes little however big the objects are. What was acknowledged survives the end of
the process, kill -9 included; nothing is synced for the case that the machine itself goes down.
"""

from __future__ import annotations

import copyreg
import hashlib
import importlib
import json
import logging
import pickle
import shutil
import tempfile
from dataclasses import dataclass
from threading import Lock, RLock
from typing import IO, TYPE_CHECKING, Any, BinaryIO
from weakref import WeakKeyDictionary

import moto
from moto.core.base_backend import BackendDict
from moto.iam.access_control import IAMPolicy
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.utils import _VersionedKeyStore
from werkzeug.test import run_wsgi_app
from werkzeug.wsgi import get_input_stream

from local import ACCOUNT, MOTO_VERSION, LocalError
from local.files import write_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)
_CHUNK = 1024 * 1024  # bytes; a request's body is held in memory up to here, then in a file
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}


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
        self._file = directory / "moto.pickle"
        self._bodies = Bodies(directory / "bodies")
        self._lock = RLock()
        self._saved = b""
        self._unsaveable: set[str] = set()
        self._app = DomainDispatcherApplication(create_backend_app)
        if self._file.exists():
            self._load()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; what it changed is on disk before the answer is sent."""
        with tempfile.SpooledTemporaryFile(max_size=_CHUNK) as body:
            shutil.copyfileobj(get_input_stream(environ), body, _CHUNK)
            body.seek(0)
            environ["wsgi.input"] = body
            environ["wsgi.input_terminated"] = True
            with self._lock:
                answer, status, headers = run_wsgi_app(self._app, environ, buffered=True)
                if environ["REQUEST_METHOD"] not in _SAFE_METHODS:
                    self._save()
        start_response(status, list(headers))
        return answer

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

    def count_buckets(self) -> int:
        """Count the S3 buckets."""
        return len(s3_backends[ACCOUNT]["aws"].buckets)

    def _save(self) -> None:
        used: set[str] = set()
        backends = [
            (account, region, pickled)
            for every in _instances()
            for account, region, backend in list(every.iter_backends())
            if (pickled := self._pickle(backend, used))
        ]
        content = pickle.dumps({"moto": moto.__version__, "backends": backends})
        if content != self._saved:
            write_file(self._file, content)
            self._saved = content
        self._bodies.keep_only(used)

    def _pickle(self, backend: object, used: set[str]) -> bytes | None:
        """Pickle one backend; some of moto's cannot be, and are lost when the server stops."""
        with tempfile.SpooledTemporaryFile(max_size=64 * _CHUNK) as file:
            pickler = _Pickler(file, self._bodies, used)
            try:
                pickler.dump(backend)
            except (TypeError, AttributeError, pickle.PicklingError) as error:
                if isinstance(backend, S3Backend):  # never lose an object silently
                    raise
                name = type(backend).__module__
                if name not in self._unsaveable:
                    self._unsaveable.add(name)
                    log.warning("%s is not kept when the server stops: %s", name, error)
                return None
            file.seek(0)
            return file.read()

    def _load(self) -> None:
        remedy = "Start afresh with: python -m local reset"
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
class _Body:
    """Stands for an S3 object's body in a pickle."""

    digest: str


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
    """Pickles a backend, with a reference in place of each S3 object's body."""

    def __init__(self, file: Any, bodies: Bodies, used: set[str]) -> None:  # noqa: ANN401 - any binary file
        super().__init__(file, protocol=5)
        self._bodies = bodies
        self._used = used

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401 - the signature of pickle's hook
        if isinstance(obj, _VersionedKeyStore):  # its items() give the newest version of each object only
            return type(obj), (), dict(dict.items(obj)), None, None, dict.update
        if not isinstance(obj, FakeKey):
            return NotImplemented
        body = _Body(self._bodies.path(obj).name)
        self._used.add(body.digest)
        state = {name: value for name, value in vars(obj).items() if name not in ("_value_buffer", "lock")}
        return copyreg.__newobj__, (type(obj),), (state, body), None, None, _set_key_state  # type: ignore[attr-defined]

    def persistent_id(self, obj: Any) -> str | None:  # noqa: ANN401 - the signature of pickle's hook
        return obj.digest if isinstance(obj, _Body) else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, bodies: Bodies) -> None:  # noqa: ANN401 - any binary file
        super().__init__(file)
        self._bodies = bodies

    def persistent_load(self, pid: str) -> tuple[Bodies, str]:
        return self._bodies, pid


def _set_key_state(key: Any, state: tuple[dict[str, Any], tuple[Bodies, str]]) -> None:  # noqa: ANN401 - a moto object
    members, (bodies, digest) = state
    vars(key).update(members)
    bodies.restore(key, digest)
