"""What was measured: a row for each shape, cell and number of threads; means over the shapes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rnnexp.benching.contender import OURS
from rnnexp.benching.shape import Shape, flops_of_step

__all__ = ["Mean", "Measured", "Row", "means", "row_of"]

Rounds = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Row:
    """One training step as each contender does it.

    seconds: of a step by contender, the median over the rounds. ratios: how many times as long a
    contender takes as we do, the median over the rounds of the ratio within a round. rounds: the
    seconds of each round. path: which path ran our layer, and why. gflops: of our step. share:
    of the machine's best matrix product with as many threads.
    """

    shape: Shape
    cell: str
    threads: int
    seconds: Mapping[str, float]
    ratios: Mapping[str, float]
    rounds: Rounds
    path: tuple[str, str]
    gflops: float
    share: float

    def to_json(self) -> dict[str, Any]:
        return {
            "shape": str(self.shape),
            "cell": self.cell,
            "threads": self.threads,
            "ms": {name: 1e3 * seconds for name, seconds in self.seconds.items()},
            "ratios": dict(self.ratios),
            "gflops": self.gflops,
            "share_of_best_product": self.share,
            "path": {"name": self.path[0], "reason": self.path[1]},
            "seconds_of_rounds": {name: list(found) for name, found in self.rounds.items()},
        }


@dataclass(frozen=True)
class Mean:
    """The ratio to one contender over the shapes of a cell: geometric mean, least, how many."""

    cell: str
    threads: int
    contender: str
    ratio: float
    least: float
    shapes: int

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Measured:
    """All of it. products: the best matrix product by threads, with `gflops` and `by`.

    versions: of what ran. absent: why a contender is not there, or not in every row.
    """

    rows: tuple[Row, ...]
    products: Mapping[int, Mapping[str, Any]]
    versions: Mapping[str, str]
    absent: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": [row.to_json() for row in self.rows],
            "means": [mean.to_json() for mean in means(self.rows)],
            "best_product": {str(threads): dict(p) for threads, p in self.products.items()},
            "versions": dict(self.versions),
            "absent": dict(self.absent),
        }


def row_of(  # noqa: PLR0917
    shape: Shape,
    cell: str,
    threads: int,
    rounds: Rounds,
    path: tuple[str, str],
    best_gflops: float,
) -> Row:
    """Sums up the rounds; each contender has a time in every round."""
    ours = rounds[OURS.name]
    ratios = {
        name: statistics.median(theirs / mine for theirs, mine in zip(found, ours, strict=True))
        for name, found in rounds.items()
        if name != OURS.name
    }
    seconds = {name: statistics.median(found) for name, found in rounds.items()}
    gflops = flops_of_step(cell, shape) / seconds[OURS.name] / 1e9
    return Row(shape, cell, threads, seconds, ratios, rounds, path, gflops, gflops / best_gflops)


def means(rows: Sequence[Row]) -> list[Mean]:
    """By threads and cell, in the order of the rows; a contender's over the shapes it was in."""
    found = []
    for threads, cell in dict.fromkeys((row.threads, row.cell) for row in rows):
        same = [row.ratios for row in rows if (row.threads, row.cell) == (threads, cell)]
        for name in dict.fromkeys(name for ratios in same for name in ratios):
            values = [ratios[name] for ratios in same if name in ratios]
            middle = statistics.geometric_mean(values)
            found.append(Mean(cell, threads, name, middle, min(values), len(values)))
    return found
