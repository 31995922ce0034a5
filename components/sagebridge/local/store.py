"""moto, kept on disk: the AWS services other than SageMaker.

This module knows moto's insides: how its backends are registered, and how an S3 object holds its body. Those of
CloudWatch are in `cloudwatch/`. All were written for moto 5.2.5; this one refuses to start on another version.

On disk are `moto.pickle`, the backends without the bodies of S3 objects, and `bodies/`, which has each body once, named
by its SHA-256. So a change writes little however big the objects are, and only the services that a request can have
changed are compared. What was acknowledged survives the end of the process, also by kill -9. Nothing is synced for the
case that the machine itself goes down.
"""

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
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from threading import Condition, Lock, RLock
from typing import IO, Any, BinaryIO
from weakref import WeakKeyDictionary
from wsgiref.types import StartResponse, WSGIEnvironment

import moto
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.iam.responses import IamResponse
from moto.kms.utils import ECDSAPrivateKey, RSAPrivateKey
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response
from moto.s3.utils import _VersionedKeyStore
from moto.sns.models import sns_backends
from moto.sqs.models import Queue
from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request
from werkzeug.wsgi import get_input_stream

from sagebridge.errors import UserError
from sagebridge.files import write_file
from sagebridge.local import (
    ACCOUNT,
    MOTO_VERSION,
    REGION,
    bucket_configurations,
    managed_policies,
    object_versions,
    unserved,
)
from sagebridge.local.shapes import AwsError

log = logging.getLogger(__name__)
_CHUNK = 1024 * 1024
"""Bytes up to which a request's body is held in memory instead of a file."""
_POLL_SECONDS = 0.05
_NO_SUCH_PATH = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>"
"""What Flask answers for a path that an application does not have."""
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_LOCKS: dict[type, Callable[[], object]] = {type(lock()): lock for lock in (Condition, Lock, RLock)}
_TLS_ONLY = {"Bool": {"aws:SecureTransport": "false"}}
_TAGS_OF_NEW_BUCKET = re.compile(r"<CreateBucketConfiguration.*<Tags>(.*)</Tags>", re.DOTALL)
_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[a-z0-9-]+/([a-z0-9-]+)/aws4_request")
_BIG = frozenset({"s3", "iam", "cloudwatch"})
"""Services that may hold thousands of things, so that writing them down takes a while, as moto names them."""
_CHANGES = {
    "s3": {"s3"},
    "iam": {"iam"},
    "sts": {"iam"},
    "monitoring": {"cloudwatch"},
    "logs": set(),
    "sns": set(),
    "sqs": set(),
}
"""The big services that a request may change, by the name that it is signed for; other requests may change all."""


@dataclass(frozen=True)
class _Saved:
    """A backend as it was last saved."""

    content: bytes | None
    """The pickled backend; None if it cannot be pickled."""
    bodies: frozenset[str] = frozenset()
    """The S3 bodies that it refers to."""


def check_moto() -> None:
    """Checks that the installed moto is the one that this module was written for.

    Raises:
        UserError: it is another one.
    """
    if moto.__version__ != MOTO_VERSION:
        raise UserError(
            f"The local AWS was written for moto {MOTO_VERSION}, and moto {moto.__version__} is installed. "
            f"Install the right one with: pip install 'moto[s3,iam]=={MOTO_VERSION}'"
        )


class Moto:
    """moto's own server application over state that outlives it.

    Requests reach moto one at a time: its backends are plain dictionaries, and a snapshot must not see one
    half changed. Bodies are received before that, and answers are sent after it, so a slow client delays nobody.

    Args:
        directory: the folder of the state; it is made if it is missing.
    """

    def __init__(self, directory: Path) -> None:
        check_moto()
        managed_policies.install()
        object_versions.install()
        bucket_configurations.install()
        FakeBucket.get_permission = _get_permission  # type: ignore[method-assign, assignment]
        S3Response._bucket_response_put = _put_bucket  # type: ignore[method-assign, assignment] # noqa: SLF001 - see there
        S3Response._bucket_tagging_from_body = _tags_of_body  # type: ignore[method-assign, assignment] # noqa: SLF001 - see there
        IamResponse.list_service_specific_credentials = _no_credentials  # type: ignore[attr-defined]
        Queue.wait_for_messages = lambda _, timeout: self._wait(timeout)  # type: ignore[method-assign, assignment]
        self._file = directory / "moto.pickle"
        self._bodies = Bodies(directory / "bodies")
        self._lock = RLock()
        self._saved: dict[tuple[str, str, str], _Saved] = {}
        self._unsaveable: set[str] = set()
        self._app = DomainDispatcherApplication(_create_backend_app)
        if self._file.exists():
            self._load()
            self._save()  # so that `_saved` has all of it

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request; what it changed is on disk before the answer is sent."""
        with _RequestBody(max_size=_CHUNK) as body:
            shutil.copyfileobj(get_input_stream(environ), body, _CHUNK)
            body.seek(0)
            environ["wsgi.input"] = body
            environ["wsgi.input_terminated"] = True
            with self._lock:
                answer, status, headers = self._answer(environ, body)
                if environ["REQUEST_METHOD"] not in _SAFE_METHODS:
                    signed = _SIGNED_FOR.search(environ.get("HTTP_AUTHORIZATION", ""))
                    self._save(_CHANGES.get(signed[1], _BIG) if signed else _BIG)
        start_response(status, list(headers))
        return answer

    def _answer(self, environ: WSGIEnvironment, body: IO[bytes]) -> tuple[Iterable[bytes], str, Headers]:
        """Answers one request by moto, or refuses it if moto cannot answer it."""
        refusal = None
        try:
            answer, status, headers = run_wsgi_app(self._app, environ, buffered=True)
            chunks = list(answer)
            if _is_unrouted(chunks):
                refusal = unserved.missing_operation
        except Exception as error:  # noqa: BLE001 - moto raises whatever went wrong in it
            refusal = partial(unserved.failed, error=error)
        if refusal:
            body.seek(0)
            environ["wsgi.input"] = body
            return run_wsgi_app(refusal(Request(environ)), environ, buffered=True)
        return chunks, status, headers

    @contextlib.contextmanager
    def changing(self, service: str) -> Iterator[None]:
        """Holds moto still for a change by this package to a service; the change is on disk when this ends.

        Args:
            service: the name for which requests to the service are signed, such as `s3` or `monitoring`.

        Raises:
            AwsError: in place of an error that moto raises meanwhile.
        """
        with self._lock:
            try:
                yield
            except ServiceException as error:
                raise AwsError(error.code, error.message) from error
            self._save(_CHANGES[service])

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Holds moto still while something is read."""
        with self._lock:
            yield

    def open_object(self, bucket: str, key: str) -> BinaryIO | None:
        """Opens the newest version of an S3 object for reading; returns None if there is none."""
        with self._lock:
            moto_bucket = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
            value = moto_bucket.keys.get(key) if moto_bucket else None
            return self._bodies.path(value).open("rb") if isinstance(value, FakeKey) else None

    def trust_policy(self, role_arn: str) -> dict[str, Any] | None:
        """Returns the trust policy of an IAM role, or None if the role does not exist."""
        with self._lock:
            roles = iam_backends[ACCOUNT]["aws"].roles.values()
            documents = [role.assume_role_policy_document for role in roles if role.arn == role_arn]
        return json.loads(documents[0]) if documents else None

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """Returns the keys of the S3 objects below a prefix, sorted; none if the bucket does not exist."""
        with self._lock:
            moto_bucket = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
            keys = moto_bucket.keys.items() if moto_bucket else ()
            return sorted(key for key, value in keys if key.startswith(prefix) and isinstance(value, FakeKey))

    def put_object(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Puts an object into a bucket of the account; it is on disk when this returns.

        Raises:
            AwsError: `NoSuchBucket`.
        """
        with self.changing("s3"):
            content = s3_backends[ACCOUNT]["aws"].put_object(bucket, key, body)
            content.set_metadata({"Content-Type": content_type})

    def publish(self, topic_arn: str, message: str) -> None:
        """Publishes to an SNS topic of the account, and so to its subscribers.

        Raises:
            AwsError: `NotFound` for a topic that does not exist.
        """
        with self.changing("sns"):
            sns_backends[ACCOUNT][_region_of(topic_arn)].publish(message, topic_arn)

    def alarm_states(self, names: Collection[str], region: str = REGION) -> dict[str, str]:
        """Returns the states of those CloudWatch alarms of a region that exist, such as `OK` or `INSUFFICIENT_DATA`."""
        with self._lock:
            alarms = cloudwatch_backends[ACCOUNT][region].alarms
            return {name: alarms[name].state_value for name in names if name in alarms}

    def count_buckets(self) -> int:
        """Returns the number of S3 buckets."""
        return len(s3_backends[ACCOUNT]["aws"].buckets)

    def _wait(self, seconds: float) -> None:
        """Waits for a message to come into a queue, without delaying the request that brings it."""
        self._lock.release()
        try:
            time.sleep(min(seconds, _POLL_SECONDS))  # moto looks again, until the caller's time is over
        finally:
            self._lock.acquire()

    def _save(self, big: Collection[str] = _BIG) -> None:
        """Saves what changed in some of the big services, and in all small ones."""
        written = {
            (backends.service_name, account, region): self._pickle(backend)
            for backends in _instances()
            if backends.service_name in big or backends.service_name not in _BIG
            for account, region, backend in list(backends.iter_backends())
        }
        before, after = self._saved, self._saved | written
        if after == before:
            return
        contents = [(account, region, saved.content) for (_, account, region), saved in after.items() if saved.content]
        write_file(self._file, pickle.dumps({"moto": moto.__version__, "backends": contents}))
        self._saved = after
        if any(saved.bodies != before.get(key, _Saved(None)).bodies for key, saved in written.items()):
            self._bodies.keep_only(set().union(*(saved.bodies for saved in after.values())))

    def _pickle(self, backend: object) -> _Saved:
        """Pickles a backend; some of moto's cannot be pickled, and are lost when the server stops."""
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
            # What another moto wrote is not unpickled.
            backends = [
                (account, region, self._unpickle(pickled))
                for account, region, pickled in (saved["backends"] if version == moto.__version__ else ())
            ]
        except Exception as error:
            raise UserError(f"The saved state in {self._file} cannot be read ({error}). {remedy}") from error
        if version != moto.__version__:
            raise UserError(
                f"The saved state in {self._file} was written by moto {version}, "
                f"and moto {moto.__version__} is installed, which may not understand it. {remedy}"
            )
        for account, region, backend in backends:
            _registry(type(backend))[account][region] = backend
            if isinstance(backend, S3Backend):
                s3_backends.bucket_accounts |= dict.fromkeys(backend.buckets, (backend.partition, account))

    def _unpickle(self, pickled: bytes) -> Any:  # noqa: ANN401 - a backend of moto's
        with tempfile.SpooledTemporaryFile(max_size=64 * _CHUNK) as file:
            file.write(pickled)
            file.seek(0)
            return _Unpickler(file, self._bodies).load()


class _RequestBody(tempfile.SpooledTemporaryFile[bytes]):
    """A request's body, read once it is whole."""

    mode = "rb"  # moto unpacks a compressed body by `gzip`, which asks for this


def _region_of(arn: str) -> str:
    """Returns the region that an ARN names; the usual one for what is no ARN, which is then not found there."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 4 and parts[3] else REGION  # noqa: PLR2004 - the account follows


def _create_backend_app(service: Any) -> Any:  # noqa: ANN401 - moto's types
    """Returns moto's application of a service.

    Raises:
        MissingServiceError: moto does not have the service, and says None.
    """
    if service is None:
        raise unserved.MissingServiceError
    return create_backend_app(service)


def _is_unrouted(chunks: list[bytes]) -> bool:
    """Returns whether an answer is Flask's page for a path that moto does not have; no service of AWS sends HTML."""
    return b"".join(chunks[:1]).startswith(_NO_SUCH_PATH)


def _instances() -> list[Any]:
    """Returns the services that were used, as moto's dictionaries of backends by account and region."""
    return list(BackendDict._instances)  # type: ignore[misc] # noqa: SLF001 - moto has no other list


_moto_tags_of_body = S3Response._bucket_tagging_from_body  # noqa: SLF001 - moto has no other place for it
_moto_put_bucket = S3Response._bucket_response_put  # noqa: SLF001 - moto has no other place for it


def _tags_of_body(response: S3Response) -> dict[str, str]:
    """Returns the tags of a request as moto does, but an empty value as AWS has it, and not as none."""
    return {key: value or "" for key, value in _moto_tags_of_body(response).items()}


@wraps(_moto_put_bucket)
def _put_bucket(response: S3Response, request: Any, bucket: str, query: dict[str, Any]) -> Any:  # noqa: ANN401 - moto's
    """Answers as moto does, and keeps the tags of a new bucket, which moto leaves out (`CreateBucketConfiguration`)."""
    content = response.body.decode() if isinstance(response.body, bytes) else str(response.body or "")
    tags = _TAGS_OF_NEW_BUCKET.search(content)
    answer = _moto_put_bucket(response, request, bucket, query)
    if tags:
        response.body = f"<Tagging><TagSet>{tags[1]}</TagSet></Tagging>"
        response.backend.put_bucket_tagging(bucket, _tags_of_body(response))
    return answer


def _no_credentials(response: IamResponse) -> ActionResult:
    """Answers ListServiceSpecificCredentials, which moto lacks: no user has any, because none can be made here.

    The AWS provider asks for them before it deletes a user that has `force_destroy`.
    """
    if user := response._get_params().get("UserName"):  # noqa: SLF001 - as moto's own methods do
        response.backend.get_user(user)  # refuses one that does not exist
    return ActionResult({"ServiceSpecificCredentials": [], "IsTruncated": False})


def _get_permission(bucket: FakeBucket, action: str, resource: str) -> Any:  # noqa: ANN401 - moto's type
    """Returns what a bucket's policy says of an action, without the statements that deny what does not come by TLS.

    moto does not evaluate conditions, and takes such a statement to deny everything. The loopback address counts as
    TLS here, because nothing leaves the machine. Other conditions stay as moto has them (README).
    """
    content = json.loads(bucket.policy)["Statement"] if bucket.policy else []
    statements = content if isinstance(content, list) else [content]
    evaluated = [statement for statement in statements if statement.get("Condition") != _TLS_ONLY]
    return IAMPolicy(json.dumps({"Statement": evaluated})).is_action_permitted(action, resource)


def _registry(backend: type) -> Any:  # noqa: ANN401 - moto ships no types
    """Returns moto's dictionary of the backends of a class."""
    module = importlib.import_module(backend.__module__)
    return next(value for value in vars(module).values() if isinstance(value, BackendDict) and value.backend is backend)


class Bodies:
    """The bodies of S3 objects, each in a file that is named by its SHA-256."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._digests: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._present = {path.name for path in directory.iterdir()}

    def path(self, key: Any) -> Path:  # noqa: ANN401 - a moto object
        """Returns the file with the body of an S3 object, and writes it if it does not exist."""
        if key not in self._digests:
            self._digests[key] = self._write(key)
        return self._directory / self._digests[key]

    def restore(self, key: Any, digest: str) -> None:  # noqa: ANN401 - a moto object
        """Restores the body of an unpickled S3 object: a small one in memory, a big one as the open file."""
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
        """Removes the bodies that no object has any more."""
        for name in self._present - used:
            (self._directory / name).unlink(missing_ok=True)
        self._present &= used

    def _write(self, key: Any) -> str:  # noqa: ANN401 - a moto object
        digest = hashlib.sha256()
        part = self._directory / ".part"
        with part.open("wb") as file, key.lock:
            try:
                key._value_buffer.seek(0)  # noqa: SLF001 - `key.value` would copy the whole body in memory
                while chunk := key._value_buffer.read(_CHUNK):  # noqa: SLF001 - for the same reason
                    digest.update(chunk)
                    file.write(chunk)
            except ValueError:  # closed: a part of an upload that was given up
                pass
        name = digest.hexdigest()
        part.replace(self._directory / name)
        self._present.add(name)
        return name


class _Pickler(pickle.Pickler):
    """Pickles a backend, with a reference in place of the body of each S3 object.

    It has a table of types, which pickle looks up by itself; a hook would be called for every string.
    """

    def __init__(self, file: Any, bodies: Bodies, used: set[str]) -> None:  # noqa: ANN401 - any binary file
        super().__init__(file, protocol=5)
        self._bodies = bodies
        self._used = used
        locks = {kind: partial(_reduce_lock, make) for kind, make in _LOCKS.items()}
        special: dict[type, Any] = {_VersionedKeyStore: _reduce_store, FakeKey: self._reduce_key}
        special[AWSManagedPolicy] = managed_policies.reduce
        special |= dict.fromkeys((RSAPrivateKey, ECDSAPrivateKey), _reduce_private_key)
        self.dispatch_table = copyreg.dispatch_table | locks | special

    def _reduce_key(self, key: FakeKey) -> tuple[object, ...]:
        digest = self._bodies.path(key).name
        self._used.add(digest)
        state = {name: value for name, value in vars(key).items() if name not in ("_value_buffer", "lock")}
        new: Any = copyreg.__newobj__  # type: ignore[attr-defined]
        return new, (type(key),), (state, digest), None, None, _set_key_state


class _Unpickler(pickle.Unpickler):
    """Unpickles a backend, and restores the bodies of its S3 objects."""

    def __init__(self, file: Any, bodies: Bodies) -> None:  # noqa: ANN401 - any binary file
        super().__init__(file)
        self._bodies = bodies

    def find_class(self, module: str, name: str, /) -> Any:  # noqa: ANN401 - the signature of pickle's hook
        value = super().find_class(module, name)
        return partial(_set_key_state, self._bodies) if value is _set_key_state else value

    def persistent_load(self, pid: str) -> str:
        return pid  # a body, as states of earlier versions refer to it


def _reduce_lock(make: Callable[[], object], _: object) -> tuple[object, ...]:
    return make, ()  # after a restart nobody holds it


def _reduce_store(store: _VersionedKeyStore) -> tuple[object, ...]:
    """Reduces it as a dict: its own `items` has only the newest version of each object."""
    return type(store), (), dict(dict.items(store)), None, None, dict.update


def _reduce_private_key(key: Any) -> tuple[object, ...]:  # noqa: ANN401 - a moto object
    """Reduces a key of KMS with the private key as text: the object of the library has no form for pickle."""
    pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    state = {name: value for name, value in vars(key).items() if name != "private_key"}
    new: Any = copyreg.__newobj__  # type: ignore[attr-defined]
    return new, (type(key),), (state, pem), None, None, _set_private_key


def _set_private_key(key: Any, state: tuple[dict[str, Any], bytes]) -> None:  # noqa: ANN401 - a moto object
    members, pem = state
    vars(key).update(members, private_key=load_pem_private_key(pem, None))


def _set_key_state(bodies: Bodies, key: Any, state: tuple[dict[str, Any], str]) -> None:  # noqa: ANN401 - a moto object
    members, digest = state
    vars(key).update(members)
    bodies.restore(key, digest)
