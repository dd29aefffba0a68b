"""Sweep files: what they say, and what they get wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnexp.errors import CommandError, ConfigError
from rnnexp.sweeps.definition import Choice, Definition, Interval, Method, Values
from rnnexp.sweeps.sweep_file import is_sweep_file, read_sweep

FILE = """
name: remedies
base: base.yaml
set: {training.epochs: 4, model.hidden_sizes: [8, 8]}
seeds: 3
method: {name: random, trials: 20, seed: 5}
space:
  model.cell: [rnn, lstm]
  training.optimizer.lr: {log_range: [1e-4, 1e-1]}
  data.length: {range: [10, 20], points: 3}
  remedy: {choice: {none: {training.clip: null}, clip: {training.clip: {norm: 1.0}}}}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_a_file_can_say(base: Path, tmp_path: Path) -> None:
    path = write(tmp_path, FILE)
    assert is_sweep_file(path) and not is_sweep_file(base)
    assert read_sweep(path) == Definition(
        "remedies",
        base,
        ("training.epochs=4", "model.hidden_sizes=[8, 8]"),
        (
            Values("model.cell", ("rnn", "lstm")),
            Interval("training.optimizer.lr", 1e-4, 1e-1, logarithmic=True),
            Interval("data.length", 10, 20, points=3),
            Choice(
                "remedy",
                {"none": {"training.clip": None}, "clip": {"training.clip": {"norm": 1.0}}},
            ),
        ),
        (0, 1, 2),
        Method("random", 20, 5),
    )


def test_a_definition_survives_json(base: Path, tmp_path: Path) -> None:
    import json

    asked = read_sweep(write(tmp_path, FILE))
    again = json.loads(json.dumps(asked.to_json()))
    found = Definition.from_json(asked.name, asked.base, again)
    assert found.to_json() == asked.to_json()
    assert found.seeds == asked.seeds and found.method == asked.method


def test_the_command_line_goes_before_the_file(base: Path, tmp_path: Path) -> None:
    path = write(tmp_path, FILE)
    found = read_sweep(path, ["model.cell=gru", "seed=7,9", "training.epochs=1,2"])
    assert [axis.name for axis in found.axes] == [
        "training.optimizer.lr", "data.length", "remedy", "training.epochs",
    ]  # fmt: skip
    assert found.seeds == (7, 9)
    assert found.fixed == ("model.hidden_sizes=[8, 8]", "model.cell=gru")
    assert read_sweep(path, ["seed=3", "name=other"]).seeds == (3,)


def test_a_config_is_swept_along_typed_axes(base: Path) -> None:
    found = read_sweep(base, ["model.cell=rnn,lstm"])
    assert (found.name, found.base, found.method.name) == ("small-sweep", base, "grid")


WRONG = [
    ("nmae: x", "nmae", 7, "name"),
    ("seeds: 0", "seeds", 7, None),
    ("seeds: [1, 1]", "seeds", 7, None),
    ("seeds: many", "seeds", 7, None),
    ("method: grdi", "method", 7, "grid"),
    ("method: {name: grid, trials: 3}", "method.trials", 7, None),
    ("method: {name: tpe, trials: 0}", "method.trials", 7, None),
    ("method: {name: tpe, trials: 5, pruner: medain}", "method.pruner", 7, "median"),
    ("name: a/b", "name", 7, None),
    ("set: 3", "set", 7, None),
    ("set: {seed: 3}", "set.seed", 7, None),
]
AXES = [
    ("a: 3", "space.a"),
    ("a: []", "space.a"),
    ("a: [1, 1]", "space.a"),
    ("a: {vlaues: [1]}", "space.a.vlaues"),
    ("a: {values: [1], range: [0, 1]}", "space.a"),
    ("a: {values: [1], points: 2}", "space.a.points"),
    ("a: {range: [1]}", "space.a.range"),
    ("a: {range: [2, 1]}", "space.a.range"),
    ("a: {log_range: [0, 1]}", "space.a.log_range"),
    ("a: {range: [0, 1], points: 0}", "space.a.points"),
    ("a: {choice: [x]}", "space.a.choice"),
    ("a: {choice: {x: 1}}", "space.a.choice.x"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=[wrong[0] for wrong in WRONG])
def test_what_is_wrong_is_named_with_its_line(
    base: Path, tmp_path: Path, wrong: tuple[str, str, int, str | None]
) -> None:
    line, key, number, suggestion = wrong
    head = "base: base.yaml\nspace:\n  model.cell: [rnn, lstm]\n\n\n\n"
    with pytest.raises(ConfigError) as caught:
        read_sweep(write(tmp_path, head + line))
    (problem,) = caught.value.problems
    assert problem.key == key and problem.position is not None
    assert (problem.position.line, problem.suggestion) == (number, suggestion)


@pytest.mark.parametrize(("axis", "key"), AXES)
def test_what_is_wrong_with_an_axis(base: Path, tmp_path: Path, axis: str, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_sweep(write(tmp_path, f"base: base.yaml\nspace:\n  {axis}\n"))
    assert key in [problem.key for problem in caught.value.problems]
    assert all(problem.position for problem in caught.value.problems)


WHOLES = {
    "nothing to sweep": "base: base.yaml\nseeds: 1",
    "how many values": "base: base.yaml\nspace: {a: {range: [0, 1]}}",
    "how many settings": "base: base.yaml\nspace: {a: {range: [0, 1]}}\nmethod: random",
    "is set by a as well": "base: base.yaml\nspace: {a: [1, 2], b: {choice: {x: {a: 3}}}}",
    "is set by a.b as well": "base: base.yaml\nspace: {a.b: [1, 2], c: {choice: {x: {a: 3}}}}",
    "pruning goes with tpe": "base: base.yaml\nspace: {a: [1, 2]}\n"
    "method: {name: random, trials: 2, pruner: asha}",
    "pruning needs a single seed": "base: base.yaml\nspace: {a: [1, 2]}\nseeds: 2\n"
    "method: {name: tpe, trials: 2, pruner: asha}",
    "seed is not an axis": "base: base.yaml\nspace: {seed: [1, 2]}",
    "name is not an axis": "base: base.yaml\nspace: {a: {choice: {x: {name: b}, y: {name: c}}}}",
    "needs the config": "space: {a: [1, 2]}",
}


@pytest.mark.parametrize("message", WHOLES)
def test_what_only_the_whole_can_tell(base: Path, tmp_path: Path, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_sweep(write(tmp_path, WHOLES[message]))


def test_a_grid_may_not_name_the_same_key_twice_on_the_command_line(base: Path) -> None:
    with pytest.raises(CommandError):
        read_sweep(base, ["seed=1,x"])
