"""How far off free-running forecasts are: quantiles of their residuals on the validation part.

Shape letters: N starts, H steps ahead, F columns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.data.dataset import Dataset, Floats
from rnnexp.inference.exposure import forecast_from, starts_in
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.recording.text_files import read_json

__all__ = ["Intervals", "intervals_of"]

LEVEL = 0.9
"""share of the residuals between the low and the high quantile"""
MOST_STEPS = 48
LEAST_RESIDUALS = 20
FILE = "intervals.json"


def intervals_of(config: Config, network: AnyNetwork, dataset: Dataset) -> dict[str, Any] | None:
    """What `intervals.json` holds: the quantiles (H, F) of truth minus forecast, scaled.

    Scaled, so that they grow with the level of a series whose logarithm is read. H is 48, or as far
    ahead as 20 residuals reach; None where no series is forecast, or the part is shorter.
    """
    starts = starts_in(config, dataset, "val", MOST_STEPS, LEAST_RESIDUALS, whole=False)
    if starts is None:
        return None
    free = forecast_from(config, network, starts, forced=False)
    residuals = starts.truth.astype(np.float64) - free
    low, high = np.nanquantile(residuals, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return {
        "level": LEVEL,
        "split": "val",
        "residuals": np.isfinite(residuals[:, :, 0]).sum(axis=1).tolist(),
        "scaled": True,
        "low": low.tolist(),
        "high": high.tolist(),
    }


class Intervals:
    """The residual quantiles that a run has stored."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.low, self.high = np.array(record["low"]), np.array(record["high"])
        self.level, self.residuals = record["level"], record["residuals"]

    @classmethod
    def of(cls, run: Path) -> Intervals | None:
        """Those of a run; None where its validation part was too short for any."""
        record = read_json(run / FILE)
        return None if record is None else cls(record)

    def around(self, forecast_F: Floats, step: int) -> tuple[NDArray[np.float64], ...] | None:
        """Low and high (F,), scaled, of a forecast `step` steps ahead; None where none are kept."""
        if step > len(self.residuals):
            return None
        return forecast_F + self.low[step - 1], forecast_F + self.high[step - 1]

    def to_json(self) -> dict[str, Any]:
        """Where the interval comes from, and what it means in a sentence."""
        counts = f"{self.residuals[0]:,} at 1 step to {self.residuals[-1]:,} at"
        meaning = (
            f"low..high holds {self.level:.0%} of the errors of free-running forecasts on the"
            f" validation part ({counts} {len(self.residuals)} steps ahead), laid around this one"
        )
        return {
            "level": self.level,
            "split": "val",
            "residuals": self.residuals,
            "meaning": meaning,
        }
