"""What the command line asks of a draft, beside the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from rnnexp.errors import CommandError, nearest

__all__ = ["TASKS", "Asked", "refuse_task"]

TASKS = ("many_to_one", "one_to_many", "many_to_many")


@dataclass(frozen=True)
class Asked:
    """The options of `rnnexp init`; None and empty where the draft chooses.

    target: a column or key to predict, or the file of the other side of parallel text. inputs:
    columns or keys to read. value: the columns of a time series that are forecast.
    """

    task: str | None = None
    target: str | None = None
    inputs: tuple[str, ...] = ()
    value: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in TASKS:
            raise CommandError(
                "no such task",
                code="CMD104",
                key="--task",
                value=self.task,
                allowed=", ".join(TASKS),
                suggestion=nearest(self.task, TASKS),
            )

    def check_known(self, names: Sequence[str]) -> None:
        """Raises CommandError where an option names a column or key that is not there."""
        asked = {"--value": self.value, "--inputs": self.inputs}
        asked["--target"] = (self.target,) if self.target else ()
        for option, wanted in asked.items():
            for name in wanted:
                if name not in names:
                    raise CommandError(
                        "there is no such column or key",
                        code="CMD132",
                        key=option,
                        value=name,
                        allowed=", ".join(names[:20]) + (", ..." if len(names) > 20 else ""),
                        suggestion=nearest(name, names),
                    )

    def refuse_but(self, what: str, options: Iterable[str] = ("task",)) -> None:
        """Raises CommandError where an option is given that means nothing for `what`."""
        for option in ("target", "inputs", "value"):
            given = getattr(self, option)
            if given and option not in options:
                shown = given if isinstance(given, str) else ",".join(given)
                message = f"has no meaning for {what}"
                raise CommandError(message, code="CMD133", key=f"--{option}", value=shown)

    def check_task(self, what: str, possible: Sequence[str]) -> None:
        """Raises CommandError where another task is asked for than `what` can serve."""
        if self.task is not None and self.task not in possible:
            refuse_task(self.task, what, possible)


def refuse_task(task: str, what: str, possible: Sequence[str]) -> NoReturn:
    raise CommandError(
        f"{what} cannot serve this task",
        code="CMD133",
        key="--task",
        value=task,
        allowed=", ".join(possible),
    )
