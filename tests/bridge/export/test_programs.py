"""Stacks as people make them, none of them with a component of ours, go to Terraform whole.

They are made by programs in Python and in YAML, and by importing what Terraform has made. All programs in Python are
parts of one, as each further stack would start the engine and Terraform anew. Each stack is exported in both
forms: `sagebridge verify` proves the one, and Terraform applies the other and then has nothing left to do. What
Terraform cannot carry is named.
"""

import datetime as dt
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.bridge.projects import Project
from tests.conftest import ROOT, Aws

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long]

PROGRAMS = Path(__file__).parent / "programs"
TOKEN = "sw0rdf1sh!"  # noqa: S105 - a secret of the tests
NOT_CARRIED = {
    ".py": {
        "aws_ecr_repository.worker, force_delete",
        "aws_iam_role.worker, force_detach_policies",
        "aws_kms_key.jobs, deletion_window_in_days",
        "aws_s3_bucket.curated, force_destroy",
        "aws_s3_bucket.published_e, force_destroy",
        "aws_s3_bucket.raw, force_destroy",
        "aws_s3_object._404_html, content",
        "aws_s3_object.index_html, content",
    },
    ".tf": {
        "aws_iam_role.loader, managed_policy_arns",
        "aws_s3_bucket.stage_landing, lifecycle_rule",
        "aws_s3_bucket.stage_landing, versioning",
        "aws_s3_bucket.stage_marts, versioning",
        "aws_sns_topic.late, policy",
    },
}
"""The arguments that are named as not carried, by the ending of the stack's files."""


def write_keys(folder: Path) -> None:
    """Writes a key, its public half as SSH has it, and a certificate that it signed."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "site.example")])
    today = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + dt.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    (folder / "key.pem").write_bytes(private)
    (folder / "key.pub").write_bytes(public)
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))


IMPORTED = {
    "aws_cloudwatch_log_group": ("aws:cloudwatch/logGroup:LogGroup", "{name}"),
    "aws_cloudwatch_metric_alarm": ("aws:cloudwatch/metricAlarm:MetricAlarm", "{alarm_name}"),
    "aws_iam_policy": ("aws:iam/policy:Policy", "{arn}"),
    "aws_iam_role": ("aws:iam/role:Role", "{name}"),
    "aws_iam_role_policy_attachment": (
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "{role}/{policy_arn}",
    ),
    "aws_s3_bucket": ("aws:s3/bucket:Bucket", "{bucket}"),
    "aws_s3_bucket_lifecycle_configuration": (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "{bucket}",
    ),
    "aws_s3_bucket_versioning": ("aws:s3/bucketVersioning:BucketVersioning", "{bucket}"),
    "aws_sns_topic": ("aws:sns/topic:Topic", "{arn}"),
    "aws_sns_topic_policy": ("aws:sns/topicPolicy:TopicPolicy", "{arn}"),
}
"""What a person looks up to import what Terraform made: Pulumi's type, and the ID that its page asks for."""


RUN_ALL = """
import pathlib, runpy

for file in sorted(pathlib.Path("programs").iterdir()):
    runpy.run_path(str(file))
"""


def make_in_python(project: Project, files: Sequence[Path]) -> None:
    """Makes a stack by a program in Python that runs others."""
    (project.project / "programs").mkdir()
    for file in files:
        shutil.copy(file, project.project / "programs")
    project.program.write_text(RUN_ALL)
    project.up()


def make_in_yaml(project: Project, files: Sequence[Path]) -> None:
    """Makes a stack by a program in YAML."""
    (file,) = files
    project.program.unlink()
    (project.project / "Pulumi.yaml").write_text(f"name: adopted\nruntime: yaml\n{file.read_text()}")
    project.up()


def migrate(project: Project, files: Sequence[Path]) -> None:
    """Makes a stack by importing what Terraform has made of a module."""
    (file,) = files
    project.terraform.mkdir()
    shutil.copy(file, project.terraform)
    shutil.copy(ROOT / "terraform" / "local" / "local_override.tf", project.terraform)
    project.aws.must("terraform", "init", "-input=false", cwd=project.terraform)
    project.apply()
    attached = project.aws.attached_in(project.terraform)
    shown = json.loads(attached.must("terraform", "show", "-json", cwd=project.terraform))
    imports = []
    for resource in shown["values"]["root_module"]["resources"]:
        token, form = IMPORTED[resource["type"]]
        name = f"{resource['name']}-{resource['index']}" if "index" in resource else resource["name"]
        imports.append({"type": token, "name": name, "id": form.format(**resource["values"])})
    listed = project.project / "imports.json"
    listed.write_text(json.dumps({"resources": imports}))
    project.pulumi("import", "--file", str(listed), "--yes", "--generate-code=false", "--protect=false")


MAKE: dict[str, Callable[[Project, Sequence[Path]], None]] = {
    ".py": make_in_python,
    ".yaml": make_in_yaml,
    ".tf": migrate,
}
"""How a stack is made of files, by the files' ending."""


@pytest.mark.parametrize("ending", MAKE)
def test_programs_go_to_terraform_whole(yaml_host: Aws, tmp_path: Path, ending: str) -> None:
    files = sorted(PROGRAMS.glob(f"*{ending}"))
    assert files
    project = Project(yaml_host, tmp_path)
    write_keys(project.project)
    project.pulumi("config", "set", "--secret", "token", TOKEN)
    MAKE[ending](project, files)
    modules = {form: tmp_path / form for form in ("json", "hcl")}
    for form, folder in modules.items():
        printed = json.loads(project.bridge("export", "--out", str(folder), "--format", form, "--json"))
        assert {item["name"] for item in printed["notCarried"]} == NOT_CARRIED.get(ending, set())
        for written in folder.iterdir():
            assert TOKEN not in written.read_text()
            assert "PRIVATE KEY" not in written.read_text()
    project.bridge("verify", "--module", str(modules["json"]))
    secrets = {"TF_VAR_" + variable: value for variable, value in variables(project, modules["hcl"]).items()}
    terraform = Aws({**project.aws.environment, **secrets})
    terraform.must("terraform", "fmt", "-check", "-diff", cwd=modules["hcl"])
    terraform.must("terraform", "init", "-input=false", cwd=modules["hcl"])
    applied = terraform.must("terraform", "apply", "-input=false", "-auto-approve", "-no-color", cwd=modules["hcl"])
    assert " imported, 0 added, " in applied
    assert " 0 destroyed" in applied
    plan = terraform.run("terraform", "plan", "-input=false", "-detailed-exitcode", "-no-color", cwd=modules["hcl"])
    assert plan.returncode == 0, plan.stdout
    if project.terraform.exists():  # an imported stack knows no dependencies, so Pulumi would delete all at once
        attached = project.aws.attached_in(project.terraform)
        attached.must("terraform", "destroy", "-input=false", "-auto-approve", cwd=project.terraform)
    else:
        project.pulumi("destroy", "--yes", "--skip-preview")


def variables(project: Project, folder: Path) -> dict[str, str]:
    """Returns a value for each of the module's variables, as a person would look it up."""
    text = (folder / "variables.tf").read_text() if (folder / "variables.tf").exists() else ""
    names = [line.split('"')[1] for line in text.splitlines() if line.startswith("variable")]
    key = (project.project / "key.pem").read_text()
    return {name: key if name.endswith("private_key") else TOKEN for name in names}
