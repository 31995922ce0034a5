"""The text to paste is Python, and has no secret."""

import pytest

from sagebridge.bridge.adopt.declare import call
from sagebridge.bridge.adopt.discover import find_endpoints
from sagebridge.bridge.adopt.program import write_program
from sagebridge.bridge.secret import Secret
from sagebridge.bridge.stack.mapping import ProviderMapping
from tests.bridge.adopt.resources import CONTAINER, ENVIRONMENT, configuration, endpoint, model, state

pytestmark = pytest.mark.engine  # the mapping is the plugin's own


def test_the_text_is_python_and_has_no_secret(provider_mapping: ProviderMapping) -> None:
    values = {**ENVIRONMENT, "TOKEN": Secret("s3cr3t"), "ODD": "a\"b'c\n${x} ü\\"}
    container = [CONTAINER | {"environment": values}]
    (adopted,) = find_endpoints(state(endpoint(), configuration(), model(primary_container=container)))
    program = write_program([call(adopted, provider_mapping)])
    compile(program.text, "endpoints.py", "exec")
    assert "s3cr3t" not in program.text
    assert program.secrets == {"e-environment-TOKEN": "s3cr3t"}
    assert repr(values["ODD"]) in program.text
