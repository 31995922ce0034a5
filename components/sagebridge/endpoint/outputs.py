"""Checks arguments that are outputs as soon as they are known, before the call to AWS that would use them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeVar, cast

import pulumi

from sagebridge import _sdk
from sagebridge.endpoint.schema import is_output
from sagebridge.redaction import Concealed, concealed, texts

Path = tuple[str | int, ...]
Args = TypeVar("Args")
Value = TypeVar("Value")


def checked(args: Args, check: Callable[[Args], None]) -> Args:
    """Returns the arguments with each output held back until the check has passed with the values of all.

    In a preview each is checked alone, with what is plain: one that is not known yet must not make all others unknown,
    which would look like changes. The check gets secrets concealed (``redaction.py``).

    Args:
        args: A mapping of plain values and outputs, at any depth.
        check: Raises if the arguments are wrong; passes outputs over.
    """
    outputs = dict(_outputs(args, ()))
    if not outputs:
        return args

    async def check_all() -> object:
        check(_with(args, {path: await _resolved(output) for path, output in outputs.items()}))
        return None

    async def check_alone(path: Path, value: object) -> object:
        check(_with(args, {path: await _resolved(outputs[path])}))
        return with_integers(value)

    if pulumi.runtime.is_dry_run():
        held = {path: _then(output, check_alone, path) for path, output in outputs.items()}
    else:
        # It says nothing of the values: beside a secret one, what is none must not become one.
        passed: pulumi.Output[object] = pulumi.Output.all(*outputs.values()).apply(lambda _: check_all())
        passed = pulumi.Output.unsecret(passed)
        held = {path: pulumi.Output.all(output, passed).apply(_first) for path, output in outputs.items()}
    return _with(args, held)


async def resolved(value: pulumi.Input[Value]) -> Value | None:
    """Returns the value of an input, concealed if it comes from a secret; None if it is not known."""
    return cast("Value | None", await _resolved(pulumi.Output.from_input(value)))


async def _resolved(output: pulumi.Output[object]) -> object:
    value = with_integers(await output.future())
    return concealed(value) if await output.is_secret() else value


async def known(args: Args) -> Args:
    """Returns the arguments with what their outputs are, concealed if secret; what is not known stays an output."""
    values = {path: (output, await _resolved(output)) for path, output in _outputs(args, ())}
    return _with(args, {path: output if value is None else value for path, (output, value) in values.items()})


async def secret_texts(args: object) -> list[str]:
    """Returns the texts in the arguments that come from secrets, which must not be shown where AWS tells them."""
    values = [await _resolved(output) for _, output in _outputs(args, ())]
    return [text for value in values if isinstance(value, Concealed) for text in texts(value)]


def with_integers(args: Args) -> Args:
    """Returns the arguments with each whole number as an integer.

    The engine has floats only, so `2` comes as `2.0` from a StackReference. A float from 2^53 on may have been rounded,
    and stays as it is.
    """
    return cast("Args", _with_integers(args))


def without_none(args: Args) -> Args:
    """Returns the arguments without fields that are None, which is how Pulumi says "not set"."""
    return cast("Args", _without_none(args))


def with_secret_tokens(args: Args) -> Args:
    """Returns the arguments with each token of a model on the Hugging Face Hub as a secret."""
    return cast("Args", _with_secret_tokens(args))


def has_outputs(value: object) -> bool:
    """Tells whether a value is an output, or has one in it at any depth."""
    return next(_outputs(value, ()), None) is not None


def _with_integers(value: object) -> object:
    if isinstance(value, float) and value.is_integer() and abs(value) < _sdk.MOST_EXACT:
        return int(value)
    if isinstance(value, Mapping):
        return {key: _with_integers(inner) for key, inner in value.items()}
    return [_with_integers(inner) for inner in value] if isinstance(value, list | tuple) else value


def _with_secret_tokens(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_with_secret_tokens(inner) for inner in value]
    if not isinstance(value, Mapping):
        return value
    inner = {key: _with_secret_tokens(inner) for key, inner in value.items()}
    model = inner.get("hugging_face_model")
    if isinstance(model, Mapping) and model.get("token") is not None:
        inner["hugging_face_model"] = {**model, "token": pulumi.Output.secret(model["token"])}
    return inner


def _without_none(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, list | tuple) else value


def _then(
    output: pulumi.Output[object], check: Callable[[Path, object], Awaitable[object]], path: Path
) -> pulumi.Output[object]:
    return output.apply(lambda value: check(path, value))


def _first(values: Sequence[object]) -> object:
    return with_integers(values[0])


def _outputs(value: object, path: Path) -> Iterator[tuple[Path, pulumi.Output[object]]]:
    """Finds the outputs at any depth, each with its path."""
    if is_output(value):
        yield path, pulumi.Output.from_input(value)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _outputs(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _outputs(inner, (*path, place))


def _with(args: Args, values: Mapping[Path, object]) -> Args:
    """Returns a copy of the arguments with other values at some paths."""
    return cast("Args", _replaced(args, values, ()))


def _replaced(value: object, values: Mapping[Path, object], path: Path) -> object:
    if path in values:
        return values[path]
    if isinstance(value, Mapping):
        return {key: _replaced(inner, values, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(inner, values, (*path, place)) for place, inner in enumerate(value)]
    return value
