"""The ids of a large text on disk, encoded once and used again.

Shape letters: S ids of the stream, N windows, T time steps of a window. They are read with
`pread`: what is mapped into memory would count as memory of the process.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rnnexp import reading, storage
from rnnexp.config.config import Config
from rnnexp.config.data_settings import TextCorpus
from rnnexp.data.dataset import Ints, Sequences
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import SPLITS, bounds
from rnnexp.data.units import BytePairs, code_points, plain_units
from rnnexp.errors import DataError, EnvironmentMissingError, Position, StorageError, UnsafeError
from rnnexp.registry.cache import cache_folder

__all__ = ["Corpus", "consecutive", "encoded", "fit_pairs"]


# One long text, read in pieces: measured, split, its vocabulary fitted, turned into ids.
#
# Each of these reads the text anew, so that what is held does not grow with it; and a text held
# whole goes the same way, so that both give the same ids.

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


# Ids that lie in a file: windows of them are read when they are asked for.


class StoredIds:
    """(S,) ids in a file that stays open for as long as this lives."""

    def __init__(self, path: Path, dtype: np.dtype[Any], count: int) -> None:
        self.path, self.dtype, self.count = path, dtype, count
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        return self.count

    def read(self, start: int, count: int) -> NDArray[Any]:
        """(count,) ids from place `start` on.

        Raises:
            DataError: the file was cut while it was in use.
        """
        size = self.dtype.itemsize
        raw = os.pread(self._file, count * size, start * size)
        if len(raw) < count * size:
            raise DataError(
                f"the file ends at byte {start * size + len(raw):,}: it was cut while in use",
                code="DAT173",
                position=Position(str(self.path)),
                hint="run again: the text is then encoded anew",
            )
        return np.frombuffer(raw, self.dtype)


@dataclass(frozen=True)
class StoredWindows:
    """(N, T) int64: the ids `start`..`stop`-1 cut into windows, the last one padded with zeros.

    It is indexed like an array: by rows (a slice, an array, a number), and by a slice of steps.
    """

    ids: StoredIds
    start: int
    stop: int
    window: int

    @property
    def shape(self) -> tuple[int, int]:
        return -(-(self.stop - self.start) // self.window), self.window

    @property
    def dtype(self) -> np.dtype[np.int64]:
        return np.dtype(np.int64)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Ints:
        rows, steps = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(rows, slice) and rows.step in (None, 1):
            windows = self._run(*rows.indices(len(self))[:2])
        elif isinstance(rows, slice):
            windows = self._each(np.arange(*rows.indices(len(self))))
        else:
            windows = self._each(np.atleast_1d(rows))
        return windows[0, steps] if isinstance(rows, int | np.integer) else windows[:, steps]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)

    def _run(self, first: int, last: int) -> Ints:
        """Windows that follow each other, in one go."""
        windows = np.zeros((max(last - first, 0), self.window), np.int64)
        begin = self.start + first * self.window
        count = min(windows.size, self.stop - begin)
        windows.reshape(-1)[:count] = self.ids.read(begin, count)
        return windows

    def _each(self, rows: Ints) -> Ints:
        windows = np.zeros((len(rows), self.window), np.int64)
        for window, row in zip(windows, rows.tolist(), strict=True):
            begin = self.start + row * self.window
            count = min(self.window, self.stop - begin)
            window[:count] = self.ids.read(begin, count)
        return windows


@dataclass(frozen=True)
class Computed:
    """(N,) whole numbers that follow from their place, so that none is stored."""

    count: int
    of: Callable[[Ints], Ints]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, key: Any) -> Ints:
        rows, *axes = key if isinstance(key, tuple) else (key,)
        numbers = self.of(np.arange(*rows.indices(self.count)) if isinstance(rows, slice) else rows)
        return numbers[(slice(None), *axes)] if axes else numbers

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def consecutive(ids: StoredIds, start: int, stop: int, window: int) -> Sequences:
    """`windows.consecutive` with horizon 1, of which nothing is held in memory."""
    first = max(start, 1)
    stop = max(stop, first)
    targets = StoredWindows(ids, first, stop, window)
    lengths = Computed(len(targets), lambda rows: np.minimum(window, stop - first - window * rows))
    # They stand in for arrays: whoever walks a whole split does it with `Sequences.pieces`.
    return Sequences(
        inputs=cast(Ints, StoredWindows(ids, first - 1, stop - 1, window)),
        targets=cast(Ints, targets),
        lengths=cast(Ints, lengths) if (stop - first) % window else None,
        origin=cast(Ints, Computed(len(targets), lambda rows: first + window * rows)),
    )


# The ids of a large text on disk, encoded once and used again.
#
# <cache>/encoded/<key>.ids    a flat array of the smallest unsigned type
# <cache>/encoded/<key>.json   its size, its type and its SHA-256, the vocabulary, the split

FORMAT = 1
SETTINGS = ("unit", "pieces", "lowercase", "max_vocabulary", "split")
LARGEST_HEADER = 1 << 28


@dataclass(frozen=True)
class Encoded:
    """A text as ids. sizes: ids of each part. state: how the ids came here, for `data.json`.

    mended: they were in the cache, and damaged.
    """

    ids: StoredIds
    vocabulary: Vocabulary
    sizes: tuple[int, int, int]
    state: str = "found in the cache"
    mended: bool = False


def encoded(corpus: Corpus, sha256: str) -> Encoded:
    """The ids of the text of a file with this SHA-256: those in the cache, or made now.

    What is damaged in the cache is made anew, and the state says so.

    Raises:
        StorageError: the cache cannot be written, or has no room for them.
        DataError: the text cannot be read.
    """
    settings = corpus.settings.model_dump(mode="json", include=set(SETTINGS))
    key = _digest({"format": FORMAT, "sha256": sha256, **settings})[:32]
    path = cache_folder() / "encoded" / f"{key}.ids"
    state, mended = "written to the cache", False
    try:
        return _opened(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError, UnsafeError) as error:
        state, mended = f"{state} anew, where they were damaged: {error}", True
    _make_folder(path.parent)
    _write(corpus, path)
    return replace(_opened(path), state=state, mended=mended)


def _opened(path: Path) -> Encoded:
    """Raises OSError, UnsafeError, ValueError, KeyError or TypeError where it is not whole."""
    stored = json.loads(reading.read_bytes(path.with_suffix(".json"), LARGEST_HEADER))
    header = stored["header"]
    if stored["sha256"] != _digest(header):
        raise ValueError("the header is not what was written")
    dtype = np.dtype(header["dtype"])
    size, expected = path.stat().st_size, sum(header["sizes"]) * dtype.itemsize
    if size != expected:
        raise ValueError(f"{size:,} bytes instead of {expected:,}")
    if reading.sha256(path) != header["sha256"]:
        raise ValueError("the ids are not what was written")
    train, val, test = header["sizes"]
    ids = StoredIds(path, dtype, train + val + test)
    return Encoded(ids, Vocabulary.from_json(header["vocabulary"]), (train, val, test))


def _make_folder(folder: Path) -> None:
    try:
        storage.ensure_folder(folder)
    except StorageError as error:
        raise StorageError(
            f"{error}; a text this large is encoded into a file there",
            code="STO004",
            key="data.path",
            hint="RNNEXP_DATA names another folder to keep it in",
        ) from error


def _write(corpus: Corpus, path: Path) -> None:
    length = corpus.measure()
    vocabulary = corpus.fit(length)
    dtype = np.min_scalar_type(len(vocabulary) - 1)
    need = length * dtype.itemsize
    storage.check_free(path, need)
    sizes, digest = [0] * len(SPLITS), hashlib.sha256()
    with storage.writing(path, need) as write:
        for part, ids in corpus.encode(vocabulary, length):
            raw = ids.astype(dtype).tobytes()
            write(raw)
            digest.update(raw)
            sizes[part] += len(ids)
    header = {
        "sizes": sizes,
        "dtype": dtype.name,
        "sha256": digest.hexdigest(),
        "vocabulary": vocabulary.to_json(),
    }
    content = json.dumps({"sha256": _digest(header), "header": header})
    storage.write_text(path.with_suffix(".json"), content)


def _digest(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
