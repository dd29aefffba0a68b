"""What `data.json` says about a data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rnnexp.data.dataset import Answer, Dataset, Shape, Spec, spec_from_json
from rnnexp.data.splits import SPLITS

__all__ = ["Signature", "describe"]


# What a trained network reads and answers, apart from the data it was trained on.
#
# It is fitted on the training part and travels with the run, in `encoding.json` and in every
# checkpoint, so that new input can be encoded and answers decoded where the data are not at hand.
# How a file is cut and read (window, horizon, unit, lowercase, columns) is in the config.


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
        """What `to_json` wrote. Raises KeyError, TypeError, ValueError where it did not."""
        _Signature.model_validate(dict(record))
        specs = {side: spec_from_json(record[side]) for side in ("inputs", "outputs")}
        return cls(**{**record, **specs, "units": tuple(record["units"])})


# -- what JSON must say to be read as one ----------------------------------------------------------

Size = Annotated[int, Field(ge=1, le=10_000_000)]
Id = Annotated[int, Field(ge=0, le=10_000_000)]


class _Record(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class _Scaler(_Record):
    shift: list[float]
    scale: list[Annotated[float, Field(gt=0)]]
    log: bool


class _Vocabulary(_Record):
    units: list[str]
    unknown: Id | None
    text: dict[str, Any] | None = None


class _Spelling(_Record):
    characters: _Vocabulary
    width: Annotated[int, Field(ge=1, le=10_000)]


class _Values(_Record):
    kind: Literal["values"]
    features: Size
    names: list[str]
    scaler: _Scaler | None
    categories: dict[str, list[str]]

    @model_validator(mode="after")
    def _scaled(self) -> _Values:
        if self.scaler and not len(self.scaler.shift) == len(self.scaler.scale) == self.features:
            raise ValueError("a scaler of other features")
        return self


class _Tokens(_Record):
    kind: Literal["tokens"]
    tokens: Size
    vocabulary: _Vocabulary | None
    end: Id | None

    @model_validator(mode="after")
    def _named(self) -> _Tokens:
        named = self.vocabulary.units if self.vocabulary else None
        unknown = (self.vocabulary.unknown if self.vocabulary else None) or 0
        if (self.end or 0) >= self.tokens or unknown >= self.tokens:
            raise ValueError("an id that no token has")
        if named is not None and len(named) + (self.end is not None) < self.tokens:
            raise ValueError("a vocabulary of fewer tokens")
        return self


class _Words(_Tokens):
    kind: Literal["words"]  # type: ignore[assignment]
    spelling: _Spelling


class _Image(_Record):
    kind: Literal["image"]
    channels: Annotated[int, Field(ge=1, le=64)]
    height: Annotated[int, Field(ge=1, le=65_536)]
    width: Annotated[int, Field(ge=1, le=65_536)]


class _Signature(_Record):
    source: str
    shape: Shape
    inputs: Annotated[_Values | _Tokens | _Words | _Image, Field(discriminator="kind")]
    outputs: Annotated[_Values | _Tokens | _Words, Field(discriminator="kind")]
    time_steps: Annotated[int, Field(ge=1, le=2**40)]
    units: Annotated[list[str | None], Field(min_length=2, max_length=2)]


# What `data.json` says about a data set.


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
