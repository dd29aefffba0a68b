"""Words as the ids of their characters, so that a word that training never showed is still told.

Shape letters: T words, W width.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.units import Characters, Units, code_points

__all__ = ["UNKNOWN", "Scaler", "Spelling", "Vocabulary"]


# From raw values to numbers and back: vocabularies and scalers, fitted on the training part.

UNKNOWN = "<unknown>"


@dataclass(frozen=True)
class Vocabulary:
    """Units in the order of their ids; `unknown` is the id of those not seen in training.

    text: how a text is cut into these units; None where they are no parts of a text.
    """

    units: tuple[str, ...]
    unknown: int | None = None
    text: Units | None = None

    @classmethod
    def fit(
        cls,
        units: Iterable[str] | Mapping[str, int],
        *,
        most: int | None = None,
        least: int = 1,
        first: Sequence[str] = (),
        unknown: bool = True,
        text: Units | None = None,
    ) -> Vocabulary:
        """Collect the units of a training part, or their counts, sorted by the units.

        `first` are special ones with ids 0, 1, ...; `most` keeps only so many of the most frequent
        ones, special units included; `least` those that came so many times.
        """
        counts = Counter(units)
        special = (*first, *((UNKNOWN,) if unknown else ()))
        room = None if most is None else max(most - len(special), 0)
        frequent = sorted(unit for unit, count in counts.items() if count >= least)
        kept = sorted(frequent, key=lambda unit: -counts[unit])[:room]
        return cls((*special, *sorted(kept)), special.index(UNKNOWN) if unknown else None, text)

    @cached_property
    def ids(self) -> dict[str, int]:
        return {unit: i for i, unit in enumerate(self.units)}

    def __len__(self) -> int:
        return len(self.units)

    def encode(self, units: Iterable[str]) -> NDArray[np.int64]:
        """Ids (T,) of the units.

        Raises:
            KeyError: a unit is not in the vocabulary and there is no id for unknown ones.
        """
        if self.unknown is None:
            return np.array([self.ids[unit] for unit in units], dtype=np.int64)
        ids, unknown = self.ids, self.unknown
        return np.array([ids.get(unit, unknown) for unit in units], dtype=np.int64)

    def encode_text(self, text: str) -> NDArray[np.int64]:
        """Ids (T,) of the units of a text.

        Raises:
            KeyError: as in `encode`.
        """
        assert self.text is not None, "these units are no parts of a text"
        if isinstance(self.text, Characters) and self.unknown is not None:
            codes = np.minimum(code_points(text), len(self._id_of_code) - 1)
            return self._id_of_code[codes]
        return self.encode(self.text.split(text))

    @cached_property
    def _id_of_code(self) -> NDArray[np.int64]:
        """The id of each code point; the last place stands for all that come after it."""
        codes = {ord(unit): i for unit, i in self.ids.items() if len(unit) == 1}
        table = np.full(max(codes, default=0) + 2, self.unknown, dtype=np.int64)
        table[list(codes)] = list(codes.values())
        return table

    def decode(self, ids: Iterable[int]) -> list[str]:
        return [self.units[i] for i in ids]

    def decode_text(self, ids: Iterable[int]) -> str:
        """The text that ids spell."""
        assert self.text is not None, "these units are no parts of a text"
        return self.text.join(self.decode(ids))

    def to_json(self) -> dict[str, Any]:
        text = None if self.text is None else self.text.to_json()
        return {"units": list(self.units), "unknown": self.unknown, "text": text}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Vocabulary:
        """What `to_json` wrote."""
        text = value.get("text")
        return cls(
            tuple(value["units"]), value["unknown"], None if text is None else Units.from_json(text)
        )


@dataclass(frozen=True)
class Scaler:
    """x -> (x - shift) / scale per feature, of the logarithm of x where `log` is set."""

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    log: bool = False

    @classmethod
    def fit(cls, kind: str, values: NDArray[np.float64], *, log: bool = False) -> Scaler:
        """Fit on the training values (N, I); kind is `standard`, `minmax` or `none`.

        A constant feature keeps scale 1.
        """
        values = np.log(values) if log else values
        if kind == "standard":
            shift, scale = values.mean(axis=0), values.std(axis=0)
        elif kind == "minmax":
            shift, scale = values.min(axis=0), np.ptp(values, axis=0)
        else:
            shift, scale = np.zeros(values.shape[1]), np.ones(values.shape[1])
        # By the range, since rounding leaves a constant a standard deviation just above 0.
        return cls(shift, np.where((np.ptp(values, axis=0) > 0) & (scale > 0), scale, 1.0), log)

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Scaled values, same shape (..., I)."""
        values = np.log(values) if self.log else values
        return np.asarray((values - self.shift) / self.scale, dtype=np.float32)

    def invert(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Values in their own units, same shape (..., I)."""
        values = np.asarray(values, dtype=np.float64) * self.scale + self.shift
        return np.exp(values) if self.log else values

    def to_json(self) -> dict[str, Any]:
        return {"shift": self.shift.tolist(), "scale": self.scale.tolist(), "log": self.log}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Scaler:
        """What `to_json` wrote."""
        return cls(np.array(value["shift"]), np.array(value["scale"]), value["log"])


# Words as the ids of their characters, so that a word that training never showed is still told.

WIDTH = 20
"""characters that are kept of a word; beginning and end tell more than the middle"""
PADDING = "<padding>"


@dataclass(frozen=True)
class Spelling:
    """The characters of the training part's words (id 0 is padding), and how many are kept.

    Of a word longer than `width` the first and the last half of it stay.
    """

    characters: Vocabulary
    width: int = WIDTH

    @classmethod
    def fit(cls, words: Iterable[str]) -> Spelling:
        """The characters of the words of a training part, and an unknown one."""
        characters = (character for word in set(words) for character in word)
        return cls(Vocabulary.fit(characters, first=(PADDING,)))

    def encode(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Character ids (T, W), each word padded with zeros."""
        spelt = np.zeros((len(words), self.width), np.int64)
        for row, word in zip(spelt, map(self._cut, words), strict=True):
            row[: len(word)] = self.characters.encode(word)
        return spelt

    def _cut(self, word: str) -> str:
        if len(word) <= self.width:
            return word
        first = self.width // 2
        return word[:first] + word[first - self.width :]

    def to_json(self) -> dict[str, Any]:
        return {"characters": self.characters.to_json(), "width": self.width}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Spelling:
        """What `to_json` wrote. Raises KeyError, TypeError where it did not."""
        stored = record["characters"]
        return cls(Vocabulary(tuple(stored["units"]), stored["unknown"]), record["width"])
