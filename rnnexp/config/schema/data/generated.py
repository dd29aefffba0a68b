"""`data:` tasks that are generated: fresh, independent examples."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.data.split import Count, Seed
from rnnexp.config.schema.section import Section

__all__ = [
    "Adding",
    "CopyMemory",
    "DelayedEcho",
    "ReversedAddition",
    "Running",
    "Synthetic",
    "TemporalOrder",
    "Waveforms",
]


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
