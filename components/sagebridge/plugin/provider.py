"""Declares the component for a program in any language, which asks for it through the engine."""

import sys
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.analyzer import ComponentDefinition, PropertyDefinition, PropertyType
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from sagebridge import SageMakerEndpoint, __version__
from sagebridge.plugin.schema import no_garbage_collected, readable


class Plugin(ComponentProvider):
    """Serves the component, with a schema that is inferred from the types of its arguments.

    Pulumi's ``component_provider_host`` serves Pulumi's own class, which loses the properties of an error, and drops
    what is misspelt or an output where it should be plain (pulumi 3.246).
    """

    def __init__(self) -> None:
        with no_garbage_collected():  # docstrings are parsed
            super().__init__([SageMakerEndpoint], "sagebridge", version=__version__)
            self.schema = readable(str(self.schema), self.analyzer.get_docstring)

    def construct(
        self, name: str, resource_type: str, inputs: pulumi.Inputs, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Declares the component.

        Raises:
            pulumi.InputPropertiesError: AWS would refuse the arguments.
        """
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            raise error.inner from None  # it names the properties

    def map_inputs(self, inputs: pulumi.Inputs, component_def: ComponentDefinition) -> dict[str, Any]:
        """Returns the arguments by their names in Python; what they are is the component's to check."""
        return self._fields(inputs, component_def.inputs, component_def.inputs_mapping)

    def _fields(
        self, values: Mapping[str, Any], definitions: Mapping[str, PropertyDefinition], names: Mapping[str, str]
    ) -> dict[str, Any]:
        return {
            names.get(key, key): self._value(value, definitions[key]) if key in definitions else value
            for key, value in values.items()
        }

    def _value(self, value: Any, definition: PropertyDefinition) -> Any:  # noqa: ANN401 - any argument
        if isinstance(value, list) and definition.items:
            return [self._value(inner, definition.items) for inner in value]
        if isinstance(value, Mapping) and definition.additional_properties:
            return {key: self._value(inner, definition.additional_properties) for key, inner in value.items()}
        if isinstance(value, float) and value.is_integer() and definition.type is PropertyType.INTEGER:
            return int(value)  # each number is a float on its way through the engine
        kind = self.get_type_definition(definition) if definition.ref else None
        if isinstance(value, Mapping) and kind:
            return self._fields(value, kind.properties, kind.properties_mapping)
        return value


def serve() -> None:
    """Serves the plugin to the engine, whose address is an argument of the command."""
    main(Plugin(), sys.argv[1:])
