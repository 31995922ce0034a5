"""The model's way: `package` against gzip and sha256sum, `publish` against sha256sum and a plain upload by boto3."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LinearRegression

from bench import processes
from bench.account import Account, account
from bench.figures import Figure, Figures, Goal, Plot, Section, Table, number, spread
from tools.environment import client
from tools.paths import CHECKOUT

NAME = "artifacts"
PACKAGE, PUBLISH = "package", "publish"
OURS, HASH, GZIP, UPLOAD = "sagebridge", "sha256sum", "gzip -6", "boto3 upload_file"
SHORT, LONG = {1: 3, 100: 1}, {1: 3, 100: 3, 512: 1}
"""Runs, by the size of the model in MiB."""
GOALS = (100, 512)
"""The sizes that the goals are about."""
LIMIT = 1.2
"""What ours may cost, the slower of the others = 1."""
FLAT = 0.05
"""MiB of memory that a further MiB of the model may cost."""
READ = "bytes read"
TEXT = f"""\
A model of random numbers, which hardly compress; whole commands, the start of Python among them. `package` hashes
and compresses, as `sha256sum` and `gzip -6` do of the same model; `publish` hashes and uploads, as `sha256sum` and
boto3's `upload_file` do of the same archive, to the same local S3. They take turns. *{READ}* is what the process
reads of files, for each byte of the model or the archive: what is named by its hash must be hashed before it can be
uploaded. There are three runs, and one of 512 MiB."""
_UPLOAD = """
import sys, boto3
session = boto3.Session("local", "local", region_name="us-east-1")
session.client("s3", endpoint_url=sys.argv[1]).upload_file(sys.argv[2], "models", "plain/model.tar.gz")
"""
_COUNTING = """
import sys
from sagebridge.cli import main
main(sys.argv[2:], standalone_mode=False)
with open(sys.argv[1], "w") as file:
    file.write(open("/proc/self/io").read().split("rchar: ")[1].split()[0])
"""
"""The command, and then how many bytes the process has read."""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes time, memory and what is read, by the model's size."""
    taken: dict[tuple[str, str, int, str], list[float]] = {}
    with account() as aws:
        env = {**os.environ, "AWS_PROFILE": "local", "AWS_CONFIG_FILE": str(aws.directory / "config")}
        for size, runs in (LONG if long else SHORT).items():
            with tempfile.TemporaryDirectory() as folder:
                write_model(Path(folder, "model.joblib"), size)
                for step, commands in commands_of(aws, Path(folder)).items():
                    for run in range(runs):
                        for by, command in commands.items():
                            say(f"{size} MiB: {step}, {by}, {run + 1} of {runs}")
                            took = processes.seconds(command, CHECKOUT, env)
                            taken.setdefault((step, by, size, "s"), []).append(took)
                            _forget(aws)
                    say(f"{size} MiB: {step}, memory")
                    count = Path(folder, "count")
                    counting = (sys.executable, "-c", _COUNTING, str(count), *commands[OURS][1:])
                    taken[step, OURS, size, "MiB"] = [processes.peak(counting, CHECKOUT, env)]
                    read = int(count.read_text())
                    of = Path(folder, "model.joblib" if step == PACKAGE else "model.tar.gz").stat().st_size
                    taken[step, OURS, size, READ] = [read / of]
                    _forget(aws)
    return Figures(Figure(*key, tuple(samples)) for key, samples in taken.items())


def write_model(file: Path, mebibytes: int) -> None:
    """Writes a model with so many random numbers."""
    made = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    made.coef_ = np.random.default_rng(42).random(mebibytes * 1024**2 // 8)
    joblib.dump(made, file)


def commands_of(aws: Account, folder: Path) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Returns the commands that are compared, by step and by whose they are."""
    plain, archive = str(folder / "model.joblib"), str(folder / "model.tar.gz")
    return {
        PACKAGE: {
            OURS: (processes.SAGEBRIDGE, "package", "--model", plain, "--out", archive),
            HASH: ("sha256sum", plain),
            GZIP: ("gzip", "-6", "-k", "-f", plain),
        },
        PUBLISH: {
            OURS: (processes.SAGEBRIDGE, "publish", "--archive", archive, "--bucket", "models"),
            HASH: ("sha256sum", archive),
            UPLOAD: (sys.executable, "-c", _UPLOAD, aws.url, archive),
        },
    }


def _forget(aws: Account) -> None:
    """Deletes what was uploaded: `publish` would not upload it again."""
    s3 = client("s3", aws.url)
    for prefix in ("models/", "plain/"):
        for stored in s3.list_objects_v2(Bucket="models", Prefix=prefix).get("Contents", []):
            s3.delete_object(Bucket="models", Key=stored["Key"])


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    times, memory, tables, goals, plots = figures.of("s"), figures.of("MiB"), [], [], []
    for step, others in ((PACKAGE, (HASH, GZIP)), (PUBLISH, (HASH, UPLOAD))):
        head = [f"{step}, MiB", OURS, *others, "÷ the slower", "MiB a second", "peak MiB", READ]
        tables.append(Table(head, [_row(figures, step, others, size) for size in times.sizes(step)]))
        goals += [
            Goal(f"{step} {size} MiB ÷ the slower of {' and '.join(others)}", _slower(times, step, others, size), LIMIT)
            for size in GOALS
        ]
        smaller, larger = (memory.get(step, OURS, size) for size in GOALS)
        grown = (larger.median - smaller.median) / (GOALS[1] - GOALS[0]) if smaller and larger else None
        goals.append(Goal(f"{step}: memory of a further MiB of the model", grown, FLAT, "MiB"))
        if lines := times.lines(step, {by: by for by in (OURS, *others)}):
            plots.append(Plot(f"artifacts-{step}", f"sagebridge {step}", "MiB", "seconds (median)", lines))
    return Section("The model's way", TEXT, tables, goals, plots)


def _slower(times: Figures, step: str, others: Sequence[str], size: int) -> float | None:
    """Returns how many times as long ours takes as the slower of the others."""
    ratios = [ratio for by in others if (ratio := times.ratio(step, OURS, by, size)) is not None]
    return min(ratios, default=None)


def _row(figures: Figures, step: str, others: Sequence[str], size: int) -> list[str]:
    times = figures.of("s")
    ours, ratio = times.get(step, OURS, size), _slower(times, step, others, size)
    return [
        f"{size:,}",
        *(spread(times.get(step, by, size)) for by in (OURS, *others)),
        "" if ratio is None else number(ratio),
        f"{size / ours.median:,.0f}" if ours else "",
        *(spread(figures.of(unit).get(step, OURS, size)) for unit in ("MiB", READ)),
    ]
