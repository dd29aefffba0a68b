"""`data:` where the sequences come from and how they are cut, split and scaled."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.section import FilePath, Fraction, Section, Size

__all__ = [
    "Adding",
    "AirlinePassengers",
    "ColumnSeries",
    "Conllu",
    "CopyMemory",
    "Csv",
    "CsvRows",
    "Data",
    "DelayedEcho",
    "Digits",
    "Folder",
    "Idx",
    "Images",
    "Jsonl",
    "Npz",
    "Pairs",
    "Parquet",
    "ParquetRows",
    "PythonDocs",
    "Records",
    "ReversedAddition",
    "RowTable",
    "Running",
    "Series",
    "SineMixture",
    "Split",
    "SplitFiles",
    "Sunspots",
    "Synthetic",
    "TemporalOrder",
    "Text",
    "TextCorpus",
    "Unit",
    "Waveforms",
]


# What several sources have in common: shares of the data, sizes, seeds.

Count = Annotated[int, Field(ge=1, le=10_000_000)]
Pieces = Annotated[int, Field(ge=257, le=1_000_000)]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Split(Section):
    """Shares of the data for training, validation and test; they must sum to 1."""

    train: Fraction = 0.7
    """share that the weights are fitted on"""
    val: Fraction = 0.15
    """share that ranks checkpoints and stops training"""
    test: Fraction = 0.15
    """share that is scored once, at the end"""


# `data:` tasks that are generated: fresh, independent examples.


class Synthetic(Section):
    """A generated task with fresh, independent train, validation and test examples."""

    train: Count = 10_000
    """training examples"""
    val: Count = 1_000
    """validation examples"""
    test: Count = 1_000
    """test examples"""
    seed: Seed = 0
    """seed of the generator, apart from the experiment's, so that seeds compare on the same data"""


class Adding(Synthetic):
    """Add the two marked numbers of a sequence (Hochreiter and Schmidhuber 1997)."""

    source: Literal["adding"]
    """`adding`: the sum of two marked numbers; know-nothing MSE 1/6"""
    length: Annotated[int, Field(ge=2, le=100_000)] = 100
    """T, time steps"""


class CopyMemory(Synthetic):
    """Repeat ten symbols after a delay (Hochreiter and Schmidhuber 1997; Arjovsky et al. 2016)."""

    source: Literal["copy_memory"]
    """`copy_memory`: repeat symbols after a delay; know-nothing cross-entropy 10 ln 8/(delay+20)"""
    delay: Annotated[int, Field(ge=1, le=100_000)] = 50
    """blank steps between the symbols and the signal to recall them; T = delay + 2 symbols"""
    symbols: Annotated[int, Field(ge=1, le=1000)] = 10
    """how many symbols are to be recalled"""
    alphabet: Annotated[int, Field(ge=2, le=1000)] = 8
    """how many different symbols there are"""


class TemporalOrder(Synthetic):
    """Tell in which order two rare symbols came (Hochreiter and Schmidhuber 1997, task 6a).

    As many_to_many it is asked at the last step, and only that counts.
    """

    source: Literal["temporal_order"]
    """`temporal_order`: the order of two rare symbols among distractors, four classes"""
    length: Annotated[int, Field(ge=10, le=100_000)] = 100
    """T, time steps"""


class DelayedEcho(Synthetic):
    """Say at every step which symbol was seen `delay` steps ago."""

    source: Literal["delayed_echo"]
    """`delayed_echo`: at every step, the symbol of `delay` steps ago"""
    length: Annotated[int, Field(ge=2, le=100_000)] = 50
    """T, time steps"""
    delay: Annotated[int, Field(ge=1, le=100_000)] = 5
    """how many steps back the echo lies"""
    alphabet: Annotated[int, Field(ge=2, le=1000)] = 4
    """how many different symbols there are"""


class Running(Synthetic):
    """Say at every step the parity, or the sum, of everything read so far."""

    source: Literal["running"]
    """`running`: at every step, the parity or the sum of all inputs so far"""
    operation: Literal["parity", "sum"] = "parity"
    """parity of bits (classes), or sum of numbers (regression)"""
    length: Annotated[int, Field(ge=2, le=100_000)] = 20
    """T, time steps"""


class Waveforms(Synthetic):
    """Draw the wave that a class names: sine, square, sawtooth or triangle, plus noise."""

    source: Literal["waveforms"]
    """`waveforms`: class -> wave (sine, square, sawtooth, triangle), for one_to_many"""
    length: Annotated[int, Field(ge=4, le=10_000)] = 40
    """T, time steps of the wave"""
    period: Annotated[int, Field(ge=4, le=10_000)] = 20
    """steps per period"""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.05
    """standard deviation of the Gaussian noise"""
    train: Count = 2_000
    """training examples"""
    val: Count = 200
    """validation examples"""
    test: Count = 200
    """test examples"""


class ReversedAddition(Synthetic):
    """Add two numbers, character by character: `123+456` in, `579` out."""

    source: Literal["reversed_addition"]
    """`reversed_addition`: a sum as characters -> its digits, for a delayed many_to_many"""
    digits: Annotated[int, Field(ge=1, le=4)] = 3
    """the most digits that a number has"""
    backwards: bool = True
    """the sum is written from its last character to its first: `654+321`"""
    train: Count = 45_000
    """training examples"""
    val: Count = 2_500
    """validation examples"""
    test: Count = 2_500
    """test examples"""


# `data:` examples that stand alone, each with an input and a target.

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


# `data:` arrays of numbers: saved arrays, images and the like.

Word = Annotated[str, Field(min_length=1, max_length=1000)]
Pixels = Annotated[int, Field(ge=1, le=4096)]


class Npz(SplitFiles):
    """Arrays of numbers with the examples along their first axis, in .npz or .safetensors."""

    source: Literal["npz"]
    """`npz`: named arrays of a .npz or .safetensors file"""
    inputs: str = "inputs"
    """array of the inputs: (N, T) or (N, T, I); in one_to_many (N, C) features or (N,) classes"""
    target: str = "target"
    """array of the targets: one a sequence, (N,) or (N, O), or one a step, (N, T) or (N, T, O)"""
    lengths: str | None = None
    """array (N,) of the valid steps of each sequence; without it every sequence is as long as T"""
    unit: Literal["number", "id"] = "number"
    """one input step: number(s) or a token id"""
    target_unit: Literal["number", "id"] | None = None
    """the same for the target; derived from the task where it is left out"""


class Digits(Section):
    """scikit-learn's 1,797 handwritten digits, 8x8 pixels (extra `datasets`)."""

    source: Literal["digits"]
    """`digits`: scikit-learn's 8x8 handwritten digits (extra `datasets`)"""
    view: Literal["rows", "pixels", "image"] = "rows"
    """T=8 rows of 8 pixels, T=64 single pixels, or the whole image, for one_to_many"""
    split: Split = Split()
    """shares of the examples, shuffled once by `split_seed`"""
    split_seed: Seed = 0
    """seed of the split"""


class Idx(Section):
    """Images and their classes in IDX files, as MNIST and its kin come, plain or gzipped."""

    source: Literal["idx"]
    """`idx`: images and labels in IDX files (MNIST), plain or .gz"""
    path: FilePath
    """the file of the images, relative to the config that names it"""
    labels: FilePath
    """the file of their classes, which count from 0"""
    view: Literal["rows", "pixels", "image"] = "rows"
    """T=H rows of W pixels, T=H*W single pixels, or the whole image, for one_to_many"""
    words: Annotated[tuple[Word, ...], Field(min_length=2, max_length=10_000)] | None = None
    """a word for each class (default: its number); with view: image it is spelled out by letter"""
    split: Split = Split()
    """shares of the examples, shuffled once by `split_seed`"""
    split_seed: Seed = 0
    """seed of the split"""


class Images(Records):
    """A folder of images and a table of their captions, for one_to_many."""

    source: Literal["images"]
    """`images`: a folder of images and a CSV file of their captions"""
    path: FilePath
    """the folder, relative to the config that names it"""
    captions: FilePath
    """the CSV or TSV file that has an image and a caption of it in each row"""
    image: str = "image"
    """column of the image's file name, relative to the folder"""
    caption: str = "caption"
    """column of the caption"""
    unit: Literal["character", "word", "label"] = "character"
    """one step of a caption: a character, a word, or a label (whatever blanks keep apart)"""
    color: Literal["gray", "rgb"] = "rgb"
    """one channel of brightness, or red, green and blue"""
    size: tuple[Pixels, Pixels] | None = None
    """[H, W] that every image is resized to; needed where their sizes differ"""

    @property
    def inputs(self) -> str:
        """What the input side is called in messages."""
        return self.image

    @property
    def target(self) -> str:
        """What the target side is called in messages."""
        return self.caption


# `data:` numeric time series, cut into windows.


class Series(Section):
    """A numeric time series cut into windows; split in time, scaled by the training part."""

    window: Steps = 32
    """T, input time steps per example"""
    horizon: Annotated[int, Field(ge=1, le=10_000)] = 1
    """how many steps after the window's last input the target lies"""
    split: Split = Split()
    """chronological shares; a window belongs to the split of its target"""
    scale: Literal["standard", "minmax", "none"] = "standard"
    """scaling of every column, fitted on the training part only"""
    log: bool = False
    """take the natural logarithm before scaling (positive values only)"""
    season: Annotated[int, Field(ge=2, le=100_000)] | None = None
    """period in steps; adds the seasonal-naive baseline"""


class ColumnSeries(Series):
    """Columns of a table, one row per time step, oldest first."""

    path: FilePath
    """the file, relative to the config that names it, or `data:NAME` of `rnnexp data ls`"""
    value: str | tuple[str, ...]
    """the column, or columns, to read and to predict"""
    inputs: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    """further columns to read, not predicted: numbers, or categories (text), read as one-hot"""
    id: str | None = None
    """the column that names the series of a row, where a file holds several; each is split and cut
    by itself"""
    nan: Literal["error", "drop"] = "error"
    """rows with a blank, NaN or infinite value: refuse the file, or drop those rows"""

    @property
    def value_columns(self) -> tuple[str, ...]:
        """The columns to predict, one or several."""
        return (self.value,) if isinstance(self.value, str) else self.value


class Csv(ColumnSeries):
    """A CSV or TSV file, one row per time step, oldest first."""

    source: Literal["csv"]
    """`csv`: a CSV or TSV file of yours, one row per time step"""


class Parquet(ColumnSeries):
    """A Parquet file, one row per time step, oldest first (extra `parquet`)."""

    source: Literal["parquet"]
    """`parquet`: a Parquet file of yours, one row per time step (extra `parquet`)"""


class Sunspots(Series):
    """Yearly sunspot numbers 1700-2008, shipped with rnnexp."""

    source: Literal["sunspots"]
    """`sunspots`: yearly sunspot numbers 1700-2008 (shipped)"""


class AirlinePassengers(Series):
    """Monthly airline passengers 1949-1960 (Box and Jenkins, series G), shipped with rnnexp."""

    source: Literal["airline_passengers"]
    """`airline_passengers`: monthly totals in thousands, 1949-1960 (shipped)"""


class SineMixture(Series):
    """A sum of sine waves with random periods, amplitudes and phases, plus noise."""

    source: Literal["sine_mixture"]
    """`sine_mixture`: generated series, a sum of sine waves plus noise"""
    length: Annotated[int, Field(ge=16, le=10_000_000)] = 5000
    """time steps of the series"""
    waves: Annotated[int, Field(ge=1, le=64)] = 3
    """how many sine waves are added up"""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.1
    """standard deviation of the Gaussian noise"""
    seed: Seed = 0
    """seed of the generator, apart from the experiment's, so that seeds compare on the same data"""


# `data:` one long text, of which every next unit is predicted.


class TextCorpus(Section):
    """One long text; the network predicts every next unit. Split into contiguous parts."""

    unit: Literal["character", "word", "bpe"] = "character"
    """one time step: a character, a word (a run of letters or digits, a mark), or a byte pair"""
    pieces: Pieces | None = None
    """unit: bpe: how many byte pairs there are at most, the 256 single bytes among them"""
    window: Steps = 64
    """T, time steps per window; windows follow each other without overlap"""
    lowercase: bool = False
    """fold the text to lower case first"""
    max_vocabulary: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    """keep only so many of the most frequent units of the training part; the rest is unknown"""
    split: Split = Split(train=0.9, val=0.05, test=0.05)
    """contiguous shares of the text, in order (byte pairs: of its characters)"""


class Text(TextCorpus):
    """A UTF-8 text file of yours, packed by gzip or not, read as one stream.

    A large one is never held in memory: its ids lie in the cache, which RNNEXP_DATA names. Small
    shares for `split.val` and `split.test` keep the scoring of a very long text short.
    """

    source: Literal["text"]
    """`text`: a UTF-8 text file of yours"""
    path: FilePath
    """the file, relative to the config that names it, or `data:NAME` of `rnnexp data ls`"""


class PythonDocs(TextCorpus):
    """The English documentation that comes with Python's standard library, as a corpus."""

    source: Literal["python_docs"]
    """`python_docs`: the standard library's English documentation (offline, about 0.7 MB)"""


# `data:` where the sequences come from and how they are cut, split and scaled.
#
# `source` chooses the class; a key of another source is an unknown key here.

Data = Annotated[
    Csv
    | Parquet
    | CsvRows
    | ParquetRows
    | Jsonl
    | Folder
    | Pairs
    | Conllu
    | Text
    | PythonDocs
    | Sunspots
    | AirlinePassengers
    | Npz
    | Images
    | Idx
    | Digits
    | Adding
    | CopyMemory
    | TemporalOrder
    | DelayedEcho
    | ReversedAddition
    | Running
    | SineMixture
    | Waveforms,
    Field(discriminator="source"),
]
