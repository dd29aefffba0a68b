"""The folder for what is fetched or made once and used again."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """`$RNNEXP_DATA`, or `rnnexp` in `$XDG_CACHE_HOME` or `~/.cache`; it need not exist."""
    if named := os.environ.get("RNNEXP_DATA"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rnnexp"
