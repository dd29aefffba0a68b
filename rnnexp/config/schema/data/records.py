"""`data:` examples that stand alone, each with an input and a target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.data.split import Pieces, Seed, Split
from rnnexp.config.schema.section import Section

__all__ = ["Jsonl", "Records", "SplitFiles", "Unit"]

Unit = Literal["number", "id", "label", "character", "word", "bpe"]


class Records(Section):
    """Examples that stand alone, each with an input and a target."""

    unit: Unit = "number"
    """one input step: number(s), a token id, a label (words already split), a part of one text"""
    target_unit: Unit | None = None
    """the same for the target; derived from the task where it is left out"""
    pieces: Pieces | None = None
    """unit or target_unit: bpe: byte pairs of a side at most, the 256 single bytes among them"""
    classes: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    """how many classes the target has; derived from the data where it is left out"""
    vocabulary: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    """how many token ids the input has (unit: id); derived from the data where it is left out"""
    scale: Literal["standard", "minmax", "none"] = "none"
    """scaling of numeric inputs and targets, fitted on the training part only"""
    nan: Literal["error", "drop"] = "error"
    """examples with NaN or infinite values: refuse the file, or drop those examples"""
    empty: Literal["error", "drop"] = "error"
    """examples of length 0: refuse the file, or drop those examples"""
    allow_overlap: bool = False
    """accept examples that stand in more than one split"""
    split: Split = Split(train=0.8, val=0.1, test=0.1)
    """shares of the examples, shuffled once by `split_seed`"""
    split_seed: Seed = 0
    """seed of the split"""


class SplitFiles(Records):
    """Examples of one file, or of files that are split already."""

    path: str
    """the file, relative to the config that names it"""
    val_path: str | None = None
    """a file of its own for validation (with test_path; then `split` is not used)"""
    test_path: str | None = None
    """a file of its own for the test (with val_path)"""

    @property
    def path_keys(self) -> tuple[str, ...]:
        """The keys that name the files to read: one, or three."""
        return ("data.path", "data.val_path", "data.test_path")[: 3 if self.val_path else 1]


class Jsonl(SplitFiles):
    """One example a line: numbers, token ids or text in, a number, label, sequence or text out."""

    source: Literal["jsonl"]
    """`jsonl`: one JSON object a line, variable lengths allowed"""
    inputs: str = "inputs"
    """key of the input in each object"""
    target: str = "target"
    """key of the target in each object"""
