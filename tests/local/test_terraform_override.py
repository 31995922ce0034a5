"""`sagebridge local configure terraform`: which file it writes for which module, and when it refuses."""

import json
import os
import subprocess
from pathlib import Path

import hcl2
import pytest

from sagebridge.errors import UserError
from sagebridge.local import terraform_override
from tests.conftest import ROOT
from tests.local.account import COMMAND

PLAIN = 'provider "aws" {\n  region = "us-east-1"\n}\n'


def configurations(module: Path) -> list[tuple[str, str | None]]:
    """Returns the providers that the written file overrides, by Terraform's own words for them."""
    text = terraform_override.configure(module).read_text()
    blocks = text.split('\nprovider "')[1:]
    return [
        (block.split('"')[0], block.split('alias = "')[1].split('"')[0] if "alias =" in block else None)
        for block in blocks
    ]


def write(module: Path, **files: str) -> None:
    for name, text in files.items():
        (module / name.replace("_tf", ".tf").replace("_json", ".json")).write_text(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"main_tf": "# nothing of AWS's provider is configured\n"}, [("aws", None)]),
        ({"main_tf": PLAIN}, [("aws", None)]),
        ({"main_tf": PLAIN, "west_tf": 'provider "aws" {\n  alias = "west"\n}\n'}, [("aws", None), ("aws", "west")]),
        ({"main_tf": 'provider "aws" { alias = "west" }'}, [("aws", None), ("aws", "west")]),
        ({"main_tf": '/* provider "aws" { alias = "no" } */\n# provider "aws" { alias = "no" }\n'}, [("aws", None)]),
        (
            {
                "main_tf": 'terraform {\n  required_providers {\n    amazon = { source = "hashicorp/aws" }\n  }\n}\n'
                'provider "amazon" {\n  alias = "west"\n}\nprovider "google" {\n  alias = "no"\n}\n'
            },
            [("amazon", None), ("amazon", "west")],
        ),
        (
            {
                "main_tf": "terraform {\n  required_providers {\n"
                '    # from our registry\n    aws = { source = "registry.acme.io/hashicorp/aws" }\n  }\n}\n'
            },
            [("aws", None)],
        ),
        (
            {"main_tf_json": json.dumps({"provider": {"aws": [{"region": "us-east-1"}, {"alias": "west"}]}})},
            [("aws", None), ("aws", "west")],
        ),
        (
            {"main_tf_json": json.dumps({"provider": [{"aws": {"alias": "west"}}], "terraform": {"backend": {}}})},
            [("aws", None), ("aws", "west")],
        ),
        ({"main_tf": "\ufeff" + PLAIN}, [("aws", None)]),
    ],
)
def test_each_configuration_of_the_provider_is_overridden(
    tmp_path: Path, files: dict[str, str], expected: list[tuple[str, str | None]]
) -> None:
    write(tmp_path, **files)
    assert configurations(tmp_path) == expected
    assert configurations(tmp_path) == expected  # its own file is no part of the module


@pytest.mark.parametrize(
    "files",
    [
        {
            "main_tf": 'provider "aws" {\n  region = "us-east-1"\n  access_key = "AKIAREAL"\n  profile = "prod"\n'
            '  default_tags {\n    tags = {}\n  }\n  endpoints {\n    s3 = "x"\n  }\n'
            '  dynamic "assume_role" {\n    for_each = [1]\n    content {}\n  }\n}\n',
            "prod_override_tf": 'provider "aws" {\n  of_the_next_version = "x"\n}\n',
        },
        {
            "main_tf_json": '{"provider": {"aws": {"region": "us-east-1", "access_key": "AKIAREAL", "profile": "prod", '
            '"default_tags": {"tags": {}}, "endpoints": [{"s3": "x"}], "of_the_next_version": "x", '
            '"assume_role": {"role_arn": "x"}}}}'
        },
    ],
)
def test_what_the_module_says_of_its_provider_is_replaced(tmp_path: Path, files: dict[str, str]) -> None:
    write(tmp_path, **files)
    assert (
        terraform_override.configure(tmp_path)
        .read_text()
        .endswith(
            """
  # These would lead elsewhere.
  access_key          = null
  of_the_next_version = null
  dynamic "assume_role" {
    for_each = []
    content {}
  }
  dynamic "endpoints" {
    for_each = []
    content {}
  }
}
"""
        )
    )


def test_what_it_wrote_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, main_tf=PLAIN)
    assert not terraform_override.remove(tmp_path)
    terraform_override.configure(tmp_path)
    assert terraform_override.remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["main.tf"]
    assert (tmp_path / "main.tf").read_text() == PLAIN


def test_a_persons_own_file_is_neither_overwritten_nor_removed(tmp_path: Path) -> None:
    write(tmp_path, main_tf=PLAIN)
    own = tmp_path / terraform_override.FILE
    own.write_text("# mine\n")
    with pytest.raises(UserError, match=r"this command did not write it. Rename it"):
        terraform_override.configure(tmp_path)
    with pytest.raises(UserError, match=r"is not removed, because this command did not write it"):
        terraform_override.remove(tmp_path)
    assert own.read_text() == "# mine\n"


@pytest.mark.parametrize("state", ['{"resources": [{}]}', '{"outputs": {"a": {}}}', "[]", "cut of"])
def test_a_module_that_has_made_something_elsewhere_is_refused(tmp_path: Path, state: str) -> None:
    """`terraform init` would offer to move its state to that of the local AWS."""
    write(tmp_path, main_tf=PLAIN)
    (tmp_path / "terraform.tfstate").write_text(state)
    with pytest.raises(UserError, match=r"terraform.tfstate has the state of .* Copy the module's .tf files"):
        terraform_override.configure(tmp_path)
    assert not (tmp_path / terraform_override.FILE).exists()


def test_a_module_with_workspaces_is_refused(tmp_path: Path) -> None:
    write(tmp_path, main_tf=PLAIN)
    (tmp_path / "terraform.tfstate.d").mkdir()
    with pytest.raises(UserError, match=r"terraform.tfstate.d has the state of"):
        terraform_override.configure(tmp_path)


@pytest.mark.parametrize("state", ["", '{"version": 4, "resources": [], "outputs": {}}'])
def test_an_empty_state_is_in_nobodys_way(tmp_path: Path, state: str) -> None:
    write(tmp_path, main_tf=PLAIN)
    (tmp_path / "terraform.tfstate").write_text(state)
    terraform_override.configure(tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"has no Terraform module: there is no .tf file. Start this in the module's folder"),
        (
            {"main_tf": 'provider "aws" {\n'},
            r"main.tf cannot be read: Unexpected token .*`terraform validate` says more",
        ),
        ({"main_tf_json": "{"}, r"main.tf.json cannot be read: "),
        ({"main_tf_json": "[]"}, r"main.tf.json cannot be read: it is not an object"),
    ],
)
def test_what_is_no_module_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    write(tmp_path, **files)
    with pytest.raises(UserError, match=message):
        terraform_override.configure(tmp_path)


@pytest.mark.process
def test_the_command_says_what_to_do_next(tmp_path: Path) -> None:
    write(tmp_path, main_tf=PLAIN)

    def run(*options: str) -> str:
        command = [COMMAND, "local", "configure", "terraform", *options]
        return subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True).stdout

    path = tmp_path / terraform_override.FILE
    assert run() == (
        f"Wrote {path}. The module uses the local AWS, with the state local.tfstate.\n"
        "Run `terraform init -reconfigure`, because the module's state is now elsewhere. "
        'In a new shell, run eval "$(sagebridge local env)" first.\n'
    )
    assert run("--remove") == (
        f"Removed {path}. Run `terraform init -reconfigure`, because the module's state is now elsewhere.\n"
    )
    assert run("--remove") == f"{tmp_path} has no override file of the local AWS.\n"


def test_the_checkouts_override_has_the_same_settings(tmp_path: Path) -> None:
    write(tmp_path, main_tf=PLAIN)
    checkout = ROOT / "terraform" / "local" / "local_override.tf"
    assert settings(terraform_override.configure(tmp_path)) == settings(checkout)


def settings(file: Path) -> dict[str, object]:
    """Returns the settings of the one provider in a file, without comments."""
    (provider,) = hcl2.loads(file.read_text())["provider"]
    (block,) = provider.values()
    return {name: value for name, value in block.items() if not name.startswith("__")}
