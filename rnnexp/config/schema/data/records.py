"""`data:` examples that stand alone, each with an input and a target."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.data.split import Pieces, Seed, Split
from rnnexp.config.schema.section import FilePath, Section, Size

__all__ = [
    "Conllu",
    "CsvRows",
    "Folder",
    "Jsonl",
    "Pairs",
    "ParquetRows",
    "Records",
    "RowTable",
    "SplitFiles",
    "Unit",
]

Unit = Literal["number", "id", "label", "character", "word", "bpe"]


class Records(Section):
    """Examples that stand alone, each with an input and a target."""

    unit: Unit = "number"
    """one input step: number(s), a token id, a label (words already split), a part of one text"""
    target_unit: Unit | None = None
    """the same for the target; derived from the task where it is left out"""
    lowercase: bool = False
    """fold texts to lower case before their units are looked up (labels to predict stay)"""
    max_vocabulary: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    """keep only so many of the most frequent units of a text; the rest is unknown"""
    min_count: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """units of a text that the training part has fewer times are unknown"""
    max_length: Size | None = None
    """input steps that are read; what an example has beyond them is cut off"""
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
    duplicates: Literal["keep", "drop"] = "keep"
    """examples equal to an earlier one: keep them (in the same split), or drop them"""
    ambiguous: Literal["keep", "drop"] = "keep"
    """inputs that stand with different targets (texts in several classes): keep, or drop all"""
    allow_overlap: bool = False
    """accept examples that stand in more than one split"""
    split: Split = Split(train=0.8, val=0.1, test=0.1)
    """shares of the examples, shuffled once by `split_seed`"""
    split_seed: Seed = 0
    """seed of the split"""
    stratify: bool = False
    """give every class the same share in each split (one class an example)"""
    folds: Annotated[int, Field(ge=2, le=1000)] | None = None
    """cross-validation: the test is one of so many equal parts; `split` parts the rest"""
    fold: Annotated[int, Field(ge=0, le=999)] | None = None
    """which of the folds is the test, from 0"""


class SplitFiles(Records):
    """Examples of one file, or of files that are split already."""

    path: FilePath
    """the file, relative to the config that names it, or `data:NAME` of `rnnexp data ls`"""
    val_path: FilePath | None = None
    """a file of its own for validation (with test_path; then `split` is not used)"""
    test_path: FilePath | None = None
    """a file of its own for the test; alone, `split` parts training from validation"""

    @property
    def path_keys(self) -> tuple[str, ...]:
        """The keys that name the files to read: the first alone, with a test, or all three."""
        keys = ("path", "val_path", "test_path")
        return tuple(f"data.{key}" for key in keys if getattr(self, key) is not None)


class Jsonl(SplitFiles):
    """One example a line: numbers, token ids or text in, a number, label, sequence or text out."""

    source: Literal["jsonl"]
    """`jsonl`: one JSON object a line, variable lengths allowed"""
    inputs: str = "inputs"
    """key of the input in each object"""
    target: str = "target"
    """key of the target in each object"""


class RowTable(SplitFiles):
    """One example a row: a column of text, or several of numbers, and the target's column."""

    inputs: str | tuple[str, ...]
    """the column to read; or several, which are the time steps of a numeric sequence, in order"""
    target: str
    """the column to predict; sequences of labels, ids or numbers are parted by blanks in a cell"""

    @property
    def input_columns(self) -> tuple[str, ...]:
        """The columns to read, one or several."""
        return (self.inputs,) if isinstance(self.inputs, str) else self.inputs


class CsvRows(RowTable):
    """A CSV or TSV file with one example a row: a text and its label, a series and its class."""

    source: Literal["csv_rows"]
    """`csv_rows`: a CSV or TSV file, one example a row (`csv` reads a row as one time step)"""


class ParquetRows(RowTable):
    """A Parquet file with one example a row (extra `parquet`)."""

    source: Literal["parquet_rows"]
    """`parquet_rows`: a Parquet file, one example a row (extra `parquet`)"""


class Folder(Records):
    """Text files by class: one file a class and one example a line, or one folder a class."""

    source: Literal["folder"]
    """`folder`: text files by class; `eng.txt` or `rt.pos` holds one example a line, a subfolder
    one example a file"""
    path: FilePath
    """the folder, relative to the config that names it"""
    unit: Literal["character", "word"] = "word"
    """one step of the text: a character, or a word (runs of letters or digits, single marks)"""


class Pairs(Records):
    """Parallel text: line n of one file and line n of the other are the two sides of an example."""

    source: Literal["pairs"]
    """`pairs`: two text files, line by line the input and its target"""
    path: FilePath
    """the file of the inputs, relative to the config that names it"""
    target_path: FilePath
    """the file of the targets, as many lines"""
    val_path: FilePath | None = None
    """inputs of a validation of its own (with val_target_path, test_path, test_target_path)"""
    val_target_path: FilePath | None = None
    """targets of a validation of its own"""
    test_path: FilePath | None = None
    """inputs of a test of its own"""
    test_target_path: FilePath | None = None
    """targets of a test of its own"""
    unit: Unit = "word"
    """one input step: a character, or a word (runs of letters or digits, single marks)"""
    target_unit: Unit | None = "word"
    """one target step: a character, or a word"""

    @property
    def path_keys(self) -> tuple[str, ...]:
        """The keys of the input files; each has one of targets beside it."""
        keys = ("path", "val_path", "test_path")
        return tuple(f"data.{key}" for key in keys if getattr(self, key) is not None)


class Conllu(SplitFiles):
    """Tagged sentences of Universal Dependencies: the words in, one column of tags out."""

    source: Literal["conllu"]
    """`conllu`: tagged sentences in CoNLL-U, one word a line"""
    column: Literal["upos", "xpos", "deprel", "lemma"] = "upos"
    """what is predicted for each word"""
    unit: Unit = "label"
    """one input step: a word as the file has it"""
