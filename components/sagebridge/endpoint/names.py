"""Names of what a component makes: its children's in Pulumi, and those that AWS knows them by.

A stack's state keeps these names, and so does a program that ``sagebridge adopt`` has written: a name that changes here
makes the resource anew there.
"""

import pulumi


def model(component: str, variant: str | None = None) -> str:
    """Returns the name of a variant's own model, or of the model that variants share."""
    return f"{component}-model" if variant is None else f"{component}-{variant}-model"


def configuration(component: str) -> str:
    """Returns the name of the endpoint configuration."""
    return f"{component}-config"


def generation(component: str) -> str:
    """Returns the name of the configuration's generation; see ``guards/retained.py``."""
    return f"{component}-generation"


def registration(component: str) -> str:
    """Returns the name of what scalable targets depend on; see ``scaling/autoscaling.py``."""
    return f"{component}-scaling"


def target(component: str, variant: str) -> str:
    """Returns the name of a variant's scalable target."""
    return f"{component}-{variant}-scaling"


def on_target(component: str, variant: str, what: str) -> str:
    """Returns the name of a policy, a scheduled action or an alarm that acts on a variant's scalable target."""
    return f"{target(component, variant)}-{what}"


def alarm(component: str, variant: str, what: str) -> str:
    """Returns the name of an alarm that watches a variant."""
    return f"{component}-{variant}-{what}"


def dashboard(component: str) -> str:
    """Returns the name of the dashboard."""
    return f"{component}-dashboard"


def protection(component: str) -> str:
    """Returns the name of what stops the deletion of a protected component."""
    return f"{component}-protection"


def alarm_in_aws(endpoint_name: pulumi.Input[str], variant: str, what: str) -> pulumi.Input[str]:
    """Returns ``<endpoint>-<variant>-<what>``, as a plain string if the endpoint's name is one.

    An auto-named endpoint has its name only once it is there, and so have its alarms: they cannot roll it back.
    """
    return _derived("", endpoint_name, f"-{variant}-{what}")


def scalable_resource(endpoint_name: pulumi.Input[str], variant: str) -> pulumi.Input[str]:
    """Returns the ID by which Application Auto Scaling knows a variant."""
    return _derived("endpoint/", endpoint_name, f"/variant/{variant}")


def _derived(prefix: str, endpoint_name: pulumi.Input[str], suffix: str) -> pulumi.Input[str]:
    if isinstance(endpoint_name, str):
        return f"{prefix}{endpoint_name}{suffix}"
    return pulumi.Output.concat(prefix, endpoint_name, suffix)
