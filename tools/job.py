"""The main job, step by step: from a base in Terraform to a prediction through a SageMaker endpoint, and back down."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sagebridge import processes
from sagebridge.local import control
from tools import base_users, engine, environment, model_build, model_data
from tools.errors import ToolsError
from tools.paths import CHECKOUT, STACK_SETTINGS
from tools.progress import duration

STACK = "dev"
BASE = CHECKOUT / "terraform" / "base"
LOCK_FILE = ".terraform.lock.hcl"
LOCAL_SETTINGS = CHECKOUT / "terraform" / "local"
LEFT_ALONE = (
    "The stack {stack} serves {archive}, which `make up` did not publish. Its model and its archive are left as they"
    " are: nothing is trained, packaged or published. To return to the article's model, run"
    " `pulumi config rm modelData --stack {stack}` and then `make up`."
)
STEP_SECONDS = 600
"""How long one command may take; a provider that meets a broken API would retry for ever."""


@dataclass
class Job:
    """Runs commands in the environment of `make env`, and keeps how long each part took."""

    console: Console
    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """Heads the output of a part and times it."""
        self.console.rule(f"[bold]{title}", align="left")
        started = time.monotonic()
        yield
        self.times[title] = time.monotonic() - started

    @cached_property
    def _environment(self) -> dict[str, str]:
        """What `make env` exports, found once: it asks each tool on PATH for its version."""
        return environment.process_environment()

    def run(self, *command: str, capture: bool = False) -> str:
        """Runs a command in the checkout; returns its output if ``capture`` is set.

        Raises:
            ToolsError: the command failed or took longer than ``STEP_SECONDS``.
        """
        shown = " ".join(command)
        try:
            with processes.session(
                command, cwd=CHECKOUT, env=self._environment, stdout=subprocess.PIPE if capture else None, text=True
            ) as process:
                output, _ = process.communicate(timeout=STEP_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise ToolsError(f"`{shown}` took longer than {STEP_SECONDS} s and was ended.") from error
        if process.returncode:
            raise ToolsError(f"`{shown}` failed (exit {process.returncode}); its output is above.")
        return (output or "").strip()

    def summary(self) -> Table:
        """Returns how long each part took."""
        table = Table(box=None, show_header=False, pad_edge=False)
        for title, seconds in self.times.items():
            table.add_row(title, duration(seconds), style="dim")
        table.add_row("all", duration(sum(self.times.values())))
        return table


def up(console: Console, setup_seconds: float) -> None:
    """Does the main job; a second run changes nothing.

    Args:
        console: where to say what is being done.
        setup_seconds: what `make` spent on the Python packages before.
    """
    job = Job(console, {"Python packages": setup_seconds})
    with job.part("Engine"):
        engine.get_all(console)
    with job.part("Local AWS"):
        job.run("sagebridge", "local", "start")
    with job.part("Base (Terraform)"):
        apply_base(job)
    with job.part("Model"):
        select_stack(job)
        archive = model_data.foreign_archive(STACK)
        if archive is None:
            _build_model(job)
        else:
            console.print(LEFT_ALONE.format(stack=STACK, archive=archive), highlight=False)
    if archive is None:
        with job.part("Publish"):
            # The base has just been applied. Without its bucket, the command would read it in a Pulumi program.
            base = _base_outputs()
            options = ("--bucket", base["bucket_name"], "--prefix", base["model_prefix"])
            job.run("sagebridge", "publish", "--stack", STACK, *options)
            model_data.keep_published(STACK)
    with job.part("Endpoint (Pulumi)"):
        job.run("pulumi", "up", "--stack", STACK, "--yes", "--skip-preview")
        endpoint = job.run("pulumi", "stack", "output", "endpointName", "--stack", STACK, capture=True)
    if archive is None:
        with job.part("Prediction"):
            prediction = job.run("sagebridge", "invoke", "--endpoint", endpoint, capture=True)
    else:
        prediction = f"not asked for; try: sagebridge invoke --stack {STACK} --input '…'"
    console.print(job.summary())
    console.print(f"\nendpointName  [bold]{endpoint}[/]\nprediction    [bold]{escape(prediction)}[/]")
    console.print('\nYour own commands: eval "$(make -s env)", then pulumi, terraform, aws or boto3.', style="dim")


def down(console: Console, *, force: bool = False) -> None:
    """Destroys the dev stack and the base, and stops the local AWS; what is not there is passed over.

    Args:
        console: where to say what is being done.
        force: whether to go on although endpoints of others stand on the base.

    Raises:
        ToolsError: endpoints of others stand on the base, or a command fails.
    """
    job = Job(console)
    if not base_is_applied():
        job.run("sagebridge", "local", "stop")
        console.print("Nothing to take down.")
        return
    with job.part("Local AWS"):
        job.run("sagebridge", "local", "start")  # to be asked to delete what it holds
    if not force and (endpoints := _endpoints_of_others(job)):
        raise ToolsError(base_users.refusal(endpoints))
    with job.part("Endpoint (Pulumi)"):
        stacks = json.loads(job.run("pulumi", "stack", "ls", "--json", capture=True))
        if STACK in [stack["name"] for stack in stacks]:
            job.run("pulumi", "destroy", "--stack", STACK, "--yes", "--skip-preview")
    with job.part("Base (Terraform)"):
        _destroy_base(job)
    with job.part("Stop"):
        job.run("sagebridge", "local", "stop")
    console.print(job.summary())


def select_stack(job: Job) -> None:
    """Selects the dev stack, which is made with the settings of the local AWS if there is none."""
    if not (settings := CHECKOUT / STACK_SETTINGS.name).exists():
        shutil.copyfile(STACK_SETTINGS, settings)
    job.run("pulumi", "stack", "select", STACK, "--create")


def _build_model(job: Job) -> None:
    """Trains and packs the article's model, unless both are built of what is there now."""
    if model_build.is_current():
        job.console.print("The model and its archive are built of what is in model/ now: nothing is trained or packed.")
        return
    job.run("python", "model/train.py")
    job.run("sagebridge", "package")
    model_build.keep()


def base_is_applied() -> bool:
    """Says whether Terraform's state of the base has resources; the endpoint cannot be there without them."""
    return bool(_base_state()["resources"])


def _base_state() -> dict[str, Any]:
    """Returns Terraform's state of the base; an empty one if there is none."""
    try:
        state: dict[str, Any] = json.loads((BASE / "terraform.tfstate").read_text())
    except FileNotFoundError:
        return {"resources": [], "outputs": {}}
    return state


def _base_outputs() -> dict[str, Any]:
    """Returns the values of the base's outputs."""
    return {name: output["value"] for name, output in _base_state()["outputs"].items()}


def _destroy_base(job: Job) -> None:
    """Destroys the base, and removes the local settings beside it, which must not meet a real account."""
    apply_base(job, "-destroy")
    for name in (LOCK_FILE, *(setting.name for setting in LOCAL_SETTINGS.iterdir())):
        (BASE / name).unlink(missing_ok=True)
    shutil.rmtree(BASE / ".terraform")


def _endpoints_of_others(job: Job) -> dict[str, str | None]:
    """Returns the endpoints that stand on the base and are not the dev stack's, each with its stack, if it has one."""
    running = control.find(environment.local_aws())
    base = _base_outputs()
    if running is None or not {"bucket_name", "execution_role_arn"} <= base.keys():
        return {}
    clients = [environment.client("sagemaker", running.url, region) for region in running.regions]
    standing = [name for client in clients for name in base_users.users(client, base)]
    if not standing:
        return {}
    stacks = json.loads(job.run("pulumi", "stack", "ls", "--all", "--json", capture=True))
    owners = {
        endpoint: stack["name"]
        for stack in stacks
        for endpoint in base_users.endpoints_of(
            json.loads(job.run("pulumi", "stack", "export", "--stack", stack["name"], capture=True))
        )
    }
    # `pulumi stack ls` names the stacks of this project alone without their organization and project.
    return {name: owners.get(name) for name in standing if owners.get(name) != STACK}


def apply_base(job: Job, *options: str) -> None:
    """Applies ``terraform/base`` to the local AWS, with the local settings beside it."""
    for setting in LOCAL_SETTINGS.iterdir():
        if not (BASE / setting.name).exists():
            shutil.copyfile(setting, BASE / setting.name)
    terraform = ("terraform", f"-chdir={BASE.relative_to(CHECKOUT)}")
    if not _is_initialised():
        (BASE / LOCK_FILE).unlink(missing_ok=True)  # it may hold the hash of another build of the provider
        job.run(*terraform, "init", "-input=false", "-no-color", capture=True)
    plan = BASE / ".terraform" / "local.tfplan"
    planned = job.run(*terraform, "plan", "-input=false", "-no-color", f"-out={plan}", *options, capture=True)
    if "No changes." in planned:
        job.console.print("No changes.")
        return
    job.console.print(next(line for line in planned.splitlines() if line.startswith("Plan:")))
    color = () if job.console.is_terminal else ("-no-color",)
    job.run(*terraform, "apply", "-input=false", *color, str(plan))


def _is_initialised() -> bool:
    """Says whether `terraform init` has run since the provider came here."""
    provider = engine.find_all()["terraform-provider-aws"]
    lock = BASE / LOCK_FILE
    if provider is None or not lock.exists() or not (BASE / ".terraform").is_dir():
        return False
    return lock.stat().st_mtime > (provider.path / "origin.json").stat().st_mtime
