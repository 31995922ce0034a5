"""An endpoint as there is one, in pulumi-aws's arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sagebridge.guards.lookup import GENERATION_TAG
from sagebridge.guards.retained import ADOPTED

Arguments = Mapping[str, object]
"""pulumi-aws's arguments of a resource or a block, or the component's."""
Reveal = Callable[[object], object]


def plain(value: object) -> object:
    """Returns a value as it is: the :data:`Reveal` of values that are never wrapped."""
    return value


@dataclass(frozen=True)
class Existing:
    """An endpoint as there is one."""

    endpoint: Arguments
    configuration: Arguments
    configuration_name: str
    models: Mapping[str, Arguments]
    """By name in AWS."""
    reveal: Reveal = plain
    """Unwraps secrets, at any depth: a decision may hang on one, and the arguments keep it as it came."""

    @property
    def variants(self) -> list[Arguments]:
        """Production and shadow variants."""
        return [
            *blocks(self.configuration, "production_variants"),
            *blocks(self.configuration, "shadow_production_variants"),
        ]

    @property
    def model_names(self) -> dict[str, str]:
        """The name in AWS of the model that each variant runs, by the variant's name."""
        return {
            str(self.reveal(variant["variant_name"])): str(self.reveal(variant["model_name"]))
            for variant in self.variants
        }

    @property
    def shared_models(self) -> list[str]:
        """The models that several variants run, the one with most of them first. Of these a component can have one."""
        runs = [*self.model_names.values()]
        return sorted({name for name in runs if runs.count(name) > 1}, key=lambda name: (-runs.count(name), name))

    @property
    def generation_tag(self) -> str | None:
        """The generation that the configuration says it was made for, if it does; see ``guards/retained.py``."""
        tag = block(self.configuration, "tags").get(GENERATION_TAG)
        return None if tag is None else str(self.reveal(tag))

    @property
    def generation(self) -> str:
        """The ID of the generation that the configuration is of."""
        return self.generation_tag or f"{ADOPTED}{self.configuration_name}"


def block(arguments: Arguments, name: str) -> Arguments:
    """Returns a block of arguments; an empty one if it is not set."""
    value = arguments.get(name)
    return value if isinstance(value, Mapping) else {}


def blocks(arguments: Arguments, name: str) -> list[Arguments]:
    """Returns a list of blocks; an empty one if it is not set."""
    value = arguments.get(name)
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list | tuple) else []
