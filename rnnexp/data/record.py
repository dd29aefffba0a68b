"""What `data.json` says about a data set."""

from __future__ import annotations

from typing import Any

from rnnexp.data.dataset import Dataset
from rnnexp.data.splits import SPLITS

__all__ = ["describe"]


def describe(dataset: Dataset) -> dict[str, Any]:
    """Sizes, encodings and scalers, and what the source itself has to say."""
    source = {"S": dataset.train.inputs.shape[1]} if dataset.shape == "delayed" else {}
    return {
        "source": dataset.source,
        "shape": dataset.shape,
        "splits": {name: len(dataset.split(name)) for name in SPLITS},
        "T": dataset.time_steps,
        **source,
        "inputs": dataset.inputs.to_json(),
        "outputs": dataset.outputs.to_json(),
        **_scale(dataset),
        **dataset.record,
    }


def _scale(dataset: Dataset) -> dict[str, Any]:
    """What the scaled error of a forecast is relative to."""
    if dataset.naive_mae is None:
        return {}
    return {"mase": {"period": dataset.season or 1, "naive_mae": dataset.naive_mae.tolist()}}
