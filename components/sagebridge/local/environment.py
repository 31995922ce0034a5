"""The environment in which a person's own aws, boto3, Terraform and Pulumi reach the local AWS, and never another one.

Whatever the shell has set, three things hold in it. No credentials of a real account are within reach: those of the
shell are unset, the credentials file is an empty one, and the machine's metadata service is switched off. The config
file is that of the local AWS, so that its profile `local` is the only one, whose `endpoint_url` leads every service to
this machine. And what would win over the profile, or have Terraform and Pulumi work on other state, is unset.

docs/every-shell.md is made from the rules. Of the variables with AWS's, Terraform's or Pulumi's prefix, what no rule
keeps is unset, because a variable that is not known may lead elsewhere.
"""

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path


class Decision(StrEnum):
    """What becomes of a variable."""

    KEPT = "kept"
    SET = "set"
    UNSET = "unset"


@dataclass(frozen=True)
class Rule:
    """What becomes of some variables, and why."""

    names: tuple[str, ...]
    """The names; `*` stands for any rest."""
    decision: Decision
    reason: str
    """A sentence for the page."""


RULES = (
    Rule(
        ("AWS_CONFIG_FILE", "AWS_PROFILE"),
        Decision.SET,
        "The profile `local` of the local AWS's config file has its address, its region and its credentials.",
    ),
    Rule(
        ("AWS_SHARED_CREDENTIALS_FILE",),
        Decision.SET,
        "It names an empty file, so that no keys of yours are within reach.",
    ),
    Rule(
        ("AWS_EC2_METADATA_DISABLED",),
        Decision.SET,
        "The role of the machine that you work on must not be used.",
    ),
    Rule(
        ("AWS_SDK_LOAD_CONFIG",),
        Decision.SET,
        "The AWS SDK for Go v1, on which pulumi-terraform is built, reads the config file only then.",
    ),
    Rule(
        ("AWS_PAGER", "AWS_DEFAULT_OUTPUT", "AWS_CLI_*"),
        Decision.KEPT,
        "It decides only how the `aws` command shows answers.",
    ),
    Rule(
        (
            *("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN"),
            *(
                "AWS_SECURITY_TOKEN",
                "AWS_CREDENTIAL_EXPIRATION",
                "AWS_CREDENTIAL_FILE",
                "AWS_ACCOUNT_ID",
                "BOTO_CONFIG",
            ),
            *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_*"),
            *("AWS_EC2_METADATA_*", "AWS_METADATA_*", "AWS_IMDS_*", "AWS_LOGIN_CACHE_DIRECTORY"),
        ),
        Decision.UNSET,
        "It gives or finds credentials of another account.",
    ),
    Rule(
        (
            *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SAGEMAKER"),
            *("AWS_ENDPOINT_URL_*", "AWS_*_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
            *("AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"),
            *("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_*_ENDPOINTS", "AWS_ACCOUNT_ID_ENDPOINT_MODE"),
        ),
        Decision.UNSET,
        "It leads to another address, region or profile.",
    ),
    Rule(
        ("AWS_*", "BOTO*"),
        Decision.UNSET,
        "It changes how requests are made, and the defaults are what works with the local AWS.",
    ),
    Rule(("LOCAL_AWS_DIR",), Decision.SET, "It is the folder of the local AWS."),
    Rule(
        ("NO_PROXY", "no_proxy"),
        Decision.SET,
        "The loopback address is added to the hosts that your shell reaches without a proxy.",
    ),
    Rule(
        ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
        Decision.KEPT,
        "Registries are reached through the proxy, and the local AWS without it.",
    ),
    Rule(
        ("TF_VAR_*",),
        Decision.KEPT,
        "It is an input of your module.",
    ),
    Rule(
        ("TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG", "TF_PLUGIN_CACHE_*", "TF_PROVIDER_*", "TF_REGISTRY_*", "TF_TOKEN_*"),
        Decision.KEPT,
        "It says where providers and modules come from.",
    ),
    Rule(
        ("TF_LOG", "TF_LOG_*", "TF_INPUT", "TF_IN_AUTOMATION", "TF_APPEND_USER_AGENT", "CHECKPOINT_DISABLE"),
        Decision.KEPT,
        "It decides only what Terraform prints, asks and records.",
    ),
    Rule(
        ("TF_CLI_ARGS", "TF_DATA_DIR", "TF_ENCRYPTION", "TF_REATTACH_PROVIDERS", "TF_WORKSPACE", "TF_*"),
        Decision.UNSET,
        "It may name another workspace, folder, backend or endpoint, options for each command, or a running provider.",
    ),
    Rule(
        ("PULUMI_BACKEND_URL",),
        Decision.SET,
        "A folder of the local AWS keeps your stacks, unless the variable names a `file://` or `https://` backend. "
        "A backend in a bucket cannot be reached without the bucket's account.",
    ),
    Rule(
        ("PULUMI_CONFIG_PASSPHRASE",),
        Decision.SET,
        "It is empty, unless your shell sets it or `PULUMI_CONFIG_PASSPHRASE_FILE`.",
    ),
    Rule(
        ("PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_ACCESS_TOKEN", "PULUMI_API"),
        Decision.KEPT,
        "It opens your stacks' secrets and your own backend.",
    ),
    Rule(
        (
            *("PULUMI_HOME", "PULUMI_PYTHON_CMD", "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES"),
            *("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "PULUMI_IGNORE_AMBIENT_PLUGINS"),
        ),
        Decision.KEPT,
        "It says which plugins and which Python Pulumi uses.",
    ),
    Rule(
        (
            *("PULUMI_SKIP_UPDATE_CHECK", "PULUMI_SKIP_CONFIRMATIONS", "PULUMI_PARALLEL*", "PULUMI_DIY_BACKEND_*"),
            *("PULUMI_EXPERIMENTAL", "PULUMI_SUPPRESS_*"),
        ),
        Decision.KEPT,
        "It decides only what Pulumi prints and asks, and how it works.",
    ),
    Rule(
        ("PULUMI_CONFIG", "PULUMI_DEBUG_PROVIDERS", "PULUMI_STACK", "PULUMI_*"),
        Decision.UNSET,
        "It may name another stack, other configuration, options for each command, or a running provider.",
    ),
    Rule(
        ("BASH_ENV", "ENV"),
        Decision.UNSET,
        "It names a file that each new shell runs, which may set all of this again.",
    ),
)
"""The first rule that a name fits decides; a name that fits none is kept."""

FAILED = "false"
"""The last line for a shell when something is wrong, so that `eval` fails and what follows `&&` does not run.

The lines before it stand all the same: a command that runs nevertheless must not reach a real account.
"""


def rule_for(name: str, rules: Iterable[Rule] = RULES) -> Rule | None:
    """Returns the rule that decides on a variable; None if there is none, so that the variable is kept."""
    return next((rule for rule in rules if any(fnmatchcase(name, pattern) for pattern in rule.names)), None)


def settings(directory: Path) -> dict[str, str]:
    """Returns the variables to set.

    Args:
        directory: The folder of the local AWS; `control.prepare` makes what the variables name in it.
    """
    variables = {
        "AWS_CONFIG_FILE": str(directory / "config"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PROFILE": "local",
        "AWS_SDK_LOAD_CONFIG": "1",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LOCAL_AWS_DIR": str(directory),
        **dict.fromkeys(("NO_PROXY", "no_proxy"), no_proxy()),  # Go reads the first, Python prefers the second
    }
    if not os.environ.get("PULUMI_BACKEND_URL", "").startswith(("file://", "https://", "http://")):
        variables["PULUMI_BACKEND_URL"] = backend_url(pulumi_state(directory))
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & os.environ.keys():
        variables["PULUMI_CONFIG_PASSPHRASE"] = ""
    return variables


def pulumi_state(directory: Path) -> Path:
    """Returns the folder in which Pulumi keeps the stacks that use the local AWS."""
    return directory / "pulumi"


def backend_url(folder: Path) -> str:
    """Returns the URL of a backend that keeps Pulumi's stacks in a folder, and that survives a kill of `pulumi`.

    Pulumi's library (gocloud.dev's `fileblob`) replaces the file of a state in one step, but not the file `.attrs` with
    metadata that it writes beside it. After a kill in between, every command ends in "failed to load checkpoint: EOF".
    Nothing needs these files, and `metadata=skip` leaves them out.
    """
    return f"{folder.as_uri()}?metadata=skip"


def unset(rules: Sequence[Rule] = RULES) -> list[str]:
    """Returns the variables to unset: those that rules name, and those of this process's environment that fit one.

    A name that no shell can unset, such as one with a dash, is left out.
    """
    named = [name for rule in rules for name in rule.names]
    names = {name for name in (*named, *os.environ) if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)}
    return sorted(name for name in names if _is_unset(name, rules))


def process_environment(variables: Mapping[str, str], rules: Sequence[Rule] = RULES) -> dict[str, str]:
    """Returns a whole environment for a command: this process's, without what is unset, and with `variables`."""
    kept = {name: value for name, value in os.environ.items() if not _is_unset(name, rules)}
    return {**kept, **variables}


def shell(variables: Mapping[str, str], rules: Sequence[Rule] = RULES) -> str:
    """Returns the lines with which a shell unsets what leads elsewhere, and sets variables."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(variables.items())]
    return "\n".join([f"unset {' '.join(unset(rules))}", *exports])


def no_proxy() -> str:
    """Returns the hosts that are reached without a proxy: the shell's, and the loopback, which boto3 does not skip."""
    names = (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(",")
    if "*" in names:
        return "*"
    return ",".join(dict.fromkeys([*filter(None, names), "127.0.0.1", "localhost"]))


def _is_unset(name: str, rules: Sequence[Rule]) -> bool:
    rule = rule_for(name, rules)
    return rule is not None and rule.decision == Decision.UNSET
