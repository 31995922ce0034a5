"""Values that are outputs: checked as soon as they are known, before the call to AWS that would use them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import pulumi

from sagebridge.endpoint.schema import is_late

Path = tuple[str | int, ...]
Args = TypeVar("Args")


def checked(args: Args, check: Callable[[Args], None]) -> Args:
    """Returns the arguments with each output held back until the check has passed with the values of all.

    In a preview each is checked alone, with what is plain: one that is not known yet must not make all others unknown,
    which would look like changes.

    Args:
        args: a mapping of plain values and outputs, at any depth.
        check: raises if the arguments are wrong; passes outputs over.
    """
    found = list(_outputs(args, ()))
    if not found:
        return args
    paths = [path for path, _ in found]

    def all_known(values: Sequence[object]) -> None:
        check(_replaced(args, dict(zip(paths, values, strict=True))))

    def one_known(path: Path) -> Callable[[object], object]:
        def check_one(value: object) -> object:
            check(_replaced(args, {path: value}))
            return value

        return check_one

    if pulumi.runtime.is_dry_run():
        held = {path: output.apply(one_known(path)) for path, output in found}
    else:
        # It says nothing of the values: beside a secret one, what is none must not become one.
        passed = pulumi.Output.unsecret(pulumi.Output.all(*(output for _, output in found)).apply(all_known))
        held = {path: pulumi.Output.all(output, passed).apply(_first) for path, output in found}
    return cast("Args", _replaced(args, held))


def _first(values: Sequence[object]) -> object:
    return values[0]


def _outputs(value: object, path: Path) -> Iterator[tuple[Path, pulumi.Output[Any]]]:
    if is_late(value):
        yield path, pulumi.Output.from_input(cast("pulumi.Input[Any]", value))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _outputs(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _outputs(inner, (*path, place))


def _replaced(value: Any, values: Mapping[Path, object], path: Path = ()) -> Any:  # noqa: ANN401 - any argument
    """Returns a copy with other values at some paths."""
    if path in values:
        return values[path]
    if isinstance(value, Mapping):
        return {key: _replaced(inner, values, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(inner, values, (*path, place)) for place, inner in enumerate(value)]
    return value
