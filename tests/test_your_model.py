"""The page for a model of somebody's own, run as it stands in a project that is made from the template."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, Aws, Base
from tests.pages import printed, script

PAGE = (ROOT / "docs" / "your-model.md").read_text()
NEW = """
pulumi new "$REPOSITORY/templates/sagebridge-python" --generate-only --yes --name scorer --dir "$PWD"
ln -s "$ENVIRONMENT" venv
pulumi stack init dev && pulumi config set terraformState "$STATE" && sagebridge local configure pulumi --stack dev
"""


def test_every_option_of_package_is_on_the_page() -> None:
    from sagebridge.model.commands import package_command  # noqa: PLC0415 - only this test needs it

    options = {option for parameter in package_command.params for option in parameter.opts}
    assert options - {"--json"} == set(re.findall(r"^\| `(--\w+)` \|", PAGE, re.MULTILINE))


@pytest.mark.engine
@pytest.mark.terraform
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_reader_of_the_page_gets_every_answer(aws: Aws, base: Base, tmp_path: Path) -> None:
    aws = aws.with_stacks_in(tmp_path / "stacks")
    folder = tmp_path / "my models"
    folder.mkdir()
    settings = {
        "REPOSITORY": str(ROOT),
        "ENVIRONMENT": sys.prefix,
        "STATE": str(base.state),
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "PULUMI_OPTION_SKIP_PREVIEW": "true",  # a preview takes as long as an update, and nobody reads it here
    }

    done = subprocess.run(
        ["bash", "-c", script(f"```sh{NEW}```\n{PAGE}")],
        cwd=folder,
        env={**aws.environment, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1100,
        check=False,
    )

    if done.returncode:
        aws.run("pulumi", "destroy", "--stack", "dev", "--yes", "--skip-preview", cwd=folder)
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    position = done.stdout.index("sagebridge package")
    for pattern in printed(PAGE):
        line = pattern.search(done.stdout, position)
        assert line, f"{pattern.pattern} is not printed after\n{done.stdout[position:]}"
        position = line.end()
    assert "\nnothing would change\n" in done.stdout, done.stdout
    assert not aws.sagemaker.list_endpoints(NameContains="endpoint-")["Endpoints"]
    print(done.stdout)  # noqa: T201 - for a person who runs this alone
