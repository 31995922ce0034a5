"""What becomes of the shell's variables in the words of `make`, where it differs from `sagebridge local env`."""

from sagebridge.local import environment
from sagebridge.local.environment import Decision, Rule

RULES = (
    Rule(("PATH",), Decision.SET, "The packages of `.venv` and the engine's parts come first."),
    Rule(
        ("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONINSPECT"),
        Decision.UNSET,
        "It would have Python import other modules than those of `.venv`, or run them in another way.",
    ),
    Rule(
        ("PIP_DISABLE_PIP_VERSION_CHECK",),
        Decision.SET,
        "Pulumi has pip list the packages for each program, and pip would ask PyPI for its own newest version.",
    ),
    Rule(
        ("PULUMI_BACKEND_URL",),
        Decision.SET,
        "The folder `.local/pulumi` of the checkout keeps its stacks.",
    ),
    Rule(("PULUMI_CONFIG_PASSPHRASE",), Decision.SET, "It is empty, in each shell that works on the same stacks."),
    Rule(
        ("PULUMI_CONFIG_PASSPHRASE_FILE",),
        Decision.UNSET,
        "The passphrase of the checkout's stacks is empty.",
    ),
    Rule(
        ("PULUMI_HOME", "TF_CLI_CONFIG_FILE"),
        Decision.SET,
        "The plugins and providers are those of the engine, which must not mix with yours.",
    ),
    Rule(
        ("TERRAFORM_CONFIG", "TF_PLUGIN_CACHE_*", "PULUMI_IGNORE_AMBIENT_PLUGINS", "PULUMI_PYTHON_CMD"),
        Decision.UNSET,
        "The plugins, providers and packages are those of the engine, which must not mix with yours.",
    ),
    Rule(
        ("PULUMI_PARALLEL",),
        Decision.SET,
        "It is 128, unless your shell sets it, so that endpoints wait for AWS side by side.",
    ),
    Rule(
        ("CHECKPOINT_DISABLE", "PULUMI_SKIP_UPDATE_CHECK"),
        Decision.SET,
        "The engine's version is the project's choice.",
    ),
    Rule(("PULUMI_DIY_BACKEND_*",), Decision.UNSET, "The checkout's stacks are kept in Pulumi's usual form."),
    Rule(("TF_VAR_*",), Decision.UNSET, "It would be an input of `terraform/base`, which is not your module."),
    *environment.RULES,
)
"""As `sagebridge.local.environment.RULES`, which decide on all other variables."""
