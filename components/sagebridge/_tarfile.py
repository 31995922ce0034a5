"""Provides `tarfile`, whose extraction filters Python has only since 3.11.4 (Debian 12 ships 3.11.2)."""

import tarfile

if not hasattr(tarfile, "data_filter"):
    from backports import tarfile  # type: ignore[no-redef, import-not-found]

__all__ = ["tarfile"]
