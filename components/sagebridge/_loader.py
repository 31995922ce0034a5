"""Reads botocore's files for the clients of AWS."""

from collections.abc import Mapping
from typing import Any

from botocore.loaders import Loader

from sagebridge._models import service_model


class _Loader(Loader):
    """Reads each file once, and the models of services as :func:`service_model` does."""

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Mapping[str, Any]:
        if type_name == "service-2" and api_version is None:
            return service_model(service_name)
        model: Mapping[str, Any] = super().load_service_model(service_name, type_name, api_version)
        return model


LOADER = _Loader()
"""The loader that all clients share."""
