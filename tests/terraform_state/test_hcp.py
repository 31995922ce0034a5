"""The token for HCP Terraform is found where Terraform finds it."""

import json
from pathlib import Path

import pytest

from sagebridge.errors import UserError
from sagebridge.state_location import RemoteWorkspace
from sagebridge.terraform_state.hcp import token


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".terraform.d").mkdir()
    return tmp_path / ".terraform.d" / "credentials.tfrc.json"


@pytest.mark.parametrize(
    ("hostname", "variable"),
    [(None, "TF_TOKEN_app_terraform_io"), ("tfe-1.acme.com", "TF_TOKEN_tfe__1_acme_com")],
)
def test_the_environment_wins(home: Path, hostname: str | None, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write_text(json.dumps({"credentials": {hostname or "app.terraform.io": {"token": "login"}}}))
    location = RemoteWorkspace("acme", "base", hostname)
    assert token(location) == "login"
    monkeypatch.setenv(variable, "environment")
    assert token(location) == "environment"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"credentials": {"other": {}}}', '{"credentials": 1}'])
def test_without_a_token_it_says_how_to_get_one(home: Path, text: str) -> None:
    home.write_text(text)
    with pytest.raises(
        UserError, match=r"no token for app\.terraform\.io\. Run `terraform login app\.terraform\.io`, or"
    ):
        token(RemoteWorkspace("acme", "base"))
