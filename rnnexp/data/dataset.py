"""What every source delivers: three splits of sequences and what their numbers mean.

Shape letters: N examples, T time steps, I input features, O output features, V vocabulary.
numpy only; tensors begin in `rnnexp.data.batches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.compatibility import Shape
from rnnexp.data.encoding import Scaler, Spelling, Vocabulary

__all__ = [
    "Answer",
    "Dataset",
    "Ends",
    "Floats",
    "History",
    "Image",
    "Ints",
    "Sequences",
    "Shape",
    "Spec",
    "Tokens",
    "Values",
    "Vectors",
    "Words",
    "spec_from_json",
]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
PIECE = 1 << 18
"""numbers that are walked over at a time"""


@dataclass(frozen=True)
class Values:
    """A vector of `size` real numbers at each step; `scaler` turns them back to their own units.

    categories: the known values of each text column, whose features are one-hot.
    """

    size: int
    names: tuple[str, ...] = ()
    scaler: Scaler | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        scaler = self.scaler.to_json() if self.scaler else None
        return {
            "kind": "values",
            "features": self.size,
            "names": list(self.names),
            "scaler": scaler,
            "categories": {name: list(known) for name, known in self.categories.items()},
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Values:
        scaler = Scaler.from_json(record["scaler"]) if record["scaler"] else None
        categories = {name: tuple(known) for name, known in record["categories"].items()}
        return cls(record["features"], tuple(record["names"]), scaler, categories)


@dataclass(frozen=True)
class Tokens:
    """One of `size` classes at each step; `vocabulary` names them where they have names.

    `end` is the id that closes a generated sequence and, fed first, opens it (one-to-many and
    delayed).
    """

    size: int
    vocabulary: Vocabulary | None = None
    end: int | None = None

    def text(self, ids: Iterable[int]) -> str:
        """What ids say, the end token aside."""
        kept = [i for i in ids if i != self.end]
        if self.vocabulary is None:
            return " ".join(map(str, kept))
        units, text = self.vocabulary.decode(kept), self.vocabulary.text
        return text.join(units) if text else " ".join(units)

    def to_json(self) -> dict[str, Any]:
        vocabulary = self.vocabulary.to_json() if self.vocabulary else None
        return {"kind": "tokens", "tokens": self.size, "vocabulary": vocabulary, "end": self.end}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Tokens:
        vocabulary = Vocabulary.from_json(record["vocabulary"]) if record["vocabulary"] else None
        return cls(record["tokens"], vocabulary, record["end"])


@dataclass(frozen=True, kw_only=True)
class Words(Tokens):
    """Tokens that are words, each followed by the ids of its characters."""

    spelling: Spelling

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "kind": "words", "spelling": self.spelling.to_json()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Words:
        plain, spelling = Tokens.from_json(record), Spelling.from_json(record["spelling"])
        return cls(plain.size, plain.vocabulary, plain.end, spelling=spelling)


@dataclass(frozen=True)
class Image:
    """A picture with brightness 0..1 that a sequence is generated from (one-to-many only)."""

    channels: int
    height: int
    width: int

    @property
    def size(self) -> int:
        """How many numbers it consists of."""
        return self.channels * self.height * self.width

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "image",
            "channels": self.channels,
            "height": self.height,
            "width": self.width,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Image:
        return cls(stored["channels"], stored["height"], stored["width"])


Spec = Values | Tokens | Image
Answer = Values | Tokens
SPECS: dict[str, type[Spec]] = {
    "values": Values,
    "tokens": Tokens,
    "words": Words,
    "image": Image,
}


def spec_from_json(record: Mapping[str, Any]) -> Spec:
    """The spec that `to_json` wrote. Raises KeyError, TypeError where it did not."""
    return SPECS[record["kind"]].from_json(record)


class Ends(Protocol):
    """What a network reads and answers: all that it is built from besides `model`."""

    @property
    def shape(self) -> Shape: ...
    @property
    def inputs(self) -> Spec: ...
    @property
    def outputs(self) -> Answer: ...
    @property
    def time_steps(self) -> int: ...


@dataclass(frozen=True)
class Vectors:
    """Pre-trained embeddings: `values` (K, I) of the tokens `ids` (K,)."""

    ids: Ints
    values: Floats


@dataclass(frozen=True)
class Sequences:
    """The N examples of one split, right-padded with zeros to a common T.

    Those of a large text lie on disk: they are taken by rows, and walked over with `pieces`.

    inputs: Values (N, T, I) float32, Tokens (N, T) int64 or Words (N, T, 1 + width) int64;
        in one-to-many the condition: Values (N, I) float32, Tokens (N,) int64, or Image
        (N, channels, height, width) float32.
    targets: many-to-one (N, O) float32 or (N,) int64; otherwise (N, T, O) float32 or (N, T) int64.
        delayed: inputs (N, S, I) or (N, S) with a time of their own, targets (N, T) int64.
    lengths: (N,) int64, valid steps of each example; None where every example fills T.
    source_lengths: (N,) int64, the same of the inputs of a delayed task, whose `lengths` are those
        of the targets.
    texts: the targets as they were written, where text is to be compared with text.
    mask: (N, T) bool, steps whose target counts; None where every valid step counts.
    origin: (N,) int64, where each example stands in its source (line of the file, index of the
        series at its first target, ...), for messages and plots.
    """

    inputs: Floats | Ints
    targets: Floats | Ints
    lengths: Ints | None = None
    source_lengths: Ints | None = None
    mask: NDArray[np.bool_] | None = None
    origin: Ints | None = None
    texts: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def longest(self) -> int:
        """The valid steps of the longest example."""
        if self.lengths is None:
            return self._steps
        some = (self.lengths[part] for part in self._parts(1))
        return int(max(part.max(initial=0) for part in some))

    def pieces(self) -> Iterator[Sequences]:
        """The same examples, so many at a time that those on disk are never held whole."""
        return map(self._part, self._parts(self._steps))

    def first(self, steps: int) -> Sequences:
        """The first examples, with about so many time steps in all, held in memory."""
        return self._part(slice(0, max(1, steps // self._steps)))

    def _part(self, part: slice) -> Sequences:
        return Sequences(
            inputs=self.inputs[part],
            targets=self.targets[part],
            lengths=None if self.lengths is None else self.lengths[part],
            mask=None if self.mask is None else self.mask[part],
            origin=None if self.origin is None else self.origin[part],
        )

    @property
    def _steps(self) -> int:
        """T of the inputs or, where they have no steps, of the targets."""
        return int(max((*self.inputs.shape[1:2], *self.targets.shape[1:2], 1)))

    def _parts(self, steps: int) -> Iterator[slice]:
        examples = max(1, PIECE // steps)
        return (slice(i, i + examples) for i in range(0, len(self), examples))


@dataclass(frozen=True)
class History:
    """The scaled series that windows were cut from, end to end.

    features: (S, I) what the network reads: the predicted columns, then the further ones. begins:
    (S,) the step at which the series of each step begins. `origin` of the windows counts these
    steps. predicted: F.
    """

    features: Floats
    begins: Ints
    predicted: int

    @property
    def values(self) -> Floats:
        """(S, F) the predicted columns."""
        return self.features[:, : self.predicted]

    @property
    def further(self) -> Floats:
        """(S, I - F) the columns that are read and not predicted."""
        return self.features[:, self.predicted :]


@dataclass(frozen=True)
class Dataset:
    """A whole data set, split, encoded and scaled.

    consecutive: the examples of a split follow each other without a gap, as windows of one stream
        (what `carry_state` needs).
    season: period in steps of a time series, where the config gives one.
    history: the time series itself, where the examples are windows of one.
    naive_mae: (O,) in own units, what the forecast "as `season` steps ago" (or 1 step ago, without
        one) errs within the training part of a time series; None where that is nothing to scale by.
    reach: steps from an answer back to the earliest input that it depends on, where the task tells.
    know_nothing: metrics of the best constant answer where theory gives them,
        as {"mse": 1/6} for adding or {"loss": 10 ln 8 / (T + 20)} for copy memory.
    record: what goes into `data.json`: files with SHA-256 and bytes, sizes, splits, scaler.
    units: what a step of an input and of a target was read as, where they come from a file.
    notes: what a person should be told before training.
    vectors: what the embedding of what the network reads starts from, where there is such a file.
    """

    source: str
    shape: Shape
    train: Sequences
    val: Sequences
    test: Sequences
    inputs: Spec
    outputs: Answer
    consecutive: bool = False
    season: int | None = None
    history: History | None = None
    naive_mae: NDArray[np.float64] | None = None
    reach: int | None = None
    know_nothing: Mapping[str, float] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    units: tuple[str | None, str | None] = (None, None)
    notes: tuple[str, ...] = ()
    vectors: Vectors | None = None

    @property
    def read(self) -> Spec:
        """What the recurrent layers read: the inputs, or in one-to-many the answers so far."""
        return self.outputs if self.shape == "one_to_many" else self.inputs

    @property
    def time_steps(self) -> int:
        """T of the training examples, padding included; that of the targets where they differ."""
        written = self.shape in ("one_to_many", "delayed")
        sequences = self.train.targets if written else self.train.inputs
        return int(sequences.shape[1])

    def split(self, name: str) -> Sequences:
        """The split called `train`, `val` or `test`."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def counted(self, name: str) -> NDArray[np.bool_]:
        """Which targets of a split count: (N,) in many-to-one, otherwise (N, T)."""
        return self.counted_in(self.split(name))

    def counted_in(self, split: Sequences) -> NDArray[np.bool_]:
        """The same of any of its sequences, as of a piece of a split."""
        if self.shape == "many_to_one":
            return np.ones(len(split), dtype=bool)
        counted = np.ones(split.targets.shape[:2], dtype=bool)
        if split.lengths is not None:
            counted &= np.arange(split.targets.shape[1]) < split.lengths[:, None]
        return counted if split.mask is None else counted & split.mask

    def counted_steps(self, name: str) -> NDArray[np.bool_]:
        """(T,) at which steps of a split any target counts, where there is one per step."""
        split = self.split(name)
        if split.mask is None:
            counted_T = np.zeros(split.targets.shape[1], dtype=bool)  # a byte a step, T may be long
            counted_T[: split.longest] = True
            return counted_T
        return np.asarray(self.counted(name).any(axis=0))
