"""Who watches a training: a terminal, a log, a test. Training knows nothing else of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Observer", "Pruned", "Silent"]


class Pruned(BaseException):
    """Raised by an observer in `logged`: others do better, the run need not go on."""


class Observer(Protocol):
    """What a training tells as it goes."""

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        """The run folder exists and the first update is next."""

    def logged(self, record: Mapping[str, Any]) -> None:
        """A line was written to metrics.jsonl."""

    def stepped(self, step: int, loss: float) -> None:
        """An update was made; called for every one, so it must be quick."""

    def noted(self, text: str) -> None:
        """One line for people."""

    def finished(self, summary: Mapping[str, Any]) -> None:
        """The summary was written."""


class Silent:
    """Watches and says nothing."""

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        pass

    def logged(self, record: Mapping[str, Any]) -> None:
        pass

    def stepped(self, step: int, loss: float) -> None:
        pass

    def noted(self, text: str) -> None:
        pass

    def finished(self, summary: Mapping[str, Any]) -> None:
        pass
