"""The fleets that serve endpoints: fetch and unpack an archive, run its worker, pass requests on to it.

`Hosting` does the work that `sagemaker.py` records: it makes an endpoint's status follow what was asked for,
with AWS's reasons when that fails. What really went wrong is in the endpoint's log, `endpoints/<name>.log`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import traceback
import zlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from local import ACCOUNT, REGION
from local.sagemaker import containers
from local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local.sagemaker import Record, SageMaker

log = logging.getLogger(__name__)
PING_SECONDS = 240.0  # for a worker to load its model
INVOKE_SECONDS = 60.0  # AWS: "The timeout for the container to respond … is 1 minute"
MAX_UNPACKED = 30 * 1024**3  # bytes
MAX_MEMBERS = 100_000
SERVERLESS_BODY = 4 * 1024**2  # bytes; AWS's guide to serverless endpoints
# AWS's own words
NO_DATA = (
    'Failed to download model data for container "{container}" from URL: "{url}". '
    "Please ensure that there is an object located at the URL and that the role passed to CreateModel "
    "has permissions to download the model."
)
NO_ARCHIVE = (
    'Failed to extract model data archive for container "{container}" from URL "{url}". '
    "Please ensure that the object located at the URL is a valid tar.gz archive."
)
NO_ROLE = (
    'The execution role ARN "{arn}" is invalid. Please ensure that the role exists and that its trust '
    'relationship policy allows the action "sts:AssumeRole" for the service principal '
    '"sagemaker.amazonaws.com".'
)
NO_PING = (
    "The {container} container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
NO_RESPONSE = (
    "Your invocation timed out while waiting for a response from container {container}. Review the latency "
    "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)
_IMAGE_VERSION = re.compile(r"/sagemaker-scikit-learn:(\d+\.\d+)-")
_WORKER = Path(__file__).with_name("worker.py")
_THREAD_COUNTS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Aws(Protocol):
    """What an endpoint needs of the account's other services."""

    def open_object(self, bucket: str, key: str) -> BinaryIO | None:
        """Open an S3 object, or give None when there is none."""

    def trust_policy(self, role_arn: str) -> dict[str, Any] | None:
        """Give an IAM role's trust policy, or None when there is no such role."""


class DeployError(Exception):
    """A deployment came to nothing.

    Args:
        reason: AWS's FailureReason.
        cause: what really went wrong, for the endpoint's log.
    """

    def __init__(self, reason: str, cause: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class RetiredError(Exception):
    """The fleet was replaced while the request was on its way."""


@dataclass(frozen=True)
class Answer:
    """What a container answered: status, headers with names in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


# Rules without side effects


def trusts_sagemaker(policy: Mapping[str, Any]) -> bool:
    """Tell whether a role's trust policy lets SageMaker assume it."""

    def listed(value: object) -> list[object]:
        return value if isinstance(value, list) else [value]

    return any(
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in listed(statement.get("Action"))
        and isinstance(statement.get("Principal"), dict)
        and "sagemaker.amazonaws.com" in listed(statement["Principal"].get("Service"))
        for statement in listed(policy.get("Statement", []))
        if isinstance(statement, dict)
    )


def misfit(image: str, versions: Mapping[str, str]) -> str | None:
    """Say why a model that one scikit-learn pickled does not load in an image that has another.

    Args:
        image: the container image; others than AWS's scikit-learn images fit everything.
        versions: the archive's `versions.json`.
    """
    has = _IMAGE_VERSION.search(image)
    packed = versions.get("scikit-learn")
    if has is None or packed is None or ".".join(packed.split(".")[:2]) == has[1]:
        return None
    return (
        f"The archive's versions.json says that the model was pickled by scikit-learn {packed}, "
        f"and the image {image} has {has[1]}: the model would not load there."
    )


def unpack(archive: BinaryIO, target: Path) -> None:
    """Unpack a model.tar.gz into a new folder, whole or not at all.

    Raises:
        tarfile.TarError, OSError, EOFError, zlib.error: not such an archive, or one that reaches outside the
            folder, or one of more than `MAX_UNPACKED` bytes or `MAX_MEMBERS` members.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=target.parent, prefix=".part-"))
    try:
        with tarfile.open(fileobj=archive, mode="r|gz") as tar:
            for member in _bounded(tar):
                tar.extract(member, part, filter="data")
        part.chmod(0o755)
        part.replace(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _bounded(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    size = 0
    for count, member in enumerate(tar, start=1):
        size += member.size
        if size > MAX_UNPACKED or count > MAX_MEMBERS:
            raise tarfile.TarError(f"more than {MAX_UNPACKED} bytes or {MAX_MEMBERS} members")
        yield member


# One container


class Worker:
    """One container of one variant: its unpacked archive and the process that serves it.

    Args:
        home: the folder for what is unpacked; it stays when the server stops.
        model: the model's record.
        number: which of the model's containers, from 1.
        aws: where the archive comes from.
        log_file: takes what the process prints.
    """

    def __init__(self, home: Path, model: Record, number: int, aws: Aws, log_file: Path) -> None:
        found = containers(model)
        self._container: Record = found[number - 1]
        self._label = f"container_{number}"
        default_name = "primary" if len(found) == 1 else self._label
        self.name: str = self._container.get("ContainerHostname", default_name)
        self._model_dir = home
        self._aws = aws
        self._log_file = log_file
        self._lock = Lock()  # the process answers one request at a time
        self._retired = False
        self._process: subprocess.Popen[bytes] | None = None
        self._room = Path()

    def start(self, not_ready: str) -> None:
        """Make the worker answer /ping.

        Args:
            not_ready: the reason to give when it does not.

        Raises:
            DeployError: it cannot.
        """
        if not self._model_dir.exists():
            self._fetch(not_ready)
        versions = self._model_dir / "versions.json"
        try:
            cause = misfit(self._container["Image"], json.loads(versions.read_bytes()) if versions.exists() else {})
        except (ValueError, AttributeError) as error:
            raise DeployError(not_ready, f"The archive's versions.json is no JSON object: {error}") from error
        if cause:
            raise DeployError(not_ready, cause)
        self._room = Path(tempfile.mkdtemp(prefix="local-aws-"))  # a socket's path must be short
        self._process = self._run()
        deadline = time.monotonic() + PING_SECONDS
        while not self._pings():
            if self._process.poll() is not None:
                raise DeployError(not_ready, f"The worker ended with status {self._process.returncode}; see above.")
            if time.monotonic() > deadline:
                self.kill()
                raise DeployError(not_ready, f"The worker did not answer /ping within {PING_SECONDS:.0f} s.")
            time.sleep(0.02)

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Pass one request on, starting the worker when it is not running.

        Raises:
            RetiredError: the fleet does not serve any more.
            DeployError: the worker cannot be started.
            OSError, http.client.HTTPException: it gave no answer.
        """
        with self._lock:
            if self._retired:
                raise RetiredError
            with contextlib.suppress(ConnectionRefusedError, FileNotFoundError):  # nobody listens: it is dead
                if self._process is not None:
                    return self._post(body, headers)
            self.kill()
            self.start("The container could not be started.")
            return self._post(body, headers)

    def retire(self) -> None:
        """End for good, after the request that is being answered."""
        with self._lock:
            self._retired = True
            self.kill()

    def kill(self) -> None:
        """End the process now."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._clear()

    def _clear(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            shutil.rmtree(self._room, ignore_errors=True)
        self._process = None

    def _fetch(self, not_ready: str) -> None:
        source = self._container.get("ModelDataSource", {}).get("S3DataSource")
        if source is None:
            raise DeployError(not_ready, "The local worker needs model data: give the container a ModelDataUrl.")
        if (source["S3DataType"], source["CompressionType"]) != ("S3Object", "Gzip"):
            raise DeployError(not_ready, "The local worker takes model data as one .tar.gz object only.")
        url = source["S3Uri"]
        bucket, _, key = url.removeprefix("s3://").partition("/")
        archive = self._aws.open_object(bucket, key)
        if archive is None:
            raise DeployError(
                NO_DATA.format(container=self._label, url=url),
                f"There is no object at {url}.",
            )
        with archive:
            try:
                unpack(archive, self._model_dir)
            except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
                raise DeployError(
                    NO_ARCHIVE.format(container=self._label, url=url),
                    f"{url} cannot be unpacked: {type(error).__name__}: {error}",
                ) from error

    def _run(self) -> subprocess.Popen[bytes]:
        """Start the process with the container's environment, and nothing of the server's."""
        environment = {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(self._room),
            "TMPDIR": str(self._room),
            "PYTHONUNBUFFERED": "1",
            **dict.fromkeys(_THREAD_COUNTS, "1"),
            **self._container.get("Environment", {}),
            "SM_MODEL_DIR": str(self._model_dir),
        }
        with self._log_file.open("ab") as output:
            return subprocess.Popen(  # -P: the server's own modules are not the handler's to import
                [sys.executable, "-P", str(_WORKER), str(self._model_dir), str(self._room / "socket")],
                cwd=self._model_dir,
                env=environment,
                stdin=subprocess.PIPE,  # its end tells the worker that the server is gone
                stdout=output,
                stderr=output,
            )

    def _post(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            return self._ask("POST", "/invocations", INVOKE_SECONDS, body, headers)
        except TimeoutError:
            self.kill()  # it would go on with a request that nobody waits for
            raise

    def _pings(self) -> bool:
        try:
            return self._ask("GET", "/ping", 2.0).status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

    def _ask(
        self,
        method: str,
        path: str,
        timeout: float,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = _UnixConnection(self._room / "socket", timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


# One deployment


class Fleet:
    """The workers of one deployment.

    Args:
        deployment: as `SageMaker.endpoint` gives it.
        home: the folder of the deployment.
        aws: the account's other services.
        log_file: the endpoint's log.
    """

    def __init__(self, deployment: Record, home: Path, aws: Aws, log_file: Path) -> None:
        self.home = home
        self._aws = aws
        self._models: Record = deployment["models"]
        self._variants: dict[str, Record] = {
            variant["VariantName"]: variant for variant in deployment["config"]["ProductionVariants"]
        }
        self._workers = {
            name: [
                Worker(home / f"{name}-{number}", model, number, aws, log_file)
                for number in range(1, len(containers(model)) + 1)
            ]
            for name, variant in self._variants.items()
            if (model := self._models[variant["ModelName"]])
        }

    def start(self) -> None:
        """Check the roles, fetch the archives, load the models.

        Raises:
            DeployError: with AWS's reason.
        """
        for arn in {model["ExecutionRoleArn"] for model in self._models.values() if "ExecutionRoleArn" in model}:
            policy = self._aws.trust_policy(arn)
            if policy is None or not trusts_sagemaker(policy):
                raise DeployError(
                    NO_ROLE.format(arn=arn),
                    f"{arn} does not exist." if policy is None else f"{arn} has the trust policy {policy}.",
                )
        for variant, workers in self._workers.items():
            for worker in workers:
                worker.start(NO_PING.format(container=worker.name, variant=variant))

    def choose(self, target: str | None) -> str:
        """Choose the variant for a request: the target, or one by weight."""
        if target is not None:
            if target not in self._variants:
                raise AwsError("ValidationError", f"Variant {target} not found for this endpoint.")
            return target
        weights = [variant["InitialVariantWeight"] for variant in self._variants.values()]
        return random.choices(list(self._variants), weights if any(weights) else None)[0]  # noqa: S311 - no secret

    def body_limit(self, variant: str, limit: int) -> int:
        """Give the most bytes that a request's body may have, `limit` for a variant on instances."""
        return SERVERLESS_BODY if "ServerlessConfig" in self._variants[variant] else limit

    def invoke(self, variant: str, body: bytes, headers: Mapping[str, str]) -> tuple[str, Answer]:
        """Pass a request through a variant's containers, each taking the answer of the one before.

        Returns:
            The name of the container that answered last, and its answer.
        """
        answer = Answer(http.client.OK, dict(headers), body)
        name = ""
        for worker in self._workers[variant]:
            sent = {k: v for k, v in answer.headers.items() if k in ("content-type", "accept") or "sagemaker" in k}
            name = worker.name
            try:
                answer = worker.invoke(answer.body, sent)
            except TimeoutError:
                answer = _no_answer(NO_RESPONSE.format(container=name))
            except (OSError, http.client.HTTPException, DeployError) as error:
                answer = _no_answer(f"The container gave no response: {getattr(error, 'cause', error)}")
            if not http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES:
                break
        return name, answer

    def retire(self, *, remove: bool) -> None:
        """End the workers, and with `remove` forget what they unpacked."""
        for workers in self._workers.values():
            for worker in workers:
                if remove:
                    worker.retire()
                else:
                    worker.kill()
        if remove:
            shutil.rmtree(self.home, ignore_errors=True)


def _no_answer(message: str) -> Answer:
    return Answer(0, {}, message.encode())


# All endpoints


class Hosting:
    """Does the work of the endpoints.

    Args:
        control: SageMaker's control plane.
        aws: the account's other services.
        directory: where archives are unpacked and endpoints' logs are.
    """

    def __init__(self, control: SageMaker, aws: Aws, directory: Path) -> None:
        self._control = control
        self._aws = aws
        self._directory = directory
        self._fleets: dict[str, Fleet] = {}
        self._lock = Lock()
        directory.mkdir(parents=True, exist_ok=True)
        for name in control.busy_endpoints():
            self.work(name)

    def work(self, name: str) -> None:
        """Do in the background what the endpoint's status says is to be done."""
        Thread(target=self._work, args=[name], name=f"endpoint {name}", daemon=True).start()

    def invoke(
        self, endpoint: str, target: str | None, body: bytes, headers: Mapping[str, str], limit: int
    ) -> tuple[str, Answer]:
        """Answer one InvokeEndpoint.

        Args:
            endpoint: its name.
            target: the variant that the caller wants, or None.
            body: the request's.
            headers: those for the container, names in lower case.
            limit: the most bytes that a body may have, for a variant on instances.

        Returns:
            The variant that answered, and its answer, whose status is a success.

        Raises:
            AwsError: `ValidationError`, or `ModelError` for any other status of the container's.
        """
        while True:
            fleet = self._fleet(endpoint)
            variant = fleet.choose(target)
            if len(body) > fleet.body_limit(variant, limit):
                raise AwsError(
                    "ValidationError",
                    "1 validation error detected: Value at 'body' failed to satisfy constraint: "
                    f"Member must have length less than or equal to {fleet.body_limit(variant, limit)}",
                )
            try:
                name, answer = fleet.invoke(variant, body, headers)
            except RetiredError:  # an update came between; the new fleet is there
                continue
            if http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES:
                return variant, answer
            raise _model_error(endpoint, name, answer)

    def close(self) -> None:
        """End all workers; what they unpacked stays for the next start."""
        with self._lock:
            for fleet in self._fleets.values():
                fleet.retire(remove=False)

    def _fleet(self, name: str) -> Fleet:
        with self._lock:
            if not self._control.is_serving(name):
                raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
            if name not in self._fleets and (record := self._control.endpoint(name)):  # after a restart of the server
                self._fleets[name] = self._new_fleet(name, record["running"])
            return self._fleets[name]

    def _new_fleet(self, name: str, deployment: Record) -> Fleet:
        return Fleet(deployment, self._directory / name / deployment["id"], self._aws, self._log_file(name))

    def _log_file(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _work(self, name: str) -> None:
        record = self._control.endpoint(name)
        if record is None:
            return
        log.info("endpoint %s: %s; its log is %s", name, record["EndpointStatus"], self._log_file(name))
        if record["EndpointStatus"] in ("Creating", "Updating"):
            self._deploy(name, record["asked"])
        elif record["EndpointStatus"] == "RollingBack":
            self._control.rolled_back(name)
        elif record["EndpointStatus"] == "Deleting":
            self._delete(name)

    def _deploy(self, name: str, deployment: Record) -> None:
        fleet = self._new_fleet(name, deployment)
        try:
            fleet.start()
        except Exception as error:  # noqa: BLE001 - whatever happens, the endpoint must not hang in its status
            fleet.retire(remove=True)
            reason = getattr(error, "reason", "Request to service failed. If failure persists, see the server's log.")
            self._note(name, getattr(error, "cause", None) or traceback.format_exc())
            log.warning("endpoint %s failed: %s See %s", name, reason, self._log_file(name))
            self._control.failed(name, reason)
            self._work(name)
            return
        with self._lock:
            old = self._fleets.get(name)
            self._fleets[name] = fleet
            self._control.deployed(name)
        if old is not None:
            old.retire(remove=True)
        self._forget_others(name, fleet)
        log.info("endpoint %s: InService", name)

    def _forget_others(self, name: str, fleet: Fleet) -> None:
        """Remove what deployments left behind that a stop of the server cut short."""
        for folder in (self._directory / name).iterdir():
            if folder != fleet.home:
                shutil.rmtree(folder, ignore_errors=True)

    def _delete(self, name: str) -> None:
        with self._lock:
            fleet = self._fleets.pop(name, None)
        if fleet is not None:
            fleet.retire(remove=True)
        shutil.rmtree(self._directory / name, ignore_errors=True)
        self._control.deleted(name)
        log.info("endpoint %s: deleted", name)

    def _note(self, name: str, text: str) -> None:
        with self._log_file(name).open("a") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def _model_error(endpoint: str, container: str, answer: Answer) -> AwsError:
    """Make of a container's answer the error that SageMaker answers with."""
    who = "client" if http.client.BAD_REQUEST <= answer.status < http.client.INTERNAL_SERVER_ERROR else "server"
    original = answer.body.decode(errors="replace")
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    console = f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}#logEventViewer:group={group}"
    return AwsError(
        "ModelError",
        f'Received {who} error ({answer.status}) from {container} with message "{original}". '
        f"See {console} in account {ACCOUNT} for more information.",
        424,
        OriginalStatusCode=answer.status,
        OriginalMessage=original,
        LogStreamArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}",
    )
