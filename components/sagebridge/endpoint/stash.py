"""Declares what a component keeps in the stack's state alone, and says so in the preview that would make it.

It is a row of its own in every preview, ``pulumi:index:Stash``, of which AWS shows nothing.
"""

from collections.abc import Mapping
from typing import Literal

import pulumi

from sagebridge import _sdk

Purpose = Literal["generation", "registration", "protection"]
"""What something is kept for; :class:`Names` has an attribute of that name."""

PURPOSES: Mapping[Purpose, str] = {
    "generation": (
        "It is replaced when the endpoint's configuration changes, so that an update keeps the capacity that "
        "autoscaling has set."
    ),
    "registration": (
        "It is replaced when another variant scales or its instance type changes, so that scaling is taken off before "
        "the update and put back after it, as AWS demands."
    ),
    "protection": (
        "It is deleted before all else, so that `protect` stops a deletion before it has taken anything away."
    ),
}
"""Why each is there."""


def stash(purpose: Purpose, name: str, value: object, opts: pulumi.ResourceOptions) -> pulumi.Stash:
    """Returns a value as a resource that is kept in the stack's state, and not in AWS.

    Args:
        purpose: What it is kept for.
        name: Name of the resource.
        value: The value.
        opts: Options of the resource.
    """
    resource = pulumi.Stash(name, input=value, opts=opts)
    if _sdk.runs_on_engine() and pulumi.runtime.is_dry_run():
        _sdk.once(_Explanations).explain(purpose, resource)
    return resource


def explanation(purpose: Purpose) -> str:
    """Returns what a preview says of it."""
    return f"This row is kept in the stack's state only: it is nothing in AWS, and costs nothing. {PURPOSES[purpose]}"


class _Explanations:
    """What a program has explained, as one explanation is enough for all endpoints."""

    def __init__(self) -> None:
        self._explained: set[Purpose] = set()

    def explain(self, purpose: Purpose, resource: pulumi.Stash) -> pulumi.Output[None]:
        """Explains what this update would make or replace. The program waits for the output before it ends."""
        return pulumi.Output.from_input(self._explain(purpose, resource))

    async def _explain(self, purpose: Purpose, resource: pulumi.Stash) -> None:
        stays = await resource.id.is_known()
        if not stays and purpose not in self._explained:
            self._explained.add(purpose)
            pulumi.log.info(explanation(purpose), resource)
