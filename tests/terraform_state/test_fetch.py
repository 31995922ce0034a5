"""The text of a state is fetched from a file or from S3, and a client that is told how reaches the same object."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.awsrequest import AWSRequest

from sagebridge.errors import UserError
from sagebridge.state_location import S3Object
from sagebridge.terraform_state import fetch
from sagebridge.terraform_state.fetch import fetch_file, fetch_object
from tests.terraform_state.s3 import S3, serving

CONFIG = """
[default]
region = us-east-1
endpoint_url = {url}
[profile ops]
region = us-east-1
endpoint_url = {url}
aws_access_key_id = AKIAOPS
aws_secret_access_key = ops
[profile reader]
region = us-east-1
endpoint_url = {url}
source_profile = ops
role_arn = arn:aws:iam::123456789012:role/reader
[profile process]
endpoint_url = {url}
credential_process = echo '{{"Version": 1, "AccessKeyId": "AKIAPROCESS", "SecretAccessKey": "process"}}'
[profile regionless]
endpoint_url = {url}
"""
SKIPPED = ("skip_credentials_validation", "skip_region_validation", "skip_metadata_api_check")


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with serving(S3({"states/base": b"{}"})) as server:
        (tmp_path / "config").write_text(CONFIG.format(url=server.url))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIABASE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "base")
        yield server


def test_an_object_is_fetched_with_what_another_client_needs(s3: S3) -> None:
    content, settings = fetch_object(S3Object("states", "base"))
    assert content == b"{}"
    assert settings == {
        "region": "us-east-1",
        "endpoint": s3.url,
        "force_path_style": True,
        "access_key": "AKIABASE",
        "secret_key": "base",
        **dict.fromkeys(SKIPPED, True),
    }


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", None])
def test_the_region_is_the_buckets_whatever_the_stack_says(s3: S3, region: str | None) -> None:
    s3.region = "eu-north-1"
    assert fetch_object(S3Object("states", "base", region=region)).settings["region"] == "eu-north-1"
    assert s3.signed[-1] == ("AKIABASE", "eu-north-1")


def test_no_region_need_be_set_at_all(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "regionless")
    s3.region = "eu-north-1"
    assert fetch_object(S3Object("states", "base")).settings["region"] == "eu-north-1"


@pytest.mark.parametrize(
    ("profile", "keys"),
    [
        ("ops", {"access_key": "AKIAOPS", "secret_key": "ops"}),
        ("reader", {"access_key": "ASIAROLE", "secret_key": "role", "token": "session"}),
        ("process", {"access_key": "AKIAPROCESS", "secret_key": "process"}),
    ],
)
def test_the_keys_are_those_of_the_profile_before_those_of_the_environment(
    s3: S3, profile: str, keys: dict[str, str]
) -> None:
    s3.keys = {keys["access_key"]}
    settings = fetch_object(S3Object("states", "base", profile=profile)).settings
    assert {name: settings.get(name) for name in ("access_key", "secret_key", "token")} == {"token": None} | keys


@pytest.mark.parametrize("key", ["env:/dev/base.tfstate", "a b/ü.tfstate", "terraform.tfstate.d/dev/terraform.tfstate"])
def test_a_key_may_be_of_any_form(s3: S3, key: str) -> None:
    s3.objects[f"states/{key}"] = b"{}"
    assert fetch_object(S3Object("states", key)).settings["force_path_style"]


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (S3Object("states", "nothing"), "s3://states/nothing: there is no such object. Apply Terraform first, or name"),
        (S3Object("nothing", "base"), "s3://nothing/base: there is no such bucket. Apply Terraform first, or name"),
        (S3Object("states", "base", profile="ops"), r"s3://states/base\?profile=ops: .*AccessDenied"),
        (S3Object("states", "base", profile="nobody"), "The config profile .nobody. could not be found"),
        (S3Object("un_/?", "base"), "Invalid bucket name"),
    ],
)
def test_an_object_that_cannot_be_read_is_one_line(s3: S3, location: S3Object, message: str) -> None:
    assert s3.url
    with pytest.raises(UserError, match=f"^Cannot read the Terraform state .*{message}") as refused:
        fetch_object(location)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "Could not connect to the endpoint URL"),
        ({"AWS_ENDPOINT_URL_S3": "nowhere"}, "Invalid endpoint: nowhere"),
        ({"AWS_ACCESS_KEY_ID": ""}, "Unable to locate credentials"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "Partial credentials found in env"),
    ],
)
def test_an_aws_that_cannot_be_reached_is_one_line(
    s3: S3, variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert s3.url
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=f"^Cannot read the Terraform state s3://states/base: .*{message}") as refused:
        fetch_object(S3Object("states", "base"))
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "key", "endpoint", "path_style"),
    [
        ("https://states.s3.eu-west-1.amazonaws.com/a", "a", "https://s3.eu-west-1.amazonaws.com", False),
        ("https://states.s3-fips.dualstack.us-east-1.aws/a", "a", "https://s3-fips.dualstack.us-east-1.aws", False),
        ("https://s3.cn-north-1.amazonaws.com.cn/states/a", "a", "https://s3.cn-north-1.amazonaws.com.cn", True),
        ("http://states.minio:9000/states/a", "states/a", "http://minio:9000", False),
        ("http://states.minio:9000/states/a%20b", "a b", "http://states.minio:9000", True),
    ],
)
def test_the_endpoint_is_the_one_that_was_reached(url: str, key: str, endpoint: str, *, path_style: bool) -> None:
    request = AWSRequest("GET", url)
    request.context["signing"] = {"region": "eu-west-1"}
    reached = fetch._reached(request, S3Object("states", key))  # noqa: SLF001 - AWS's own endpoints cannot be reached
    assert (reached["endpoint"], reached["force_path_style"]) == (endpoint, path_style)


def test_a_file_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "base.tfstate").write_bytes(b"{}")
    assert fetch_file(tmp_path / "base.tfstate") == b"{}"


def test_a_file_that_is_not_there_is_named_with_what_terraform_keeps_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as refused:
        fetch_file(Path("base/terraform.tfstate"))
    assert refused.value.message == (
        f"Cannot read the Terraform state base/terraform.tfstate: there is no file {tmp_path}/base/terraform.tfstate. "
        "Apply Terraform first, or name the place where its state is: a path, "
        "s3://bucket/key[?region=…&profile=…], or remote://organisation/workspace[?hostname=…]"
    )
    for name in ("terraform.tfstate.d/dev", "terraform.tfstate.d/prod", ".terraform"):
        (tmp_path / "base" / name).mkdir(parents=True)
        (tmp_path / "base" / name / "terraform.tfstate").touch()
    with pytest.raises(UserError) as refused:
        fetch_file(Path("base/terraform.tfstate"))
    assert (
        "In that folder, Terraform keeps base/terraform.tfstate.d/dev/terraform.tfstate, "
        "base/terraform.tfstate.d/prod/terraform.tfstate, base/.terraform/terraform.tfstate: name the one that you mean"
    ) in refused.value.message


def test_a_folder_is_refused_with_the_states_in_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"it is a folder\. Apply Terraform first, or name the place"):
        fetch_file(tmp_path)
    (tmp_path / "terraform.tfstate").touch()
    with pytest.raises(
        UserError, match=f"it is a folder. In that folder, Terraform keeps {tmp_path}/terraform.tfstate"
    ):
        fetch_file(tmp_path)


@pytest.mark.parametrize("path", ["/dev/null/base.tfstate", "/proc/self/mem", "x" * 300])
def test_a_file_that_cannot_be_read_is_one_line(path: str) -> None:
    with pytest.raises(
        UserError, match=r"^Cannot read the Terraform state .*\. (Apply Terraform first|Make the file)"
    ) as refused:
        fetch_file(Path(path))
    assert "\n" not in refused.value.message
