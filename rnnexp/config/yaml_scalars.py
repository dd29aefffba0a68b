"""Plain scalars by the rules of YAML 1.2's core schema.

PyYAML follows YAML 1.1, where `1e-3` is text and `no` is false; both surprise in a config.
"""

from __future__ import annotations

import math
import re

__all__ = ["MAX_NUMBER_LENGTH", "LongNumberError", "Scalar", "resolve"]

Scalar = str | int | float | bool | None

MAX_NUMBER_LENGTH = 100
"""no setting needs a longer number, and `int()` of a very long one is slow or refused"""

_CONSTANTS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"([-+]?)(?:\.inf|\.Inf|\.INF)")


class LongNumberError(ValueError):
    """A number of more than `MAX_NUMBER_LENGTH` characters."""


def resolve(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar; raises LongNumberError."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not text.isascii() or text[0] not in "+-.0123456789":
        return text
    if infinity := _INFINITY.fullmatch(text):
        return -math.inf if infinity[1] == "-" else math.inf
    return _number(text)


def _number(text: str) -> Scalar:
    for pattern, convert in (
        (_INTEGER, int),
        (_OCTAL, lambda digits: int(digits, 8)),
        (_HEXADECIMAL, lambda digits: int(digits, 16)),
        (_FLOAT, float),
    ):
        if pattern.fullmatch(text):
            if len(text) > MAX_NUMBER_LENGTH:
                raise LongNumberError(f"a number of {len(text):,} characters")
            return convert(text)
    return text
