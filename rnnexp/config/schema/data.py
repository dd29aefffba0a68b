"""`data:` where the sequences come from and how they are cut, split and scaled.

`source` chooses the class; a key of another source is an unknown key here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.section import Fraction, Section

__all__ = [
    "Adding",
    "AirlinePassengers",
    "CopyMemory",
    "Csv",
    "Data",
    "DelayedEcho",
    "Digits",
    "Jsonl",
    "PythonDocs",
    "Running",
    "Series",
    "SineMixture",
    "Split",
    "Sunspots",
    "Synthetic",
    "TemporalOrder",
    "Text",
    "TextCorpus",
    "Waveforms",
]

Count = Annotated[int, Field(ge=1, le=10_000_000)]
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


class Csv(Series):
    """Numeric columns of a CSV or TSV file, one row per time step, oldest first."""

    source: Literal["csv"]
    """`csv`: a CSV or TSV file of yours"""
    path: str
    """the file, relative to the config that names it"""
    value: str | tuple[str, ...]
    """the column, or columns, to read and to predict"""
    nan: Literal["error", "drop"] = "error"
    """rows with a blank, NaN or infinite value: refuse the file, or drop those rows"""


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


class TextCorpus(Section):
    """One long text; the network predicts every next unit. Split into contiguous parts."""

    unit: Literal["character", "word"] = "character"
    """what one time step is: a character, or a word (runs of letters or digits, single marks)"""
    window: Steps = 64
    """T, time steps per window; windows follow each other without overlap"""
    lowercase: bool = False
    """fold the text to lower case first"""
    max_vocabulary: Annotated[int, Field(ge=2, le=1_000_000)] | None = None
    """keep only so many of the most frequent units of the training part; the rest is unknown"""
    split: Split = Split(train=0.9, val=0.05, test=0.05)
    """contiguous shares of the text, in order"""


class Text(TextCorpus):
    """A UTF-8 text file of yours, read as one stream."""

    source: Literal["text"]
    """`text`: a UTF-8 text file of yours"""
    path: str
    """the file, relative to the config that names it"""


class PythonDocs(TextCorpus):
    """The English documentation that comes with Python's standard library, as a corpus."""

    source: Literal["python_docs"]
    """`python_docs`: the standard library's English documentation (offline, about 0.7 MB)"""


class Jsonl(Section):
    """One example a line: numbers, token ids or text in, a number, label, sequence or text out."""

    source: Literal["jsonl"]
    """`jsonl`: one JSON object a line, variable lengths allowed"""
    path: str
    """the file, relative to the config that names it"""
    val_path: str | None = None
    """a file of its own for validation (with test_path; then `split` is not used)"""
    test_path: str | None = None
    """a file of its own for the test (with val_path)"""
    inputs: str = "inputs"
    """key of the input in each object"""
    target: str = "target"
    """key of the target in each object"""
    unit: Literal["number", "id", "label", "character", "word"] = "number"
    """one input step: number(s), a token id, a label (words already split), a part of one text"""
    target_unit: Literal["number", "id", "label", "character", "word"] | None = None
    """the same for the target; derived from the task where it is left out"""
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
    """Tell in which order two rare symbols came (Hochreiter and Schmidhuber 1997, task 6a)."""

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


Data = Annotated[
    Csv
    | Jsonl
    | Text
    | PythonDocs
    | Sunspots
    | AirlinePassengers
    | Digits
    | Adding
    | CopyMemory
    | TemporalOrder
    | DelayedEcho
    | Running
    | SineMixture
    | Waveforms,
    Field(discriminator="source"),
]
