"""Names of what a component makes: its children's in Pulumi, and those that AWS knows them by.

A stack's state keeps these names, and so does a program that ``sagebridge adopt`` has written: a name that changes here
makes the resource anew there.
"""

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Names:
    """The names of a component's children in Pulumi. The endpoint has the component's own."""

    component: str

    def model(self, variant: str | None) -> str:
        """Returns the name of a variant's own model, or of the model that variants share."""
        return f"{self.component}-model" if variant is None else f"{self.component}-{variant}-model"

    @property
    def configuration(self) -> str:
        """The endpoint configuration."""
        return f"{self.component}-config"

    @property
    def generation(self) -> str:
        """The configuration's generation; see ``guards/retained.py``."""
        return f"{self.component}-generation"

    @property
    def registration(self) -> str:
        """What scalable targets depend on; see ``scaling/autoscaling.py``."""
        return f"{self.component}-scaling"

    def target(self, variant: str) -> str:
        """Returns the name of a variant's scalable target."""
        return f"{self.component}-{variant}-scaling"

    def on_target(self, variant: str, what: str) -> str:
        """Returns the name of a policy, a scheduled action or an alarm that acts on a variant's scalable target."""
        return f"{self.target(variant)}-{what}"

    def alarm(self, variant: str, what: str) -> str:
        """Returns the name of an alarm that watches a variant."""
        return f"{self.component}-{variant}-{what}"

    @property
    def dashboard(self) -> str:
        """The dashboard."""
        return f"{self.component}-dashboard"

    @property
    def protection(self) -> str:
        """What stops the deletion of a protected component."""
        return f"{self.component}-protection"


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
