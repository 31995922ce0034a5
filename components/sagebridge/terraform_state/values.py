"""Gives the values of outputs back what they lose on their way through the engine.

There each number is a float, and a member of an object that is null is left out.
"""

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import pulumi

from sagebridge import _sdk


class TooLargeError(Exception):
    """Says where a whole number is that a float cannot hold exactly."""


class Outputs(dict[str, Any]):
    """The outputs of a state by name; a dictionary, as Pulumi takes no other mapping for one.

    It has no value of an output that was rounded, and refuses it when it is asked for: no program needs every output of
    a state.
    """

    def __init__(
        self, location: str, arrived: Mapping[str, Any], written: Mapping[str, Any], secret_names: Collection[str]
    ) -> None:
        """Takes the values as they came through the engine.

        Args:
            location: Where the state is, for messages.
            arrived: The values through the engine.
            written: The values in the state's text, as far as it is known.
            secret_names: The outputs that are secrets.
        """
        super().__init__({name: None for name, value in written.items() if value is None})
        self._location = location
        self._too_large: dict[str, str] = {}
        for name, value in arrived.items():
            try:
                restored = exact(value, written.get(name), name)
                self[name] = pulumi.Output.secret(restored) if name in secret_names else restored
            except TooLargeError as error:
                self._too_large[name] = str(error)

    def __missing__(self, name: str) -> NoReturn:
        if name in self._too_large:
            raise pulumi.RunError(
                f"The output {name!r} of the Terraform state {self._location} has a whole number beyond 2^53 "
                f"({self._too_large[name]}), which Pulumi would round. Make it text in Terraform: tostring(…)"
            )
        names = ", ".join(sorted(self)) or "none"
        raise pulumi.RunError(f"The Terraform state {self._location} has no output {name!r} (it has: {names})")

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - of any type
        """Returns an output, or the default if there is no output of that name."""
        return self[name] if name in self._too_large else super().get(name, default)


def exact(arrived: Any, written: Any, path: str) -> Any:  # noqa: ANN401 - JSON's types
    """Returns a value as Terraform has it.

    Args:
        arrived: The value as it came through the engine.
        written: The value in the state's text; None if it is not known.
        path: The output's name, and where the value is in it, for the error.

    Raises:
        TooLargeError: A whole number in it may have been rounded.
    """
    if isinstance(arrived, float) and arrived.is_integer():
        if abs(arrived) > _sdk.MOST_EXACT or (abs(arrived) == _sdk.MOST_EXACT and written != arrived):
            raise TooLargeError(path)
        return int(arrived)
    if isinstance(arrived, list):
        items = written if isinstance(written, list) and len(written) == len(arrived) else [None] * len(arrived)
        pairs = zip(arrived, items, strict=True)
        return [exact(item, text, f"{path}[{number}]") for number, (item, text) in enumerate(pairs)]
    if isinstance(arrived, Mapping):
        members = written if isinstance(written, Mapping) else {}
        nulls = {name: None for name, value in members.items() if value is None}
        values = {name: exact(value, members.get(name), f"{path}.{name}") for name, value in arrived.items()}
        return {**nulls, **values}
    return arrived
