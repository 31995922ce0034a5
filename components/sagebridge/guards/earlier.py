"""Tells what the stack's state had of a component before this update: the name of an auto-named endpoint, for example.

The engine has the outputs of the last update until the component registers new ones, but forgets them when the
component's inputs change (pulumi 3.246, ``UpdateStep``). The hook of such a change gets them.
"""

from collections.abc import Mapping, Sequence

import pulumi

from sagebridge import _sdk


class EarlierOutputs:
    """The outputs that the components of a program had before this update."""

    def __init__(self) -> None:
        self._changed: dict[str, Mapping[str, object]] = {}
        """Those of the components whose inputs change, by URN."""
        self._first_answer: pulumi.Output[bool] | None = None

    async def keep(self, args: pulumi.ResourceHookArgs) -> None:
        """Notes the outputs of a component before its inputs change."""
        self._changed[args.urn] = await _values(args.old_outputs or {})

    def after_first_answer(
        self, component: pulumi.Resource, resources: Sequence[pulumi.Resource]
    ) -> pulumi.Output[Sequence[pulumi.Resource]]:
        """Returns resources once hooks may ask :meth:`of`, for the ``depends_on`` of the resource that has the hooks.

        Args:
            component: The component that declares the resource.
            resources: The resources that it depends on.
        """
        if self._first_answer is None:
            self._first_answer = pulumi.Output.from_input(_sdk.first_answer(component))
        return self._first_answer.apply(lambda _: resources)

    async def of(self, component: pulumi.Resource) -> Mapping[str, object]:
        """Returns the outputs that a component had; empty if it is new.

        It must be asked before anything that the component's next outputs depend on is made.
        """
        if not _sdk.runs_on_engine():
            return {}
        urn = str(await component.urn.future())
        return self._changed[urn] if urn in self._changed else await _sdk.engine_outputs(component)


async def _values(outputs: Mapping[str, object]) -> dict[str, object]:
    """Returns outputs as values; a hook gets those that hold a secret as outputs."""
    return {name: await pulumi.Output.from_input(value).future() for name, value in outputs.items()}
