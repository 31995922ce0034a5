"""A Pulumi stack's exported state, typed.

The format is the engine's own: `apitype.UntypedDeployment` with `DeploymentV3` in it (pulumi/pulumi,
sdk/go/common/apitype/core.go); version 4 is version 3 with the features that it names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagebridge.bridge.documents import MalformedError, Reader
from sagebridge.bridge.secret import Secret, marked_like, reveal
from sagebridge.bridge.stack.values import typed_values
from sagebridge.errors import UserError

VERSIONS = (3, 4)
FEATURES = {"refreshBeforeUpdate", "views", "hooks", "taint", "replaceWith", "snippets-prototype"}
"""What Pulumi 3.246 may write into a version 4 (pkg/resource/stack/deployment.go); none of it is about AWS."""

STACK = "pulumi:pulumi:Stack"
"""The type of the resource that is the stack itself."""
PROVIDER = "pulumi:providers:"
"""What the types of providers begin with."""


@dataclass(frozen=True)
class StackResource:
    """A resource of a stack; its values are JSON's, or a `Secret`, `Asset` or `Reference`.

    What is secret among its inputs, its outputs or its `additionalSecretOutputs` is secret in both.
    """

    urn: str
    """The URN, which is unique among the resources that are not marked for deletion."""
    type: str
    """Pulumi's token, such as `aws:sagemaker/model:Model`."""
    custom: bool = True
    """Whether a provider makes it. It makes no component."""
    id: str = ""
    """The provider's ID; empty for a component."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What the program set and the provider's defaults, whose names are under `DEFAULTS`."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """All that the provider told."""
    parent: str | None = None
    """The parent's URN."""
    provider: str | None = None
    """The provider's URN."""
    dependencies: tuple[str, ...] = ()
    """URNs."""
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """URNs by the input's name."""
    ignore_changes: tuple[str, ...] = ()
    """Property paths."""
    protect: bool = False
    """Whether Pulumi refuses to delete it."""
    retain_on_delete: bool = False
    """Whether Pulumi forgets it where it would delete it."""
    delete: bool = False
    """Whether it was replaced, and Pulumi has yet to delete it."""
    external: bool = False
    """Whether Pulumi only reads it and does not manage it."""
    pending_replacement: bool = False
    """Whether it is deleted, and Pulumi has yet to make it anew."""
    view: bool = False
    """Whether it only shows a part of another resource."""
    timeouts: Mapping[str, Any] = field(default_factory=dict)
    """Seconds for create, update and delete, where the program set them."""

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.split("::", 3)[-1]


@dataclass(frozen=True)
class Stack:
    """A stack's state."""

    name: str
    """The stack's name; empty if it has no resources."""
    project: str
    """Its project's name; empty if it has no resources."""
    time: str
    """When the state was written, as it says; RFC 3339."""
    version: str
    """The version of the Pulumi that wrote it."""
    resources: tuple[StackResource, ...]
    """The resources, in the order in which they were made."""
    outputs: Mapping[str, Any]
    """The stack's outputs."""
    pending: tuple[str, ...] = ()
    """Operations that have begun and not ended, such as `creating urn:…`."""

    @property
    def written_at(self) -> datetime | None:
        """When the state was written, in UTC; `None` where it does not say so, as with Go's zero time."""
        try:
            written = datetime.fromisoformat(self.time).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        return None if written.year == 1 else written


def parse_stack(text: str) -> Stack:
    """Returns the stack that `pulumi stack export --show-secrets` prints.

    Raises:
        UserError: The text is not whole JSON, is no stack's state, is of another version than 3 and 4, has features
            that are not known here, or its secrets are encrypted.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise UserError("the stack's export is not whole JSON: export it again") from None
    try:
        return _stack(document)
    except MalformedError as error:
        raise UserError(f"the stack's export is not a Pulumi state: {error}; export it again") from None
    except RecursionError:
        raise UserError("the stack's export is nested too deeply to be a Pulumi state") from None


def check_settled(stack: Stack) -> None:
    """Checks that a stack says what is in AWS.

    Raises:
        UserError: It has no resources, or operations that have not ended, as while an update has the stack locked.
    """
    if stack.pending:
        raise UserError(
            f"the stack {stack.name} has operations that have begun and not ended: {', '.join(stack.pending)}."
            " If an update is running, wait for its end; if one was interrupted, run `pulumi refresh`. Then try again"
        )
    if not stack.resources:
        raise UserError("the stack has no resources: run `pulumi up` first")


def _refuse_constant(name: str) -> None:
    """Refuses NaN and the infinities, which JSON does not have."""
    raise ValueError(name)


def _stack(document: object) -> Stack:
    outer = Reader(document, "the document")
    version = outer.get("version", int, 0)
    if version not in VERSIONS:
        raise UserError(
            f"the stack's export has version {version or 'none'}, and only versions 3 and 4 can be read:"
            " import it into a stack of a newer Pulumi, update, and export it again"
        )
    if unknown := sorted(set(outer.texts("features")) - FEATURES):
        raise UserError(f"the stack's export uses unknown features: {', '.join(unknown)}")
    deployment = Reader(outer.get("deployment", dict, None), "deployment")
    manifest = deployment.inner("manifest")
    resources = tuple(map(_resource, deployment.items("resources")))
    root = next((resource for resource in resources if resource.type == STACK and not resource.delete), None)
    urn = (resources[0].urn if resources else "").split("::")
    return Stack(
        name=urn[0].removeprefix("urn:pulumi:"),
        project=urn[1] if len(urn) > 1 else "",
        time=manifest.get("time", str, ""),
        version=manifest.get("version", str, ""),
        resources=resources,
        outputs=root.outputs if root else {},
        pending=tuple(
            f"{operation.get('type', str, 'changing')} {operation.inner('resource').get('urn', str, None)}"
            for operation in deployment.items("pending_operations")
        ),
    )


def _resource(members: Reader) -> StackResource:
    urn = members.get("urn", str, None)
    if urn.count("::") < 3:  # noqa: PLR2004 - stack, project, type, name
        raise MalformedError(f"{members.path}.urn is no URN")
    dependencies = members.inner("propertyDependencies")
    secret_names = members.texts("additionalSecretOutputs")
    told = typed_values(members.get("outputs", dict, {}), f"the outputs of {urn}")
    outputs = {name: Secret(reveal(value)) if name in secret_names else value for name, value in told.items()}
    inputs = typed_values(members.get("inputs", dict, {}), f"the inputs of {urn}")
    return StackResource(
        urn=urn,
        type=members.get("type", str, None),
        custom=members.get("custom", bool, False),
        id=members.get("id", str, ""),
        inputs={
            name: Secret(reveal(value)) if name in secret_names else marked_like(value, outputs.get(name))
            for name, value in inputs.items()
        },
        outputs={name: marked_like(value, inputs.get(name)) for name, value in outputs.items()},
        parent=members.get("parent", str, "") or None,
        provider=members.get("provider", str, "").rpartition("::")[0] or None,
        dependencies=tuple(members.texts("dependencies")),
        property_dependencies={name: tuple(dependencies.texts(name)) for name in dependencies.members},
        ignore_changes=tuple(members.texts("ignoreChanges")),
        protect=members.get("protect", bool, False),
        retain_on_delete=members.get("retainOnDelete", bool, False),
        delete=members.get("delete", bool, False),
        external=members.get("external", bool, False),
        pending_replacement=members.get("pendingReplacement", bool, False),
        view=bool(members.get("viewOf", str, "")),
        timeouts=members.get("customTimeouts", dict, {}),
    )
