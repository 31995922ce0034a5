"""What the slow rings share: a local AWS of their own, with the Terraform base applied and a model published.

Each is made once a worker process; a test that changes one makes its own copy.
"""

import base64
import gc
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import hypothesis
import pytest

from sagebridge.local import control
from sagebridge.local import environment as local_environment
from sagebridge.model import archive, contract
from tests import properties
from tests.aws_provider import SharedProvider
from tests.fields import IMAGE, Given
from tests.processes import Marked
from tests.terraform_provider import SharedTerraformProvider
from tools import environment

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

pytest_plugins = ["tests.mocks", "tests.rings", "tests.shells", "tests.stacks"]

ROOT = Path(__file__).parent.parent
COMMAND_SECONDS = 240
HELD_SECONDS = 1e4  # more than any test takes
PREDICTION = 28.9967236198


@dataclass(frozen=True)
class Aws:
    """A local AWS, and the environment in which commands reach it."""

    environment: dict[str, str]
    provider: SharedProvider | None = None
    """The AWS provider that stacks share whose program runs in the process of the test."""
    terraform_provider: SharedTerraformProvider | None = None
    """The AWS provider that commands of Terraform share; see `attached_in`."""
    clients: dict[str, Any] = field(default_factory=dict)
    """The clients by the names of their services: each has to read its service's model, which is large."""

    def run(self, *command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end, with a time limit; its exit code is the caller's to judge.

        A command of the package leaves no process behind, whether it succeeds or fails.
        """
        marked = Marked()
        done = subprocess.run(
            command,
            cwd=cwd,
            env=self.environment | marked.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert command[0] != "sagebridge" or not marked.running()
        return done

    def must(self, *command: str, cwd: Path = ROOT) -> str:
        """Runs a command that must succeed, and returns its output."""
        done = self.run(*command, cwd=cwd)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @property
    def folder(self) -> Path:
        """The directory of its server."""
        return Path(self.environment["LOCAL_AWS_DIR"])

    @contextmanager
    def holding(self, status: str) -> Iterator[None]:
        """Holds every endpoint that is in a status, such as `updating`, until the body ends."""
        control.set_times(self.folder, **{status: HELD_SECONDS})
        try:
            yield
        finally:
            control.set_times(self.folder, **{status: 0})

    def with_stacks_in(self, folder: Path, **variables: str) -> "Aws":
        """Returns this local AWS with another backend for Pulumi's stacks, so that other tests may use the same names.

        Args:
            folder: the backend's folder, which is made.
            variables: other variables of the environment.
        """
        folder.mkdir()
        environment = self.environment | {"PULUMI_BACKEND_URL": local_environment.backend_url(folder)} | variables
        return replace(self, environment=environment)

    def attached_in(self, folder: Path) -> "Aws":
        """Returns this local AWS for a module's folder, where Terraform attaches to a provider that runs already.

        A module that configures the AWS provider several times still starts providers of its own.

        Args:
            folder: the folder, in which `terraform init` has run.
        """
        assert self.terraform_provider
        return replace(self, environment=self.environment | self.terraform_provider.variables(folder))

    @cached_property
    def encryption(self) -> dict[str, str]:
        """The settings of a stack whose secrets are encrypted with a key of KMS's.

        A key that is made of a passphrase takes each command of `pulumi` 0.1 s of CPU time.
        """
        kms = self.client("kms")
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        data_key = kms.encrypt(KeyId=key_id, Plaintext=secrets.token_bytes(32))["CiphertextBlob"]
        return {
            "secretsprovider": f"awskms:///{key_id}?region=us-east-1",
            "encryptedkey": base64.b64encode(data_key).decode(),
        }

    def client(self, name: str) -> Any:
        """Returns the client of any service."""
        if name not in self.clients:
            config = ConfigParser()
            config.read(self.environment["AWS_CONFIG_FILE"])
            session = boto3.Session("local", "local", region_name="us-east-1")
            url = config["profile local"]["endpoint_url"]
            self.clients[name] = session.client(name, endpoint_url=url)  # type: ignore[call-overload]
        return self.clients[name]

    @cached_property
    def s3(self) -> "S3Client":
        client: S3Client = self.client("s3")
        return client

    @cached_property
    def sagemaker(self) -> "SageMakerClient":
        client: SageMakerClient = self.client("sagemaker")
        return client

    @cached_property
    def runtime(self) -> "SageMakerRuntimeClient":
        client: SageMakerRuntimeClient = self.client("sagemaker-runtime")
        return client

    def predict(self, endpoint: str) -> float:
        """Returns an endpoint's prediction for the article's sample row."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="application/json", Body=contract.SAMPLE.encode()
        )
        prediction: float = json.loads(answer["Body"].read())["Predictions"][0]
        return prediction


@dataclass(frozen=True)
class Base:
    """The applied Terraform base."""

    folder: Path
    bucket_name: str
    execution_role_arn: str

    @property
    def state(self) -> Path:
        """Its state file."""
        return self.folder / "terraform.tfstate"


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder = tmp_path_factory.mktemp("local-aws")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCAL_AWS_DIR", str(folder))
        settings = environment.process_environment({"LOCAL_AWS_DIR": str(folder)})
    settings["PULUMI_BACKEND_URL"] = local_environment.backend_url(tmp_path_factory.mktemp("pulumi-state"))
    provider = SharedProvider(settings, folder.parent / "aws-provider.log")
    terraform_provider = SharedTerraformProvider(settings, folder.parent / "terraform-provider-aws.log")
    local = Aws(settings, provider, terraform_provider)
    local.must("sagebridge", "local", "start")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", settings["PATH"])  # the Automation API looks for pulumi there
        yield local
    provider.stop()
    terraform_provider.stop()
    local.run("sagebridge", "local", "stop")


def copy_from_git(path: str, into: Path) -> None:
    """Copies what stands below a path of the checkout, changes included, and nothing that git ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", path]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for file in files:
        target = into / Path(file).relative_to(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / file).exists():
            shutil.copy(ROOT / file, target)


def module_copy(name: str, folder: Path) -> Path:
    """Copies a Terraform module, without the local settings that may lie beside it."""
    copy_from_git(f"terraform/{name}", folder / name)
    return folder / name


@pytest.fixture(scope="session")
def base(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Base:
    folder = module_copy("base", tmp_path_factory.mktemp("terraform"))
    for setting in (ROOT / "terraform" / "local").iterdir():
        shutil.copyfile(setting, folder / setting.name)
    aws.must("terraform", "init", "-input=false", cwd=folder)
    aws.attached_in(folder).must("terraform", "apply", "-input=false", "-auto-approve", cwd=folder)
    outputs = json.loads(aws.must("terraform", "output", "-json", cwd=folder))
    return Base(folder, outputs["bucket_name"]["value"], outputs["execution_role_arn"]["value"])


def publish(aws: Aws, base: Base, file: Path, name: str) -> str:
    """Publishes an archive with the project's own command; returns its URI."""
    arguments = ("--archive", str(file), "--name", name, "--bucket", base.bucket_name)
    return aws.must("sagebridge", "publish", *arguments).strip()


def trained(folder: Path, rows: int | None = None) -> Path:
    """Trains on the first ``rows`` of the shipped data (default all) and packages; returns the archive."""
    from model import train  # noqa: PLC0415 - scikit-learn takes long, and few tests train

    data = folder / "data.csv"
    lines = train.DATA.read_text().splitlines(keepends=True)
    data.write_text("".join(lines if rows is None else lines[: rows + 1]))
    train.train(data, folder / "model.joblib")
    archive.package(folder / "model.joblib", ROOT / "model" / "inference.py", folder / "model.tar.gz")
    return folder / "model.tar.gz"


@pytest.fixture(scope="session")
def model_data(aws: Aws, base: Base, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The article's model, published."""
    return publish(aws, base, trained(tmp_path_factory.mktemp("model")), "boston-housing")


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """Keeps Python from collecting garbage during a test whose input makes a parser reach the recursion limit.

    A finalizer that a collection runs at that depth fails too, and pytest reports it as a failure of the test.
    """
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def nobody() -> Iterator[str]:
    """The URL of a port that refuses: it is taken, so that no other process can begin to listen there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(params=[signal.SIG_DFL, signal.SIG_IGN], ids=["interrupts", "no-interrupts"])
def inherited_interrupt(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a process that the test starts inherits for SIGINT; in the background of a shell it is ignored."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def given(aws: Aws, base: Base, model_data: str) -> Given:
    """What the table of all fields needs."""
    prefix = f"f{uuid.uuid4().hex[:8]}"
    package = aws.sagemaker.create_model_package(
        ModelPackageName=prefix,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataUrl": model_data}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return Given(base.execution_role_arn, model_data, prefix, package["ModelPackageArn"])


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Names bytes by their argument: an archive's bytes hold the time, so two workers would not name a test alike."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish() -> None:
    """Keeps the garbage collector from going through all modules and tests again and again."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Puts the long tests first, so that the workers end together, and leaves out what is for `make stress` alone."""
    if "stress" not in config.option.markexpr:
        items[:] = [item for item in items if item.get_closest_marker("stress") is None]
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_configure(config: pytest.Config) -> None:
    """Keeps what a person's shell sets out of every test, and sets how many examples hypothesis tries."""
    properties.register()
    hypothesis.settings.load_profile(config.getoption("--hypothesis-profile") or properties.FULL)
    for name in [name for name in os.environ if name.startswith(("AWS_", "PULUMI_", "TF_"))]:
        del os.environ[name]
    os.environ |= dict.fromkeys(("NO_PROXY", "no_proxy"), local_environment.no_proxy())  # tests serve on the loopback
    # Tests run in several processes, and their models are small: more threads would only wait for each other.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # `pulumi`, Terraform and the providers live for a second, a fifth of which would go into collecting garbage.
    os.environ |= {"GOGC": "off", "GOMEMLIMIT": "300MiB"}
    # In the background of a shell, or under `nohup`, these are ignored, and what a test starts inherits that.
    for number, action in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, action)
