"""One long text, read in pieces: measured, split, its vocabulary fitted, turned into ids.

Each of these reads the text anew, so that what is held does not grow with it; and a text held
whole goes the same way, so that both give the same ids.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.schema.data import TextCorpus
from rnnexp.data.dataset import Ints
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import SPLITS, bounds
from rnnexp.data.units import BytePairs, code_points, plain_units
from rnnexp.errors import DataError, EnvironmentMissingError

__all__ = ["Corpus", "fit_pairs"]

BORDER = re.compile(r"(?<=\S)[ \n]")
"""where a text can be cut without changing its words, its byte pairs or its lower case"""
TAIL = 4096
LONGEST = 1 << 24
"""characters without a border that are held before the text is refused"""


@dataclass(frozen=True)
class Corpus:
    """A text and its settings; `read` delivers its pieces from the start at each call."""

    config: Config
    settings: TextCorpus
    read: Callable[[], Iterable[str]]

    def measure(self) -> int:
        """How long the text is in what the split counts: words, otherwise characters."""
        return sum(map(len, self._pieces()))

    def fit(self, length: int) -> Vocabulary:
        """The vocabulary of the training part of a text of this `measure`.

        Raises:
            EnvironmentMissingError: byte pairs without the tokenizers library.
        """
        settings, train = self.settings, bounds(length, self.settings.split)[0]
        if settings.unit == "bpe":
            assert settings.pieces is not None, "the config was not checked"
            pairs = fit_pairs(self.config, "data.unit", self._texts(0, train), settings.pieces)
            return Vocabulary(pairs.pieces, None, pairs)
        counts: Counter[str] = Counter()
        for piece in _between(self._pieces(), 0, train):
            counts.update(_count(piece))
        units = plain_units(settings.unit)
        return Vocabulary.fit(counts, most=settings.max_vocabulary, text=units)

    def encode(self, vocabulary: Vocabulary, length: int) -> Iterator[tuple[int, Ints]]:
        """The ids of the text in order, in pieces, each with the number of its part (0, 1, 2)."""
        val, test = bounds(length, self.settings.split)
        edges = (0, val, test, length)
        if self.settings.unit == "bpe":
            for part in range(len(SPLITS)):
                for text in self._texts(edges[part], edges[part + 1]):
                    yield part, vocabulary.encode_text(text)
            return
        at = 0
        for piece in self._pieces():
            ids = _ids(vocabulary, piece)
            for part in range(len(SPLITS)):
                share = ids[max(edges[part] - at, 0) : max(edges[part + 1] - at, 0)]
                if len(share):
                    yield part, share
            at += len(ids)

    def _pieces(self) -> Iterator[Sequence[str]]:
        """The text in pieces of what is counted; a character is a string of its own."""
        pieces = iter(self.read())
        if self.settings.lowercase or self.settings.unit != "character":
            pieces = self._at_borders(pieces)
        if self.settings.lowercase:
            pieces = map(str.lower, pieces)
        return map(plain_units("word").split, pieces) if self.settings.unit == "word" else pieces

    def _texts(self, start: int, stop: int) -> Iterator[str]:
        """The text from one character to another."""
        return (piece for piece in _between(self._pieces(), start, stop) if isinstance(piece, str))

    def _at_borders(self, pieces: Iterable[str]) -> Iterator[str]:
        """The same text in pieces that begin with a space or a line break.

        Raises:
            DataError: no space for so long that the text would have to be held whole.
        """
        rest = ""
        for piece in pieces:
            text = rest + piece
            cut = _last_border(text)
            if cut:
                yield text[:cut]
            rest = text[cut:]
            if len(rest) > LONGEST:
                raise DataError(
                    f"no space or line break follows a word within {LONGEST:,} characters",
                    code="DAT172",
                    position=self.config.where("data.unit"),
                    key="data.unit",
                    value=self.settings.unit,
                    hint="data.unit: character, without data.lowercase, needs no spaces",
                )
        yield rest


def fit_pairs(config: Config, key: str, texts: Iterable[str], pieces: int) -> BytePairs:
    """Byte pairs of a training part, for the unit that the config names at `key`.

    Raises:
        EnvironmentMissingError: the tokenizers library is not installed.
    """
    try:
        return BytePairs.fit(texts, pieces)
    except ImportError:
        raise EnvironmentMissingError(
            "byte pairs need the tokenizers library, which is not installed",
            code="ENV103",
            position=config.where(key),
            key=key,
            value="bpe",
            hint='pip install "rnnexp[text]"',
        ) from None


def _between(pieces: Iterable[Sequence[str]], start: int, stop: int) -> Iterator[Sequence[str]]:
    """What stands from place `start` to place `stop` of all pieces."""
    at = 0
    for piece in pieces:
        share = piece[max(start - at, 0) : max(stop - at, 0)]
        if len(share):
            yield share
        at += len(piece)
        if at >= stop:
            return


def _count(piece: Sequence[str]) -> Counter[str]:
    """How often each unit comes."""
    if not isinstance(piece, str):
        return Counter(piece)
    counts = np.bincount(code_points(piece))
    return Counter({chr(code): int(counts[code]) for code in np.flatnonzero(counts)})


def _ids(vocabulary: Vocabulary, piece: Sequence[str]) -> Ints:
    if isinstance(piece, str):
        return vocabulary.encode_text(piece)
    return vocabulary.encode(piece)


def _last_border(text: str) -> int:
    """The last place where the text can be cut; 0 where there is none."""
    for start in (max(len(text) - TAIL, 0), 0):
        border = 0
        for found in BORDER.finditer(text, start):
            border = found.start()
        if border:
            return border
    return 0
