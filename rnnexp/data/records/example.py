"""One example of a file: its input and its target as they were read, and where they stand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from rnnexp.errors import Position

__all__ = ["Example", "digest"]


@dataclass(frozen=True)
class Example:
    """An input and a target as JSON has them: a number, text, true or false, or lists of those.

    Or as arrays, numbers (T, F) or ids (T,), that were checked as a whole. line: where it stands
    in `file`, from 1.
    """

    file: str
    line: int
    inputs: Any
    target: Any

    @property
    def position(self) -> Position:
        return Position(self.file, self.line)

    @property
    def place(self) -> str:
        """Where it stands in its file, in words."""
        return f"line {self.line}"

    def fingerprint(self) -> bytes:
        """Equal for equal input and target, whatever the line looks like."""
        return digest(self.inputs, self.target)


def digest(*values: Any) -> bytes:
    """Equal for equal values, arrays among them."""
    found = hashlib.blake2b(digest_size=16)
    for value in values:
        array = isinstance(value, np.ndarray)
        found.update(f"{value.shape} ".encode() if array else f"{value!r} ".encode())
        found.update(np.ascontiguousarray(value).data if array else b"")
    return found.digest()
