"""`a.b=c` and `~a.b`: what they do, and what one learns from a wrong one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnexp.config.loading import load_config
from rnnexp.errors import CommandError, ConfigError, Problem, RnnexpError, UnsafeError

from .conftest import Load, Write


def refused(load: Load, text: str, *overrides: str) -> list[Problem]:
    with pytest.raises(CommandError) as caught:
        load(text, *overrides)
    assert caught.value.exit == 2
    return list(caught.value.problems)


def caret_of(problem: Problem) -> str:
    """What the carets of a problem stand under."""
    typed, carets = str(problem.hint).splitlines()[:2]
    return typed[carets.index("^") : len(carets)]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.optimizer.lr=1e-4", 1e-4),
        ("model.hidden_sizes=[8, 4]", (8, 4)),
        ("training.clip={value: 3}", {"norm": None, "value": 3.0, "auto": None}),
        ("training.clip=null", None),
        ("training.batch_size=64", 64),
        ("training.early_stopping.min_delta=.5", 0.5),
        ("data.path='a,b.csv'", "a,b.csv"),
        ("data.value=no", "no"),
        ("~training.clip", None),
        ("~training.batch_size", 32),
    ],
)
def test_values(load: Load, examples: dict[str, str], override: str, expected: object) -> None:
    value = load(examples["series"], override).experiment.model_dump()
    for name in override.removeprefix("~").partition("=")[0].split("."):
        value = value[name]
    assert value == expected


def test_a_section_is_made_where_there_is_none(load: Load, examples: dict[str, str]) -> None:
    config = load(examples["waves"], "training.bptt.k1=5", "training.bptt.k2=10")
    assert config.experiment.model_dump()["training"]["bptt"]["k2"] == 10
    assert config.overrides == ("training.bptt.k1=5", "training.bptt.k2=10")
    assert config.where("training.bptt.k1").file == "command line, override 1"


@pytest.mark.parametrize(
    ("override", "key", "suggestion", "under"),
    [
        ("model.hidden_sise=3", "model.hidden_sise", "hidden_sizes", "hidden_sise"),
        ("modle.cell=gru", "modle", "model", "modle"),
        ("lr=abc", "lr", "training.optimizer.lr", "lr"),
        ("training.optimizer.lr=abc", "training.optimizer.lr", None, "abc"),
        ("training.optimizer.lr=-1", "training.optimizer.lr", None, "-1"),
        ("model.cell=LSTMM", "model.cell", "lstm", "LSTMM"),
        ("training.clip={norm: 1, vlaue: 2}", "training.clip.vlaue", "value", "vlaue"),
        ("training.batch_size=1.5", "training.batch_size", None, "1.5"),
        ("training.batch_size=1,2,3", "training.batch_size", None, "1,2,3"),
        ("training.clip=[1", "training.clip", None, "[1"),
        ("data.path=", "data.path", None, "="),
        ("~name", "name", None, "name"),
        ("~data.path", "data.path", None, "path"),
        ("~training.max_steps", "training.max_steps", None, "training.max_steps"),
        ("epochs", "epochs", None, "epochs"),
        ("~name=3", "name", None, "=3"),
        ("model..cell=3", "model..cell", None, "model..cell=3"),
        ("model.hidden_sizes.0=3", "model.hidden_sizes.0", None, "hidden_sizes.0=3"),
        ("base=other.yaml", "base", None, "base=other.yaml"),
    ],
)
def test_wrong_overrides(  # noqa: PLR0917
    load: Load,
    examples: dict[str, str],
    override: str,
    key: str,
    suggestion: str | None,
    under: str,
) -> None:
    (problem,) = refused(load, examples["series"], "seed=3", override)
    assert (problem.key, problem.suggestion) == (key, suggestion)
    assert problem.position is not None
    assert problem.position.file == "command line, override 2"
    assert caret_of(problem) == under


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [("model.hidden_sizes", "5", "0"), ("model.hidden_sizes", "5", "70000"),
     ("training.clip", "1", "0"), ("training.bptt", "4", "-1")],
)  # fmt: skip
def test_no_hint_leads_to_the_next_error(
    load: Load, examples: dict[str, str], key: str, good: str, bad: str
) -> None:
    (problem,) = refused(load, examples["series"], f"{key}={good}")
    assert "write" in str(problem.hint)
    (problem,) = refused(load, examples["series"], f"{key}={bad}")
    assert "write" not in str(problem.hint)


def test_several_values_name_the_sweep(load: Load, examples: dict[str, str]) -> None:
    (problem,) = refused(load, examples["series"], "seed=1,2,3")
    assert "rnnexp sweep" in str(problem.hint)
    assert "seed=[1,2,3]" in str(problem.hint)


def test_all_wrong_overrides_at_once(load: Load, examples: dict[str, str]) -> None:
    assert len(refused(load, examples["series"], "a", "seed=1,2", "b=[")) == 3
    assert len(refused(load, examples["series"], "a=1", "seed=x", "model.cell=x")) == 3


def test_the_same_key_twice(load: Load, examples: dict[str, str]) -> None:
    (problem,) = refused(load, examples["series"], "seed=1", "seed=2")
    assert problem.message == "already set by command line, override 1"


@pytest.mark.parametrize(
    "later", ["~model.cell", "~model", "model={}", "model={cell: lstm}", "model=3"]
)
def test_an_override_never_undoes_another(load: Load, examples: dict[str, str], later: str) -> None:
    (problem,) = refused(load, examples["series"], "model.cell=gru", later)
    assert problem.message == "would undo command line, override 1 (model.cell=gru)"


def test_a_section_and_then_a_key_of_it(load: Load, examples: dict[str, str]) -> None:
    config = load(examples["series"], "model={cell: gru}", "model.hidden_sizes=[5]")
    assert (config.experiment.model.cell, config.experiment.model.hidden_sizes) == ("gru", (5,))


def test_a_contradiction_is_a_config_error(load: Load, examples: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(examples["series"], "model.hidden_sizes=[8]", "model.return_sequences=auto")
    assert caught.value.exit == 3
    assert "on the command line, override 1" in caught.value.problems[0].message


def test_a_wrong_file_and_a_wrong_override(load: Load, examples: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(examples["series"] + "x: 1\n", "seed=x")
    assert caught.value.exit == 3
    assert {problem.exit for problem in caught.value.problems} == {2, None}


def test_tags_in_an_override_are_unsafe(load: Load, examples: dict[str, str]) -> None:
    with pytest.raises(UnsafeError) as caught:
        load(examples["series"], "seed=!!python/name:os.system")
    (problem,) = caught.value.problems
    assert str(problem.position) == "command line, override 1:6"
    with pytest.raises(UnsafeError) as caught:
        load(examples["series"], "name=x", "seed=&a [*a]")
    assert str(caught.value.problems[0].position) == "command line, override 2:10"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.text(max_size=30) | st.from_regex(r"~?[a-z.]{0,9}=[\[\]{}:,#&*!'\"0-9a\n]{0,9}"))
def test_any_argument_is_applied_or_refused(
    write: Write, examples: dict[str, str], override: str
) -> None:
    try:
        load_config(write(examples["waves"]), [override])
    except RnnexpError as error:
        assert error.exit in (2, 3, 10)
