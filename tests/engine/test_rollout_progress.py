"""What a person sees of a rollout while it goes on, in a terminal, in a log, and in the Automation API."""

import subprocess
from pathlib import Path

import pytest

from sagebridge.local import control
from tests.conftest import HELD_SECONDS, Aws
from tests.local.account import until
from tests.stacks import Declared, Stack

pytestmark = pytest.mark.engine
