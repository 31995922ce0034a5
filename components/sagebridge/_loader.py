"""Reads botocore's files for the clients of AWS."""

from collections.abc import Mapping
from typing import Any

from botocore.loaders import Loader

from sagebridge import _models


class _Loader(Loader):
    """Reads each file once; models, rule sets and endpoints as :mod:`_models` does."""

    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Mapping[str, Any]:
        if type_name == _models.MODEL and api_version is None:
            return _models.service_model(service_name)
        if type_name == _models.RULE_SET and api_version is None:
            return _models.rule_set(service_name)
        model: Mapping[str, Any] = super().load_service_model(service_name, type_name, api_version)
        return model

    def load_data_with_path(self, name: str) -> tuple[dict[str, Any], str]:
        if name == "endpoints":
            return _models.endpoints(), str(_models.DATA / name)
        data: tuple[dict[str, Any], str] = super().load_data_with_path(name)
        return data


LOADER = _Loader()
"""The loader that all clients share."""
