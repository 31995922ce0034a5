"""A soak: stacks of endpoints are updated, killed, met by faults and changed by hand, in an order that a seed decides.

Whatever happened to a stack, one `pulumi up` must bring it to what its program declares.
"""

import io
import itertools
import json
import math
import random
import re
import subprocess
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError
from rich.console import Console

from sagebridge import processes
from sagebridge.local import control
from sagebridge.local import environment as local_environment
from sagebridge.local.sagemaker.rules import BUSY
from tools import environment
from tools.errors import ToolsError
from tools.paths import STACK_SETTINGS
from tools.progress import duration

COMMAND_SECONDS = 600.0
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
INSTANCE_TYPES = ("ml.m5.large", "ml.m5.xlarge", "ml.c5.large")
PROJECT = "name: soak\nruntime: python\noptions:\n  refresh: always\n"
PROGRAM = """
import pulumi
from sagebridge import SageMakerEndpoint

for name, args in pulumi.Config().require_object("endpoints").items():
    SageMakerEndpoint(name, args)
"""
HANDLER = """
import os

def model_fn(model_dir): return os.environ["WORD"]
def input_fn(body, content_type): return body
def predict_fn(data, model): return model
def output_fn(prediction, accept): return prediction
"""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}],
}
EXTRAS: tuple[dict[str, Any], ...] = (
    {"autoscaling": {"min_capacity": 1, "max_capacity": 3, "invocations_per_instance": 100}},
    {"alarms": {}},
    {},
)
"""What an endpoint may have besides; the first endpoint of a stack has the first of them, and so on."""
KINDS = ("update", "fault", "kill", "deletion by hand")
"""What happens to a stack."""
CHANGES = ("word", "instance type", "instance count", "tag")
"""What the program says in another way before an update."""
DELETIONS = ("endpoint", "configuration", "alarms", "scalable target")
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "ping"},
    {"kind": "capacity"},
    {"kind": "rollback"},
    {"kind": "s3"},
    {"kind": "throttle", "operation": "UpdateEndpoint"},
    {"kind": "throttle", "operation": "CreateModel"},
    {"kind": "throttle", "operation": "DescribeEndpoint"},
    {"kind": "error", "operation": "CreateEndpointConfig"},
    {"kind": "error", "operation": "DeleteEndpointConfig"},
)
MOST_STEPS = 16
"""Steps after which an update is killed at most; an update of one endpoint that makes a new model has about as many."""
_STEP = re.compile(rb" [-+~]")
"""What a line of the output begins with that tells of a step's beginning or end."""


@dataclass(frozen=True)
class Size:
    """How long a soak is. It ends at the first of its bounds that is reached."""

    stacks: int
    endpoints: int
    """The endpoints of each stack."""
    rounds: int | None = None
    """In a round, each kind of incident happens once, in any order."""
    seconds: float = math.inf


LONG = Size(stacks=10, endpoints=5, seconds=30 * 60)
SHORT = Size(stacks=1, endpoints=2, rounds=1)
"""The soak of `make test`."""


@dataclass(frozen=True)
class Incident:
    """Something that happens to a stack."""

    kind: str
    """One of `KINDS`."""
    stack: int
    """The number of the stack."""
    endpoint: int
    """The number of the endpoint, within the stack, that is changed, deleted or met by a fault."""
    change: str
    """One of `CHANGES`."""
    number: int
    """Makes a change another one than those before."""
    deletion: str
    """One of `DELETIONS`."""
    fault: Mapping[str, Any]
    """One of `FAULTS`, with how often it strikes."""
    steps: int
    """At which step an update is killed, counted from 1."""


def incidents(seed: int, size: Size) -> Iterator[Incident]:
    """Yields what happens in a soak. A seed always gives the same incidents, whatever comes of them."""
    choices = random.Random(seed)  # noqa: S311 - no secret
    numbers = itertools.count(1)
    for _ in itertools.count() if size.rounds is None else range(size.rounds):
        for kind in choices.sample(KINDS, len(KINDS)):
            yield Incident(
                kind,
                choices.randrange(size.stacks),
                choices.randrange(size.endpoints),
                choices.choice(CHANGES),
                next(numbers),
                choices.choice(DELETIONS),
                choices.choice(FAULTS) | {"times": choices.randrange(1, 4)},
                choices.randrange(1, MOST_STEPS + 1),
            )


def changed(args: Mapping[str, Any], change: str, number: int) -> dict[str, Any]:
    """Returns the arguments of an endpoint with a change.

    Args:
        args: the arguments before.
        change: one of `CHANGES`.
        number: a number that no change before had.
    """
    match change:
        case "word":
            return {**args, "environment": {"WORD": f"word-{number}"}}
        case "instance type":
            others = [name for name in INSTANCE_TYPES if name != args["instance_type"]]
            return {**args, "instance_type": others[number % len(others)]}
        case "instance count":
            return {**args, "initial_instance_count": args["initial_instance_count"] % 3 + 1}
    return {**args, "tags": {"change": str(number)}}


@dataclass
class Stack:
    """A stack, and the arguments of its endpoints by their names."""

    name: str
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    was_killed: bool = False
    """Whether an update was killed: what it was creating at that moment is recorded nowhere, and stays."""


class Soak:
    """Stacks on a local AWS of their own, and what is done to them.

    Args:
        console: where to say what is being done.
        folder: an empty folder.
        size: how many stacks there are.
    """

    def __init__(self, console: Console, folder: Path, size: Size) -> None:
        self._console = console
        self._aws = folder / "aws"
        self._project = folder / "project"
        self._backend = folder / "stacks"
        for subfolder in (self._project, self._backend):
            subfolder.mkdir()
        (self._project / "Pulumi.yaml").write_text(PROJECT)
        (self._project / "__main__.py").write_text(PROGRAM)
        self._size = size
        self._stacks = [Stack(f"soak{number}") for number in range(size.stacks)]
        self.happened: Counter[str] = Counter()
        """How often each kind of incident happened."""
        self.problems: list[str] = []
        """What one `pulumi up` did not bring in order."""

    def run(self, incidents: Iterable[Incident]) -> None:
        """Makes the stacks, lets incidents happen to them, and brings each in order with one `pulumi up`."""
        happen = {
            "update": self._update,
            "fault": self._fault,
            "kill": self._kill,
            "deletion by hand": self._delete_by_hand,
        }
        with self._serving():
            for stack in self._stacks:
                self._make(stack)
            ends = time.monotonic() + self._size.seconds
            for incident in incidents:
                happen[incident.kind](self._stacks[incident.stack], incident)
                self.happened[incident.kind] += 1
                if time.monotonic() > ends:
                    break
            for stack in self._stacks:
                self._end(stack)

    # The account and the program

    @contextmanager
    def _serving(self) -> Iterator[None]:
        try:
            url = control.start(self._aws)[0].url
            self._clients: dict[str, Any] = {
                name: environment.client(name, url)
                for name in ("sagemaker", "sagemaker-runtime", "cloudwatch", "application-autoscaling", "s3", "iam")
            }
            settings = {
                **local_environment.settings(self._aws),
                "PULUMI_BACKEND_URL": local_environment.backend_url(self._backend),
            }
            self._environment = environment.process_environment(settings)
            self._clients["s3"].create_bucket(Bucket="models")
            self._clients["s3"].put_object(Bucket="models", Key="model.tar.gz", Body=_archive())
            role = self._clients["iam"].create_role(RoleName="soak", AssumeRolePolicyDocument=json.dumps(TRUST))
            self._role = role["Role"]["Arn"]
            control.set_times(self._aws, updating=0.5)  # so that an update can be met by a kill
            yield
        finally:
            control.stop(self._aws)

    def _make(self, stack: Stack) -> None:
        for number in range(self._size.endpoints):
            name = f"{stack.name}-{number}"
            stack.endpoints[name] = {
                "execution_role_arn": self._role,
                "image": IMAGE,
                "model_data_url": "s3://models/model.tar.gz",
                "endpoint_name": name,
                "environment": {"WORD": "first"},
                "instance_type": INSTANCE_TYPES[0],
                "initial_instance_count": 1,
                **EXTRAS[number % len(EXTRAS)],
            }
        self._write(stack)
        self._pulumi("stack", "init", stack.name)
        self._must_come_up(stack)

    def _write(self, stack: Stack) -> None:
        settings = yaml.safe_load(STACK_SETTINGS.read_text())["config"] | {"soak:endpoints": stack.endpoints}
        (self._project / f"Pulumi.{stack.name}.yaml").write_text(yaml.safe_dump({"config": settings}))

    def _change(self, stack: Stack, incident: Incident) -> None:
        """Changes an argument of an endpoint in the program."""
        name = f"{stack.name}-{incident.endpoint}"
        stack.endpoints[name] = changed(stack.endpoints[name], incident.change, incident.number)
        self._say(f"{stack.name}: another {incident.change} of {name}")
        self._write(stack)

    # What happens

    def _update(self, stack: Stack, incident: Incident) -> None:
        self._change(stack, incident)
        self._must_come_up(stack)

    def _fault(self, stack: Stack, incident: Incident) -> None:
        """Lets an update meet a fault of AWS's; whether it succeeds in spite of that does not matter."""
        self._change(stack, incident)
        control.fault(self._aws, **incident.fault)
        done = self._up(stack)
        control.clear_faults(self._aws)
        fault = " ".join(map(str, incident.fault.values()))
        self._say(f"{stack.name}: {fault} times: {'failed' if done.returncode else 'came up'}")
        self._settle()

    def _kill(self, stack: Stack, incident: Incident) -> None:
        """Kills an update with all its processes, as a machine that goes down does.

        Nothing records an endpoint whose creation is killed, and the next update says to import or to delete it. So an
        endpoint that is not there is made before.
        """
        if self._statuses(stack) != dict.fromkeys(stack.endpoints, "InService"):
            self._must_come_up(stack)
        self._change(stack, incident)
        options: dict[str, Any] = {"cwd": self._project, "env": self._environment, "stdin": subprocess.DEVNULL}
        with processes.session(self._command(stack, "up"), **options, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            steps = (line for line in process.stdout if _STEP.match(line) and b" refresh" not in line)
            step = next(itertools.islice(steps, incident.steps - 1, None), None)
            process.kill()
        at = "over before it was killed" if step is None else f"killed at: {' '.join(step.decode().split())}"
        self._say(f"{stack.name}: {at}")
        stack.was_killed |= step is not None
        self._settle()
        self._run(self._command(stack, "cancel"))  # which the engine wants; it fails if the update had not begun

    def _delete_by_hand(self, stack: Stack, incident: Incident) -> None:
        """Deletes something that a stack manages; the program does not change."""
        name = f"{stack.name}-{incident.endpoint}"
        self._say(f"{stack.name}: {incident.deletion} of {name} deleted by hand")
        delete = {
            "endpoint": self._delete_endpoint,
            "configuration": self._delete_configuration,
            "alarms": self._delete_alarms,
            "scalable target": self._deregister,
        }
        with suppress(ClientError):  # there may be none
            delete[incident.deletion](name)
        self._settle()

    def _delete_endpoint(self, name: str) -> None:
        self._clients["sagemaker"].delete_endpoint(EndpointName=name)

    def _delete_configuration(self, name: str) -> None:
        sagemaker = self._clients["sagemaker"]
        config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        sagemaker.delete_endpoint_config(EndpointConfigName=config)

    def _delete_alarms(self, name: str) -> None:
        cloudwatch = self._clients["cloudwatch"]
        alarms = cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
        cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"] for alarm in alarms])

    def _deregister(self, name: str) -> None:
        self._clients["application-autoscaling"].deregister_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId=f"endpoint/{name}/variant/AllTraffic",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        )

    def _settle(self) -> None:
        """Waits until nothing is under way for any endpoint, as the messages of a refused update say."""
        ends = time.monotonic() + COMMAND_SECONDS
        while set(BUSY).intersection((statuses := self._statuses()).values()):
            if time.monotonic() > ends:
                raise ToolsError(f"An endpoint did not settle within {COMMAND_SECONDS:g} s: {statuses}")
            time.sleep(0.1)

    # What must be so

    def _end(self, stack: Stack) -> None:
        """Brings a stack in order with one `pulumi up`, and checks that it is."""
        self._must_come_up(stack)
        done = self._run(self._command(stack, "preview", "--expect-no-changes"))
        if done.returncode:
            self._fail(stack, "a preview after `pulumi up` has changes", done)
        sagemaker = self._clients["sagemaker"]
        asked = {"NameContains": f"{stack.name}-"}
        configs = [
            config["EndpointConfigName"]
            for page in sagemaker.get_paginator("list_endpoint_configs").paginate(**asked)
            for config in page["EndpointConfigs"]
        ]
        if len(configs) != len(stack.endpoints) and not stack.was_killed:
            self._fail(stack, f"its {len(stack.endpoints)} endpoints have the configurations {configs}")
        statuses = self._statuses(stack)
        if statuses != dict.fromkeys(stack.endpoints, "InService"):
            self._fail(stack, f"its endpoints are {statuses}")
        for name, args in stack.endpoints.items():
            word = self._word(name)
            if word != args["environment"]["WORD"]:
                self._fail(stack, f"{name} answers {word!r}, not {args['environment']['WORD']!r}")

    def _must_come_up(self, stack: Stack) -> None:
        done = self._up(stack)
        if done.returncode:
            self._fail(stack, "`pulumi up` fails", done)

    def _fail(self, stack: Stack, problem: str, done: subprocess.CompletedProcess[str] | None = None) -> None:
        output = "" if done is None else f":\n{done.stdout[-4000:]}{done.stderr[-1000:]}"
        self.problems.append(f"{stack.name}: {problem}{output}")
        self._say(f"{stack.name}: {problem}")

    def _statuses(self, stack: Stack | None = None) -> dict[str, str]:
        """Returns the statuses of the endpoints of a stack, or of all endpoints, by their names."""
        asked = {"NameContains": f"{stack.name}-"} if stack else {}
        pages = self._clients["sagemaker"].get_paginator("list_endpoints").paginate(**asked)
        return {item["EndpointName"]: item["EndpointStatus"] for page in pages for item in page["Endpoints"]}

    def _word(self, endpoint: str) -> str:
        try:
            answer = self._clients["sagemaker-runtime"].invoke_endpoint(EndpointName=endpoint, Body=b"{}")
        except ClientError as error:
            return str(error)
        return str(answer["Body"].read().decode())

    # Commands

    def _command(self, stack: Stack, *command: str) -> list[str]:
        more = {"up": ["--yes", "--skip-preview"], "cancel": ["--yes"]}.get(command[0], [])
        return ["pulumi", *command, *more, "--stack", stack.name, "--non-interactive", "--color", "never"]

    def _up(self, stack: Stack) -> subprocess.CompletedProcess[str]:
        return self._run(self._command(stack, "up"))

    def _run(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return processes.complete(command, seconds=COMMAND_SECONDS, cwd=self._project, env=self._environment, text=True)

    def _pulumi(self, *arguments: str) -> None:
        done = self._run(["pulumi", *arguments, "--non-interactive", "--color", "never"])
        if done.returncode:
            raise ToolsError(f"`pulumi {' '.join(arguments)}` failed: {done.stderr or done.stdout}")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False)


def run(console: Console, size: Size, seed: int) -> Mapping[str, int]:
    """Runs a soak, and says with which seed.

    Args:
        console: where to say what is being done.
        size: how long it is.
        seed: decides what happens.

    Returns:
        How often each kind of incident happened.

    Raises:
        ToolsError: one `pulumi up` did not bring a stack in order.
    """
    console.print(f"The seed is {seed}. The same incidents again: make soak SEED={seed}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(console, Path(folder), size)
        soak.run(incidents(seed, size))
    counts = ", ".join(f"{kind} {count}" for kind, count in sorted(soak.happened.items()))
    console.print(f"{size.stacks * size.endpoints} endpoints in {duration(time.monotonic() - started)}; {counts}")
    if soak.problems:
        problems = "\n\n".join(soak.problems)
        raise ToolsError(
            f"{len(soak.problems)} times one `pulumi up` was not enough, with the seed {seed}:\n{problems}"
        )
    return soak.happened


def _archive() -> bytes:
    """Returns a model's archive that has a handler only."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        member = tarfile.TarInfo("inference.py")
        member.size = len(HANDLER)
        tar.addfile(member, io.BytesIO(HANDLER.encode()))
    return packed.getvalue()
