"""Axes from the command line."""

from __future__ import annotations

from typing import Any

import pytest

from rnnexp.errors import CommandError
from rnnexp.sweeps.definition import Interval, Values
from rnnexp.sweeps.sweep_file import Shell

AXES: list[tuple[str, Any]] = [
    ("model.cell=rnn,lstm,gru", Values("model.cell", ("rnn", "lstm", "gru"))),
    ("clip=0.5,1,5", Values("clip", (0.5, 1, 5))),
    ("lr=1e-3,1e-4", Values("lr", (1e-3, 1e-4))),
    ("h=[8],[16, 8]", Values("h", ((8,), (16, 8)))),
    ("bptt=full,{k1: 5, k2: 5}", Values("bptt", ("full", {"k1": 5, "k2": 5}))),
    ('x="a,b",c', Values("x", ("a,b", "c"))),
    ("x=null,true", Values("x", (None, True))),
    ("n=2..5", Values("n", (2, 3, 4, 5))),
    ("d=0.0..0.5", Interval("d", 0.0, 0.5)),
    ("lr=log:1e-4..1e-1", Interval("lr", 1e-4, 1e-1, logarithmic=True)),
    ("lr=log:1e-4..1e-1:4", Interval("lr", 1e-4, 1e-1, logarithmic=True, points=4)),
    ("h=log:8..64", Interval("h", 8, 64, logarithmic=True)),
]


@pytest.mark.parametrize(("typed", "axis"), AXES, ids=[typed for typed, _ in AXES])
def test_several_values_are_an_axis(typed: str, axis: Any) -> None:
    assert Shell.read([typed]) == Shell(axes=(axis,))


@pytest.mark.parametrize(
    "typed", ["a=1", "a=[1, 2]", "a={x: 1, y: 2}", 'a="1,2"', "~a", "a=../data/x.csv", "nonsense"]
)
def test_one_value_holds_for_every_trial(typed: str) -> None:
    assert Shell.read([typed]) == Shell(fixed=(typed,))


@pytest.mark.parametrize(("typed", "seeds"), [("seed=0..4", (0, 1, 2, 3, 4)), ("seed=3,1", (3, 1))])
def test_seeds_are_no_axis(typed: str, seeds: tuple[int, ...]) -> None:
    assert Shell.read([typed]) == Shell(seeds=seeds)


def test_one_seed_and_a_name_are_the_sweeps_own() -> None:
    assert Shell.read(["seed=3", "name=x-y", "a=1"]) == Shell(
        fixed=("a=1",), seeds=(3,), name="x-y"
    )


@pytest.mark.parametrize(
    "typed",
    [
        "a=1,",
        "a=,1",
        "a=5..1",
        "a=log:0..1",
        "a=0..99999",
        "seed=1,x",
        "seed=0.1..0.5",
        "seed=1,1",
        "seed=-1",
        "name=a/b",
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(typed: str) -> None:
    with pytest.raises(CommandError) as caught:
        Shell.read(["fine=1,2", typed])
    (problem,) = caught.value.problems
    assert problem.position is not None and problem.position.file.endswith("2")
    assert problem.exit == 2 and "^" in (problem.hint or "")
