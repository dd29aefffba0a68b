"""What every source delivers: three splits of sequences and what their numbers mean.

Shape letters: N examples, T time steps, I input features, O output features, V vocabulary.
numpy only; tensors begin in `rnnexp.data.batches`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.compatibility import Shape
from rnnexp.data.encoding import Scaler, Vocabulary
from rnnexp.data.spacing import SPACES, Spacing

__all__ = ["Dataset", "Sequences", "Tokens", "Values"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Values:
    """A vector of `size` real numbers at each step; `scaler` turns them back to their own units."""

    size: int
    names: tuple[str, ...] = ()
    scaler: Scaler | None = None


@dataclass(frozen=True)
class Tokens:
    """One of `size` classes at each step; `vocabulary` names them where they have names.

    `end` is the id that closes a generated sequence and, fed first, opens it (one-to-many and
    delayed). `spacing` says how the names become text again.
    """

    size: int
    vocabulary: Vocabulary | None = None
    end: int | None = None
    spacing: Spacing = SPACES

    def text(self, ids: Iterable[int]) -> str:
        """What ids say, the end token aside."""
        kept = [i for i in ids if i != self.end]
        units = self.vocabulary.decode(kept) if self.vocabulary else map(str, kept)
        return self.spacing.join(units)


@dataclass(frozen=True)
class Sequences:
    """The N examples of one split, right-padded with zeros to a common T.

    inputs: Values (N, T, I) float32 or Tokens (N, T) int64;
        in one-to-many the condition: Values (N, I) float32 or Tokens (N,) int64.
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


@dataclass(frozen=True)
class Dataset:
    """A whole data set, split, encoded and scaled.

    consecutive: the examples of a split follow each other without a gap, as windows of one stream
        (what `carry_state` needs).
    season: period in steps of a time series, where the config gives one.
    reach: steps from an answer back to the earliest input that it depends on, where the task tells.
    know_nothing: metrics of the best constant answer where theory gives them,
        as {"mse": 1/6} for adding or {"loss": 10 ln 8 / (T + 20)} for copy memory.
    record: what goes into `data.json`: files with SHA-256 and bytes, sizes, splits, scaler.
    """

    source: str
    shape: Shape
    train: Sequences
    val: Sequences
    test: Sequences
    inputs: Values | Tokens
    outputs: Values | Tokens
    consecutive: bool = False
    season: int | None = None
    reach: int | None = None
    know_nothing: Mapping[str, float] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)

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
        split = self.split(name)
        if self.shape == "many_to_one":
            return np.ones(len(split), dtype=bool)
        counted = np.ones(split.targets.shape[:2], dtype=bool)
        if split.lengths is not None:
            counted &= np.arange(split.targets.shape[1]) < split.lengths[:, None]
        return counted if split.mask is None else counted & split.mask
