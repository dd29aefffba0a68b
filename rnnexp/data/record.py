"""What `data.json` says about a data set."""

from __future__ import annotations

from typing import Any

from rnnexp.data.dataset import Dataset, Tokens, Values
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
        "inputs": _encoding(dataset.inputs),
        "outputs": _encoding(dataset.outputs),
        **dataset.record,
    }


def _encoding(spec: Values | Tokens) -> dict[str, Any]:
    if isinstance(spec, Values):
        scaler = spec.scaler.to_json() if spec.scaler else None
        return {"features": spec.size, "names": list(spec.names), "scaler": scaler}
    vocabulary = spec.vocabulary.to_json() if spec.vocabulary else None
    return {
        "tokens": spec.size,
        "vocabulary": vocabulary,
        "end": spec.end,
        "spacing": spec.spacing.to_json(),
    }
