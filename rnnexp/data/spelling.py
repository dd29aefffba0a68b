"""Words as the ids of their characters, so that a word that training never showed is still told.

Shape letters: T words, W width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.encoding import Vocabulary

__all__ = ["WIDTH", "Spelling"]

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
