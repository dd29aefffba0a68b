"""One finding of the checks across fields, and the registry of those checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.value_hints import yaml_scalar
from rnnexp.errors import Problem

__all__ = ["CHECKS", "CONTRADICTION", "NO_EFFECT", "Finding", "checked", "is_written", "value_of"]

NO_EFFECT = "CFG201"
CONTRADICTION = "CFG202"


@dataclass(frozen=True)
class Finding:
    """Keys that do not go together.

    code: NO_EFFECT, where `key` could be left out without any change, or CONTRADICTION.
    key: the dotted key at fault; because: the keys that make it so, named with their lines.
    """

    code: str
    key: str
    message: str
    because: tuple[str, ...] = ()
    hint: str | None = None
    allowed: str | None = None
    suggestion: str | None = None

    def problem(self, config: Config) -> Problem:
        reasons = [_reason(config, key) for key in self.because]
        written = [key for key in (self.key, *self.because) if is_written(config, key)]
        return Problem(
            self.code,
            "; ".join([self.message, *reasons]),
            config.where(written[0] if written else self.key),
            key=self.key,
            value=_shown(value_of(config, self.key)),
            allowed=self.allowed,
            suggestion=self.suggestion,
            hint=self.hint,
        )


Check = Callable[[Config], Iterator[Finding]]

CHECKS: list[Check] = []
"""every check across fields, in the order of the modules that register them"""


def checked(check: Check) -> Check:
    """Register a check."""
    CHECKS.append(check)
    return check


def is_written(config: Config, key: str) -> bool:
    """Whether the user wrote the key, in a file or on the command line."""
    return tuple(key.split(".")) in config.positions


def value_of(config: Config, key: str) -> Any:
    """The value of a dotted key; None where the config has no such section."""
    value: Any = config.experiment
    for part in key.split("."):
        value = getattr(value, part, None)
    return value


def _reason(config: Config, key: str) -> str:
    shown = _shown(value_of(config, key))
    if not is_written(config, key):
        return f"{key} is not set" if shown is None else f"{key} is {_words(shown)} by default"
    return f"{key} is {'set' if shown is None else _words(shown)} on {_place(config, key)}"


def _place(config: Config, key: str) -> str:
    position = config.where(key)
    if position.line is None:
        return f"the {position.file}"
    here = position.file == str(config.path)
    return f"line {position.line}" + ("" if here else f" of {position.file}")


def _shown(value: Any) -> Any:
    """A scalar or a list as YAML has it; sections and what is not there are not shown."""
    if isinstance(value, tuple):
        return list(value)
    return value if isinstance(value, str | int | float) else None


def _words(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(yaml_scalar, value))}]"
    return yaml_scalar(value)
