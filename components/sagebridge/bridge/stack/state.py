"""A Pulumi stack's exported state, typed.

The format is the engine's own: `apitype.UntypedDeployment` with `DeploymentV3` in it (pulumi/pulumi,
sdk/go/common/apitype/core.go); version 4 is version 3 with the features that it names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.bridge.errors import BridgeError

VERSIONS = (3, 4)
FEATURES = {"refreshBeforeUpdate", "views", "hooks", "taint", "replaceWith", "snippets-prototype"}
"""What Pulumi 3.246 may write into a version 4 (pkg/resource/stack/deployment.go); none of it is about AWS."""

STACK = "pulumi:pulumi:Stack"
PROVIDER = "pulumi:providers:"

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of one
_ASSETS = {"c44067f5952c0a294b673a41bacd8c17": "asset", "0def7320c3a5731c473e5ecbe6d01bc7": "archive"}
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@dataclass(frozen=True)
class Secret:
    """A secret value; what it holds is in no text of it.

    Attributes:
        value: the value in clear.
    """

    value: Any = field(repr=False)


@dataclass(frozen=True)
class Asset:
    """A file, or an archive of files, that a program gave by its path, text or URI.

    Attributes:
        kind: ``asset`` or ``archive``.
    """

    kind: str


@dataclass(frozen=True)
class Reference:
    """Another resource as a value.

    Attributes:
        urn: its URN.
    """

    urn: str


@dataclass(frozen=True)
class Resource:
    """A resource as the state has it; values are JSON's, with `Secret`, `Asset` and `Reference` where those stood.

    Attributes:
        urn: unique among those that are not marked for deletion.
        type: Pulumi's token, such as ``aws:sagemaker/model:Model``.
        name: the last part of the URN.
        custom: it is a provider's; a component is not.
        id: the provider's; empty for a component.
        inputs: what the program set and the provider's defaults, whose names are in ``__defaults``.
        outputs: all that the provider told.
        parent: its parent's URN, or none.
        provider: its provider's URN, or none.
        dependencies: URNs.
        property_dependencies: URNs by the input's name.
        ignore_changes: property paths.
        protect: Pulumi refuses to delete it.
        retain_on_delete: Pulumi forgets it where it would delete it.
        delete: it was replaced, and Pulumi has yet to delete it.
        external: Pulumi reads it and does not manage it.
        pending_replacement: it is deleted, and Pulumi has yet to make it anew.
        view: it is another resource's view, and nothing of its own.
        timeouts: seconds for create, update and delete, where the program set them.
    """

    urn: str
    type: str
    custom: bool = True
    id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parent: str | None = None
    provider: str | None = None
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignore_changes: tuple[str, ...] = ()
    protect: bool = False
    retain_on_delete: bool = False
    delete: bool = False
    external: bool = False
    pending_replacement: bool = False
    view: bool = False
    timeouts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that the program gave it."""
        return self.urn.split("::", 3)[-1]


@dataclass(frozen=True)
class Stack:
    """A stack's state.

    Attributes:
        name: the stack's; empty if it has no resources.
        project: its project's; empty if it has no resources.
        time: when the state was written, as it says; RFC 3339.
        version: Pulumi's that wrote it.
        resources: in the order of their making.
        outputs: the stack's.
        pending: operations that were begun and not ended, such as ``creating urn:…``.
    """

    name: str
    project: str
    time: str
    version: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]
    pending: tuple[str, ...] = ()


def read(text: str) -> Stack:
    """Read what `pulumi stack export --show-secrets` prints.

    Raises:
        BridgeError: It is no whole JSON, no stack's state, of another version than 3 and 4 or with features that are
            not known here, or its secrets are encrypted.
    """
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BridgeError("the stack's export is not whole JSON: export it again") from None
    try:
        return _stack(document)
    except _MalformedError as error:
        raise BridgeError(f"the stack's export is no Pulumi state: {error}; export it again") from None
    except RecursionError:
        raise BridgeError("the stack's export is nested too deeply to be a Pulumi state") from None


def settled(stack: Stack) -> Stack:
    """Return a stack that says what is in AWS.

    Raises:
        BridgeError: It has no resources, or operations that have not ended, as while an update has the stack locked.
    """
    if stack.pending:
        raise BridgeError(
            f"the stack {stack.name} has operations that were begun and have not ended: {', '.join(stack.pending)}."
            " If an update is under way, wait for its end; if one was broken off, `pulumi refresh`. Then try again"
        )
    if not stack.resources:
        raise BridgeError("the stack has no resources: `pulumi up` first")
    return stack


def reveal(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Return a value in clear: no `Secret` is left in it."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {name: reveal(item) for name, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def _no_constant(name: str) -> None:
    raise ValueError(name)


class _MalformedError(Exception):
    """Where something is of another type than the format has."""


def _stack(document: object) -> Stack:
    outer = _Reader(document, "the document")
    version = outer.get("version", int, 0)
    if version not in VERSIONS:
        raise BridgeError(
            f"the stack's export has version {version or 'none'}; versions 3 and 4 can be read:"
            " import it into a stack of a newer Pulumi, update, and export it again"
        )
    if unknown := sorted(set(outer.texts("features")) - FEATURES):
        raise BridgeError(f"the stack's export uses features that are not known here: {', '.join(unknown)}")
    inner = _Reader(outer.get("deployment", dict, None), "deployment")
    manifest = _Reader(inner.get("manifest", dict, {}), "deployment.manifest")
    resources = tuple(_resource(item, number) for number, item in enumerate(inner.get("resources", list, [])))
    root = next((resource for resource in resources if resource.type == STACK and not resource.delete), None)
    pending = [_Reader(item, "deployment.pending_operations") for item in inner.get("pending_operations", list, [])]
    urn = (resources[0].urn if resources else "").split("::")
    return Stack(
        name=urn[0].removeprefix("urn:pulumi:"),
        project=urn[1] if len(urn) > 1 else "",
        time=manifest.get("time", str, ""),
        version=manifest.get("version", str, ""),
        resources=resources,
        outputs=root.outputs if root else {},
        pending=tuple(
            f"{operation.get('type', str, 'changing')} "
            + _Reader(operation.get("resource", dict, None), "deployment.pending_operations.resource").get(
                "urn", str, None
            )
            for operation in pending
        ),
    )


def _resource(item: object, number: int) -> Resource:
    found = _Reader(item, f"deployment.resources[{number}]")
    urn = found.get("urn", str, None)
    if urn.count("::") < 3:  # noqa: PLR2004 - stack, project, type, name
        raise _MalformedError(f"{found.where}.urn is no URN")
    dependencies = _Reader(found.get("propertyDependencies", dict, {}), f"{found.where}.propertyDependencies")
    provider = found.get("provider", str, "")
    return Resource(
        urn=urn,
        type=found.get("type", str, None),
        custom=found.get("custom", bool, False),
        id=found.get("id", str, ""),
        inputs=_values(found.get("inputs", dict, {}), f"the inputs of {urn}"),
        outputs=_values(found.get("outputs", dict, {}), f"the outputs of {urn}"),
        parent=found.get("parent", str, "") or None,
        provider=provider.rpartition("::")[0] or None,
        dependencies=tuple(found.texts("dependencies")),
        property_dependencies={name: tuple(dependencies.texts(name)) for name in dependencies.found},
        ignore_changes=tuple(found.texts("ignoreChanges")),
        protect=found.get("protect", bool, False),
        retain_on_delete=found.get("retainOnDelete", bool, False),
        delete=found.get("delete", bool, False),
        external=found.get("external", bool, False),
        pending_replacement=found.get("pendingReplacement", bool, False),
        view=bool(found.get("viewOf", str, "")),
        timeouts=found.get("customTimeouts", dict, {}),
    )


def _values(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    if not all(map(_is_unicode, values)):
        raise BridgeError(f"{where} hold a name that is no Unicode, which Terraform cannot have: set it anew")
    return {key: typed(value, where) for key, value in values.items()}


def typed(value: Any, where: str) -> Any:  # noqa: ANN401, PLR0911 - JSON's types, a return for each signature
    """Give a property value its type: signed objects become what they stand for.

    Raises:
        BridgeError: A secret is encrypted, a value is not known yet or of an unknown kind; ``where`` names it.
    """
    if isinstance(value, list):
        return [typed(item, where) for item in value]
    if value == _UNKNOWN:
        raise BridgeError(f"{where} are not known yet: run `pulumi up` or `pulumi refresh`, then try again")
    if isinstance(value, str) and not _is_unicode(value):
        raise BridgeError(f"{where} hold a text that is no Unicode, which Terraform cannot have: set it anew")
    if not isinstance(value, dict):
        return value
    signature = value.get(SIGNATURE)
    if signature is None:
        return _values(value, where)
    if signature == SECRET:
        return _secret(value, where)
    if signature in _ASSETS:
        return Asset(_ASSETS[signature])
    if signature == _REFERENCE and isinstance(value.get("urn"), str):
        return Reference(value["urn"])
    if signature == _OUTPUT and "value" in value:
        inner = typed(value["value"], where)
        return Secret(inner) if value.get("secret") and not isinstance(inner, Secret) else inner
    raise BridgeError(f"{where} hold a kind of value that is not known here (signature {str(signature)[:40]})")


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


def _secret(value: Mapping[str, Any], where: str) -> Secret:
    plain = value.get("plaintext")
    if not isinstance(plain, str):
        raise BridgeError(
            f"{where} hold a secret that is encrypted: the stack was exported without its secrets."
            " Export it with --show-secrets, with the passphrase or key that the stack has"
        )
    try:
        inner = typed(json.loads(plain), where)
    except ValueError:
        raise BridgeError(f"{where} hold a secret that cannot be read: export the stack again") from None
    return inner if isinstance(inner, Secret) else Secret(inner)


@dataclass(frozen=True)
class _Reader:
    """An object of the format, whose members have the types that are asked for."""

    value: object
    where: str

    @property
    def found(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise _MalformedError(f"{self.where} is no object")
        return self.value

    def get(self, name: str, kind: type, default: Any) -> Any:  # noqa: ANN401 - of the kind that is asked for
        """Return a member; ``None`` as default means that there must be one."""
        value = self.found.get(name)
        value = default if value is None else value
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _MalformedError(f"{self.where}.{name} is {'missing' if value is None else f'no {kind.__name__}'}")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; none is an empty one."""
        values: list[str] = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values):
            raise _MalformedError(f"{self.where}.{name} is no list of texts")
        return values
