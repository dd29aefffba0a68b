"""Which name did the writer mean?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = [
    "BusyError",
    "CheckFailedError",
    "CheckpointError",
    "CommandError",
    "ConfigError",
    "DataError",
    "DivergedError",
    "EnvironmentMissingError",
    "InterruptedRunError",
    "MemoryExceededError",
    "Position",
    "Problem",
    "RnnexpError",
    "StorageError",
    "TrialsFailedError",
    "UnsafeError",
    "nearest",
    "snake_case",
]


# Everything that can go wrong, as one tree; each class carries the exit code of the process.
#
# RnnexpError                1   a bug in rnnexp, when nothing below fits
# |-- CommandError           2   the command line: unknown command, bad override, no such config
# |-- ConfigError            3   the config: every problem of the file at once
# |-- DataError              4   the data, or data and config that do not fit each other
# |-- CheckpointError        5   a checkpoint or the state of a run
# |-- StorageError           6   disk full, read-only, I/O error
# |-- BusyError              7   another process owns the run
# |-- DivergedError          8   a loss, gradient or weight that is not finite
# |-- MemoryExceededError    9   not enough memory
# |-- UnsafeError           10   input refused because it could do harm
# |-- TrialsFailedError     11   a sweep that ended with failed trials
# |-- EnvironmentMissingError 12 no such device, or a missing extra
# |-- CheckFailedError      13   a check whose answer is no
# `-- InterruptedRunError  130   stopped by a signal, checkpoint saved (129 SIGHUP, 143 SIGTERM)


@dataclass(frozen=True)
class Position:
    """A place in a file the user wrote; line and column count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = (self.file, self.line, self.column)
        return ":".join(str(part) for part in parts if part is not None)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it stands, what is allowed there, and a way out.

    `code` is stable and machine-readable (`CFG102`); `message` is one sentence for a person.
    `value` is the offending value as the user wrote it, or None where there is none.
    `exit` overrides the exit code of the error that carries this problem.
    """

    code: str
    message: str
    position: Position | None = None
    key: str | None = None
    value: Any = None
    allowed: str | None = None
    suggestion: str | None = None
    hint: str | None = None
    exit: int | None = None


class RnnexpError(Exception):
    """Base of every error that rnnexp raises on purpose."""

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "RNN001"

    def __init__(self, problems: str | Problem | Iterable[Problem], **fields: Any) -> None:
        if isinstance(problems, str):
            problems = Problem(code=fields.pop("code", self.code), message=problems, **fields)
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        super().__init__("; ".join(problem.message for problem in self.problems))

    @property
    def exit(self) -> int:
        """The exit code of the process that this error ends."""
        codes = {problem.exit or self.exit_code for problem in self.problems}
        return self.exit_code if self.exit_code in codes or not codes else min(codes)


class CommandError(RnnexpError):
    exit_code, code = 2, "CMD001"


class ConfigError(RnnexpError):
    exit_code, code = 3, "CFG001"


class DataError(RnnexpError):
    exit_code, code = 4, "DAT001"


class CheckpointError(RnnexpError):
    exit_code, code = 5, "CKP001"


class StorageError(RnnexpError):
    exit_code, code = 6, "STO001"


class BusyError(RnnexpError):
    exit_code, code = 7, "BSY001"


class DivergedError(RnnexpError):
    exit_code, code = 8, "DIV001"


class MemoryExceededError(RnnexpError):
    exit_code, code = 9, "MEM001"


class UnsafeError(RnnexpError):
    exit_code, code = 10, "SAF001"


class TrialsFailedError(RnnexpError):
    exit_code, code = 11, "SWP001"


class EnvironmentMissingError(RnnexpError):
    exit_code, code = 12, "ENV001"


class CheckFailedError(RnnexpError):
    exit_code, code = 13, "CHK001"


class InterruptedRunError(RnnexpError):
    exit_code, code = 130, "INT001"

    def __init__(
        self,
        message: str,
        signal_number: int,
        hint: str = "rnnexp resume latest goes on from there",
    ) -> None:
        exit_code = 128 + signal_number
        super().__init__(Problem(code=self.code, message=message, hint=hint, exit=exit_code))


# Which name did the writer mean?


def snake_case(name: str) -> str:
    """`hiddenSizes`, `hidden-sizes` and `Hidden Sizes` -> `hidden_sizes`."""
    return re.sub(r"[\s.-]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()


def nearest(name: str, names: Iterable[str], likeness: float = 0.6) -> str | None:
    """The one of `names` that is most like `name`, or None where none is like it.

    likeness: the least that counts, from 0 (any name) to 1 (the same name).
    """
    if len(name) > 100:
        return None
    spelled = {snake_case(known): known for known in names}
    found = difflib.get_close_matches(snake_case(name), spelled, n=1, cutoff=likeness)
    return spelled[found[0]] if found else None
