"""What one step of a text is: a character, a word, or a byte pair; splitting and joining again."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["BytePairs", "Characters", "Spacing", "Units", "Words", "code_points", "plain_units"]


# From units back to text: where a space stands between two of them.

WORD = re.compile(r"\w+|[^\w\s]")
"""a word: a run of letters or digits, or a single mark"""


@dataclass(frozen=True)
class Spacing:
    """`separator` between two units, but none before a mark of `closes` and after one of `opens`.

    With words split off their marks, `l'homme` is l ' homme: the apostrophe closes and opens.
    """

    separator: str = " "
    closes: frozenset[str] = frozenset()
    opens: frozenset[str] = frozenset()

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Spacing:
        """Which marks mostly stand without a space before or after them in a training part."""
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        for text in texts:
            for left, right in pairwise(WORD.finditer(text)):
                touching = 1 if left.end() == right.start() else -1
                before[right.group()] += touching
                after[left.group()] += touching
        return cls(closes=_mostly(before), opens=_mostly(after))

    def join(self, units: Iterable[str]) -> str:
        """The text of the units."""
        parts: list[str] = []
        previous = ""
        for unit in units:
            touching = unit in self.closes or previous in self.opens
            parts += [unit] if touching or not parts else [self.separator, unit]
            previous = unit
        return "".join(parts)

    def to_json(self) -> dict[str, Any]:
        return {
            "separator": self.separator,
            "closes": sorted(self.closes),
            "opens": sorted(self.opens),
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Spacing:
        """What `to_json` wrote."""
        closes, opens = frozenset(written["closes"]), frozenset(written["opens"])
        return cls(written["separator"], closes, opens)


def _mostly(touching: Counter[str]) -> frozenset[str]:
    """The marks that touch more often than not; a word only ever touches by its mark."""
    return frozenset(u for u, count in touching.items() if count > 0 and not u[0].isalnum())


# What one step of a text is: a character, a word, or a byte pair; splitting and joining again.

SPACED = re.compile(r"\s*\S+|\s+")
"""a word with the blanks before it: byte pairs never reach from one into the next"""
SEPARATORS = re.compile(r"[\x1c-\x1f]")
"""blanks to Python, and none to the tokenizers library"""
REMEMBERED = 200_000
"""words whose byte pairs are kept, some tens of MB"""
ENGLISH = Spacing(closes=frozenset(".,;:!?)]}%’”'"), opens=frozenset("([{“‘$#@'"))
"""where no text was at hand to learn it from: no space before a comma, none within `don't`"""


class Units(ABC):
    """How a text is cut into units, and how units become text again."""

    name: ClassVar[str]

    @abstractmethod
    def split(self, text: str) -> list[str]:
        """The units of a text, in order."""

    @abstractmethod
    def join(self, units: Sequence[str]) -> str:
        """The text that units spell."""

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name}

    @staticmethod
    def from_json(value: dict[str, Any]) -> Units:
        """What `to_json` wrote."""
        if value["name"] == BytePairs.name:
            return BytePairs(json.dumps(value["model"]))
        if value["name"] == Words.name:
            return Words(Spacing.from_json(value["spacing"]))
        return plain_units(value["name"])


@dataclass(frozen=True)
class Characters(Units):
    """The code points of a text."""

    name = "character"

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, units: Sequence[str]) -> str:
        return "".join(units)


@dataclass(frozen=True)
class Words(Units):
    """Runs of letters or digits, and single marks; what lies between them is not kept."""

    spacing: Spacing = ENGLISH
    name = "word"

    def split(self, text: str) -> list[str]:
        return WORD.findall(text)

    def join(self, units: Sequence[str]) -> str:
        """With spaces where the training part mostly has them."""
        return self.spacing.join(units)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "spacing": self.spacing.to_json()}


@dataclass(frozen=True)
class BytePairs(Units):
    """Byte pairs merged by frequency (Sennrich et al. 2016), down to bytes, so none is unknown.

    model: the fitted tokenizer as its library's JSON.
    """

    model: str
    name = "bpe"

    @classmethod
    def fit(cls, texts: Iterable[str], pieces: int) -> BytePairs:
        """Merge until there are `pieces` units, the 256 bytes among them, or nothing is left.

        Raises:
            ImportError: the tokenizers library is not installed.
        """
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=pieces, show_progress=False, initial_alphabet=sorted(alphabet)
        )
        tokenizer.train_from_iterator(texts, trainer)
        return cls(json.dumps(json.loads(tokenizer.to_str())))

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        return Tokenizer.from_str(self.model)

    @property
    def pieces(self) -> tuple[str, ...]:
        """Every unit, in the order in which they were merged."""
        ids = self._tokenizer.get_vocab()
        return tuple(sorted(ids, key=ids.__getitem__))

    def split(self, text: str) -> list[str]:
        if SEPARATORS.search(text):
            return list(self._tokenizer.encode(text).tokens)
        words, known = SPACED.findall(text), self._known
        if len(known) > REMEMBERED:
            known.clear()
        new = list(set(words) - known.keys())
        for word, encoding in zip(new, self._tokenizer.encode_batch(new), strict=True):
            known[word] = encoding.tokens
        return [piece for word in words for piece in known[word]]

    @cached_property
    def _known(self) -> dict[str, list[str]]:
        """The byte pairs of the words that were met: most words are met again."""
        return {}

    def join(self, units: Sequence[str]) -> str:
        """The text again, exactly; bytes that are no UTF-8 become U+FFFD."""
        return str(self._tokenizer.decoder.decode(list(units)))

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "model": json.loads(self.model)}


def plain_units(name: str) -> Units:
    """Units that need no fitting: `character` or `word`."""
    return {"character": Characters(), "word": Words()}[name]


def code_points(text: str) -> NDArray[np.uint32]:
    """The code point of each character (T,)."""
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
