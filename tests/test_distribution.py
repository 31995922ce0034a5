"""What is installed: the package's metadata, and the locked requirements of this checkout."""

import re

from tests.test_docs import ROOT


def test_the_package_carries_the_licence_of_the_repository() -> None:
    assert (ROOT / "components" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_every_requirement_is_pinned_with_hashes() -> None:
    """Pip refuses a file in which one requirement has no hash, and `pulumi install` uses pip."""
    lines = (ROOT / "requirements.txt").read_text().replace("\\\n", "").splitlines()
    requirements = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert len(requirements) > 50
    pinned = re.compile(r"[\w.-]+(\[[\w,-]+\])?==\S+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+")
    assert [line for line in requirements if not pinned.fullmatch(line.rstrip())] == []
