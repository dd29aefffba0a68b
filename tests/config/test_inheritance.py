"""`base: other.yaml`."""

from __future__ import annotations

import pytest

from rnnexp.config.document import MAX_BASES
from rnnexp.config.loading import load_config
from rnnexp.errors import ConfigError, Problem

from .conftest import Load, Problems, Write


def refused(load: Load, text: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load(text)
    (problem,) = caught.value.problems
    return problem


@pytest.fixture(autouse=True)
def base(write: Write, examples: dict[str, str]) -> None:
    write(examples["series"], "base.yaml")


def test_sections_merge_key_by_key(load: Load) -> None:
    config = load("base: base.yaml\nname: heir\nmodel: {dropout: 0.3}\n")
    assert config.experiment.name == "heir"
    assert config.experiment.model.dropout == 0.3
    assert config.experiment.model.hidden_sizes == (64, 32)
    assert config.where("model.dropout").file.endswith("exp.yaml")
    assert config.where("model.hidden_sizes").file.endswith("base.yaml")


def test_a_section_of_another_kind_is_replaced(load: Load) -> None:
    config = load("base: base.yaml\ndata: {source: sunspots}\ntraining: {optimizer: {name: sgd}}\n")
    assert config.experiment.data.model_fields_set == {"source"}
    assert config.experiment.training.optimizer.lr == 0.1
    assert config.where("data.path").file.endswith("exp.yaml")


def test_full_replaces_a_truncation(load: Load, write: Write) -> None:
    write("base: base.yaml\ntraining: {bptt: {k1: 32, k2: 32}}\n", "cut.yaml")
    bptt = "{full: true, checkpoint_every: 4}"
    config = load(f"base: cut.yaml\ntraining: {{bptt: {bptt}}}\n")
    assert config.experiment.model_dump()["training"]["bptt"] == {
        "full": True,
        "checkpoint_every": 4,
    }


def test_null_unsets(load: Load) -> None:
    config = load("base: base.yaml\ntraining: {clip: null, batch_size: null, early_stopping: ~}\n")
    training = config.experiment.training
    assert (training.clip, training.batch_size, training.early_stopping) == (None, 32, None)


def test_files_are_relative_to_the_config_that_names_them(
    load: Load, write: Write, examples: dict[str, str]
) -> None:
    (write("").parent / "sub").mkdir()
    write(examples["series"], "sub/far.yaml")
    config = load("base: sub/far.yaml\n")
    assert config.file("data.path") == config.path.parent / "sub" / "sunspots.csv"
    config = load("base: sub/far.yaml\ndata: {path: near.csv}\n")
    assert config.file("data.path") == config.path.parent / "near.csv"


def test_errors_stand_in_their_own_file(
    problems: Problems, write: Write, examples: dict[str, str]
) -> None:
    write(examples["series"].replace("dropout:", "droput:"), "bad.yaml")
    found = problems("base: bad.yaml\nmodel: {sell: gru}\n")
    files = [str(problem.position).rpartition("/")[2] for problem in found]
    assert files == ["bad.yaml:17:3", "exp.yaml:2:9"]


def test_overrides_come_last(load: Load) -> None:
    config = load("base: base.yaml\nseed: 3\n", "seed=4", "~model.forget_bias")
    assert (config.experiment.seed, config.experiment.model.forget_bias) == (4, None)


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("bsae.yaml", "no such file"),
        (".", "directory"),
        ("exp.yaml", "cannot inherit from itself"),
        ("./../x/../x", "no such file"),
        ("3", "expected the name"),
        ("[a, b]", "expected the name"),
        ("null", "expected the name"),
    ],
)
def test_wrong_bases(load: Load, named: str, words: str) -> None:
    problem = refused(load, f"name: x\nbase: {named}\n")
    assert words in problem.message
    assert problem.position is not None
    assert (problem.position.line, problem.position.column) == (2, 7)


def test_the_nearest_base_is_suggested(load: Load) -> None:
    assert refused(load, "base: bsae.yaml").suggestion == "base.yaml"


def test_a_circle_is_refused(load: Load, write: Write) -> None:
    write("base: b.yaml", "a.yaml")
    write("base: a.yaml", "b.yaml")
    assert "a.yaml" in refused(load, "base: a.yaml").message


def test_depth_is_bounded(write: Write) -> None:
    for number in range(MAX_BASES + 1):
        write(f"base: {number + 1}.yaml", f"{number}.yaml")
    write("name: x", f"{MAX_BASES + 1}.yaml")
    with pytest.raises(ConfigError, match="inherit"):
        load_config(write("base: 0.yaml"))
