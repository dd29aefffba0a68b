"""One example of a file: its input and its target as they were read, and where they stand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from rnnexp.errors import Position

__all__ = ["Example"]


@dataclass(frozen=True)
class Example:
    """An input and a target as JSON has them: a number, text, true or false, or lists of those.

    line: where it stands in `file`, from 1.
    """

    file: str
    line: int
    inputs: Any
    target: Any

    @property
    def position(self) -> Position:
        return Position(self.file, self.line)

    def fingerprint(self) -> bytes:
        """Equal for equal input and target, whatever the line looks like."""
        return hashlib.blake2b(repr((self.inputs, self.target)).encode(), digest_size=16).digest()
