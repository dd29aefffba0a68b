"""What a trained network reads and answers, apart from the data it was trained on.

It is fitted on the training part and travels with the run, in `encoding.json` and in every
checkpoint, so that new input can be encoded and answers decoded where the data are not at hand.
How a file is cut and read (window, horizon, unit, lowercase, columns) is in the config.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnexp.data.dataset import Answer, Dataset, Shape, Spec, spec_from_json

__all__ = ["Signature"]


@dataclass(frozen=True)
class Signature:
    """The two ends of a network: vocabularies, scalers and sizes.

    time_steps: T of the training examples, padding included. units: what a step of an input and of
    a target was read as, where examples were read from a file.
    """

    source: str
    shape: Shape
    inputs: Spec
    outputs: Answer
    time_steps: int
    units: tuple[str | None, str | None] = (None, None)

    @classmethod
    def of(cls, dataset: Dataset) -> Signature:
        return cls(
            dataset.source,
            dataset.shape,
            dataset.inputs,
            dataset.outputs,
            dataset.time_steps,
            dataset.units,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "shape": self.shape,
            "inputs": self.inputs.to_json(),
            "outputs": self.outputs.to_json(),
            "time_steps": self.time_steps,
            "units": list(self.units),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Signature:
        """What `to_json` wrote. Raises KeyError, TypeError where it did not."""
        specs = {side: spec_from_json(record[side]) for side in ("inputs", "outputs")}
        return cls(**{**record, **specs, "units": tuple(record["units"])})
