"""Which examples train, validate and test: repeated ones, folds, and what stands in two splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import chain

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Images, Records, Split
from rnnexp.data.records.example import digest
from rnnexp.data.records.rows import Row
from rnnexp.data.splits import SPLITS, Fold, at_random
from rnnexp.errors import DataError

__all__ = ["Parts", "check_not_empty", "check_overlap", "parted", "without_repeated"]

Parts = tuple[list[Row], list[Row], list[Row]]


def parted(data: Records, files: Sequence[list[Row]], label: int = 1) -> Parts:
    """Train, val and test of one file, of a file and its test, or of three files.

    Equal examples of one file stay together, unless they may overlap; so do the captions of an
    image. label: the side (0 the input, 1 the target) that has the classes of `data.stratify`.
    """
    if len(files) == 3:
        return files[0], files[1], files[2]
    rows = files[0]
    names: list[Hashable] = list(range(len(rows)))
    if not data.allow_overlap:
        whole = isinstance(data, Images)
        names = [_side(row, 0) if whole else row.fingerprint for row in rows]
    strata = [_side(row, label) for row in rows] if data.stratify else None
    split, fold = data.split, None
    if len(files) == 2:
        split = _without_test(split)
    if data.folds is not None and data.fold is not None:
        fold = Fold(data.folds, data.fold)
    train, val, test = (
        [rows[i] for i in part] for part in at_random(names, split, data.split_seed, strata, fold)
    )
    return train, val, files[1] if len(files) == 2 else test


def without_repeated(data: Records, files: Sequence[list[Row]], label: int = 1) -> list[list[Row]]:
    """Leave out what `data.ambiguous` and `data.duplicates` say; `label` as in `parted`.

    Of equal examples in two files the later file's stays, so that a test never shrinks.
    """
    kept = [list(rows) for rows in files]
    if data.ambiguous == "drop":
        pairs = {(_side(row, 1 - label), _side(row, label)) for row in chain(*kept)}
        count = Counter(other for other, _ in pairs)
        kept = [[row for row in rows if count[_side(row, 1 - label)] == 1] for rows in kept]
    if data.duplicates == "drop":
        seen: set[bytes] = set()
        for number in reversed(range(len(kept))):
            first = {row.fingerprint: row for row in reversed(kept[number])}
            kept[number] = [
                row
                for row in kept[number]
                if row is first[row.fingerprint] and row.fingerprint not in seen
            ]
            seen |= first.keys()
    return kept


def check_overlap(data: Records, parts: Parts) -> int:
    """How many validation and test examples stand in another split too.

    Raises:
        DataError: there are some, and the config does not allow it.
    """
    seen: dict[bytes, Row] = {}
    shared: list[tuple[Row, Row]] = []
    for part in parts:
        shared += [(row, seen[row.fingerprint]) for row in part if row.fingerprint in seen]
        seen |= {row.fingerprint: row for row in part}
    if shared and not data.allow_overlap:
        row, other = shared[0]
        raise DataError(
            f"{len(shared):,} examples stand in more than one split; this one also in "
            f"{other.example.position}",
            code="DAT143",
            position=row.example.position,
            key="data.allow_overlap",
            value=False,
            hint="data.duplicates: drop leaves them out of training; data.allow_overlap: true "
            "accepts them",
        )
    return len(shared)


def check_not_empty(config: Config, parts: Parts) -> None:
    """Refuse a split without examples.

    Raises:
        DataError: one of the three has none.
    """
    for name, part in zip(SPLITS, parts, strict=True):
        if not part:
            raise DataError(
                f"the {name} split has 0 of {sum(map(len, parts)):,} examples"
                + (": would train 0 steps" if name == "train" else ""),
                code="DAT142",
                position=config.where(f"data.split.{name}"),
                key=f"data.split.{name}",
                hint=f"more different examples, or a larger data.split.{name}; equal ones stay "
                "together unless data.allow_overlap is true",
            )


def _side(row: Row, side: int) -> Hashable:
    """The input (0) or the target (1) of an example, as something that can be counted."""
    value = row.values[side]
    return tuple(value) if isinstance(value, list) else digest(value)


def _without_test(split: Split) -> Split:
    """The shares of training and validation where the test has a file of its own."""
    both = split.train + split.val
    return Split(train=split.train / both, val=split.val / both, test=0.0)
