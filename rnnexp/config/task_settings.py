"""`task:` which of the three shapes, and what is predicted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.section import Section

__all__ = ["ManyToMany", "ManyToOne", "OneToMany", "Task"]

Weight = Annotated[float, Field(ge=1e-6, le=1e6)]
Target = Literal["regression", "classification"]
Loss = Literal["mse", "mae", "huber"]


class ManyToOne(Section):
    """A sequence in, one answer out: a review -> liked or not; a window -> the next value."""

    kind: Literal["many_to_one"]
    """`many_to_one`: sequence -> one answer"""
    target: Target | None = None
    """numbers or classes; follows from the data where it is left out"""
    loss: Loss | None = None
    """loss of a regression (default mse); classes are trained with cross-entropy"""
    class_weights: (
        Literal["balanced"] | tuple[Annotated[float, Field(ge=1e-6, le=1e6)], ...] | None
    ) = None
    """weight of each class in the loss, or `balanced`: inverse frequency in the training part"""


class OneToMany(Section):
    """One thing in, a sequence out: an image -> its word; a class -> a wave."""

    kind: Literal["one_to_many"]
    """`one_to_many`: image or class -> sequence"""
    target: Target | None = None
    """numbers or classes (tokens) at each step; follows from the data where it is left out"""
    loss: Loss | None = None
    """loss of a regression (default mse); classes are trained with cross-entropy"""
    conditioning: Literal["initial_state", "every_step"] = "initial_state"
    """the condition sets the initial state, or is appended to the input of every step"""


class ManyToMany(Section):
    """A sequence in, a sequence out: next value, next character, tags; delayed: a translation."""

    kind: Literal["many_to_many"]
    """`many_to_many`: sequence -> sequence"""
    alignment: Literal["aligned", "delayed"] = "aligned"
    """one answer per step, or a sequence of another length once all is read (encoder-decoder)"""
    beam: Annotated[int, Field(ge=1, le=100)] = 1
    """how many continuations the search keeps when a delayed task is scored at the end; 1 is greedy
    (validation always is)"""
    length_penalty: Annotated[float, Field(ge=0, le=10)] | None = None
    """the search ranks by log-probability / length ** this (default 1: the mean per token)"""
    target: Target | None = None
    """numbers or classes at each step; follows from the data where it is left out"""
    loss: Loss | None = None
    """loss of a regression (default mse); classes are trained with cross-entropy"""


Task = Annotated[ManyToOne | OneToMany | ManyToMany, Field(discriminator="kind")]
