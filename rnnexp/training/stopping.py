"""The monitored metric: it chooses the best checkpoint, stops early and moves `plateau`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rnnexp.errors import ConfigError

__all__ = ["Monitor"]


@dataclass
class Monitor:
    """Follows one validation metric from epoch to epoch.

    patience: epochs without improvement before `exhausted`; None waits for ever.
    """

    name: str
    mode: str
    min_delta: float = 0.0
    patience: int | None = None
    best: float | None = None
    latest: float | None = None
    waited: int = 0

    def improved(self, metrics: Mapping[str, float]) -> bool:
        """Whether this epoch's metric is better than the best so far by more than `min_delta`.

        Raises:
            ConfigError: the task has no metric of that name.
        """
        if self.name not in metrics:
            known = ", ".join(sorted(metrics))
            raise ConfigError(
                f"training.monitor: this task has no metric {self.name!r}",
                code="CFG210",
                key="training.monitor",
                value=self.name,
                allowed=known,
            )
        value = self.latest = metrics[self.name]
        gain = math.inf if self.best is None else self.best - value
        if self.mode == "max" and self.best is not None:
            gain = -gain
        if gain > self.min_delta:
            self.best, self.waited = value, 0
            return True
        self.waited += 1
        return False

    @property
    def exhausted(self) -> bool:
        return self.patience is not None and self.waited >= self.patience

    def state(self) -> dict[str, float | int | None]:
        """What a checkpoint needs to go on."""
        return {"best": self.best, "waited": self.waited}
