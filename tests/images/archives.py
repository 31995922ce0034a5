"""Archives of models, as people pack them."""

import io
import tarfile
from collections.abc import Mapping

HANDLER = "def model_fn(model_dir):\n    return None\n"


def packed(files: Mapping[str, str | bytes], *, level: int = 9) -> bytes:
    """Returns a .tar.gz of files, in their order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=level) as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
