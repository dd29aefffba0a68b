"""Whole configs: what loads, what comes back as YAML, and what one learns from a wrong one."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from rnnexp.config.config import Config
from rnnexp.config.loading import MAX_PROBLEMS, load_config, resolved_yaml
from rnnexp.errors import CommandError, ConfigError, Position, Problem, RnnexpError, UnsafeError

from .conftest import Load, Problems, Write


def only(found: list[Problem]) -> Problem:
    assert len(found) == 1, found
    return found[0]


def at(problem: Problem) -> tuple[int | None, int | None]:
    assert problem.position is not None
    return problem.position.line, problem.position.column


# -- what loads ------------------------------------------------------------------------------------


def test_examples_load(load: Load, example: str) -> None:
    config = load(example)
    assert config.text == example
    assert config.where("task.kind").line == 1 + example[: example.index("kind:")].count("\n")


def test_files_are_relative_to_the_config_that_names_them(
    load: Load, examples: dict[str, str]
) -> None:
    config = load(examples["series"])
    assert config.file("data.path") == config.path.parent / "sunspots.csv"
    typed = load(examples["series"], "data.path=other.csv")
    assert typed.file("data.path") == Path("other.csv").absolute()


def test_resolved_yaml_loads_to_the_same_experiment(load: Load, example: str) -> None:
    first = load(example)
    second = load(resolved_yaml(first))
    assert resolved_yaml(second) == resolved_yaml(first)
    ours, theirs = (c.experiment.model_dump() for c in (first, second))
    sides = [f"{part}{side}path" for part in ("", "val_", "test_") for side in ("", "target_")]
    for name in (*sides, "labels", "captions"):
        if ours["data"].get(name):
            assert theirs["data"].pop(name) == str(first.path.parent / ours["data"].pop(name))
    assert ours == theirs


@pytest.mark.parametrize("column", ["no", "1e-3", "null", "a: b", "#x", "é", "- x", "'", "1", ""])
def test_resolved_yaml_keeps_text_text(load: Load, examples: dict[str, str], column: str) -> None:
    config = load(examples["series"].replace("value: count", f"value: {column!r}"))
    assert load(resolved_yaml(config)).experiment.model_dump()["data"]["value"] == column


def test_imports_neither_torch_nor_numpy(write: Write, examples: dict[str, str]) -> None:
    import subprocess

    code = (
        "import sys; from pathlib import Path; from rnnexp.config.loading import load_config;"
        "load_config(Path(sys.argv[1])); print({'torch', 'numpy'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(write(examples["series"]))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"


# -- files -----------------------------------------------------------------------------------------


def test_a_missing_file_names_its_nearest_sibling(write: Write) -> None:
    path = write("x: 1").with_suffix(".yml")
    with pytest.raises(CommandError) as caught:
        load_config(path)
    problem = only(list(caught.value.problems))
    assert str(path.absolute()) in problem.message
    assert problem.suggestion == str(path.with_suffix(".yaml"))


def test_a_directory_lists_its_configs(write: Write) -> None:
    path = write("x: 1")
    write("x", "notes.txt")
    with pytest.raises(CommandError, match="directory") as caught:
        load_config(path.parent)
    assert only(list(caught.value.problems)).allowed == "exp.yaml"


def test_fifos_and_devices_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(CommandError, match="regular file"):
            load_config(path)


def test_no_permission(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("x: 1")
    path.chmod(0)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert "mode ----------" in caught.value.problems[0].message
    assert stat.S_IMODE(path.stat().st_mode) == 0


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "key", "suggestion"),
    [
        ("hiden_sizes: [64]", "model.hiden_sizes", "hidden_sizes"),
        ("hiddenSizes: [64]", "model.hiddenSizes", "hidden_sizes"),
        ("hidden_size: 64", "model.hidden_size", "hidden_sizes"),
        ("num_layers: 2", "model.num_layers", "hidden_sizes"),
        ("cell_type: lstm", "model.cell_type", "cell"),
        ("rnn_type: lstm", "model.rnn_type", "cell"),
        ("learning_rate: 1e-3", "model.learning_rate", "training.optimizer.lr"),
        ("lr: 1e-3", "model.lr", "training.optimizer.lr"),
        ("gradient_clip_val: 1", "model.gradient_clip_val", "training.clip.norm"),
        ("max_epochs: 3", "model.max_epochs", "training.epochs"),
        ("tbptt_steps: 3", "model.tbptt_steps", "training.bptt.k1"),
        ("remat: 3", "model.remat", "training.bptt.checkpoint_every"),
        ("window: 3", "model.window", "data.window"),
        ("_target_: os.system", "model._target_", None),
        ("class_path: torch.nn.LSTM", "model.class_path", None),
        ("qqqqq: 1", "model.qqqqq", None),
    ],
)
def test_unknown_keys(problems: Problems, wrong: str, key: str, suggestion: str | None) -> None:
    text = f"name: x\ndata: {{source: sunspots}}\ntask: {{kind: many_to_one}}\nmodel:\n  {wrong}\n"
    problem = only(problems(text))
    assert (problem.code, problem.key, problem.suggestion) == ("CFG102", key, suggestion)
    assert at(problem) == (5, 3)
    assert "hidden_sizes" in str(problem.allowed)


def test_a_misplaced_key_names_the_line_of_its_section(
    problems: Problems, examples: dict[str, str]
) -> None:
    problem = only(problems(examples["series"].replace("  cell: lstm", "  lr: 1\n  cell: lstm")))
    assert "it belongs to training.optimizer.lr (section on line 27)" in problem.message


def test_a_key_of_another_source(problems: Problems, examples: dict[str, str]) -> None:
    problem = only(problems(examples["waves"].replace("noise:", "window:")))
    assert "unknown key for source: waveforms; known for csv" in problem.message


def test_a_misspelt_required_key_is_one_problem(
    problems: Problems, examples: dict[str, str]
) -> None:
    for right, wrong in (("source:", "sorce:"), ("kind:", "type:")):
        problem = only(problems(examples["waves"].replace(right, wrong)))
        assert (problem.code, problem.suggestion) == ("CFG102", right.removesuffix(":"))


def test_a_missing_key_has_the_line_of_its_section(
    problems: Problems, examples: dict[str, str]
) -> None:
    problem = only(problems(examples["series"].replace("  path: sunspots.csv", "")))
    assert (problem.code, problem.key, at(problem)) == ("CFG101", "data.path", (4, 1))


def test_an_empty_file_is_one_problem(problems: Problems) -> None:
    assert at(only(problems("# nothing\n"))) == (1, 1)


# -- values ----------------------------------------------------------------------------------------

BASE = """\
name: {name}
seed: {seed}
data: {{source: sunspots}}
task: {{kind: many_to_one}}
model: {{cell: {cell}, hidden_sizes: {sizes}, dropout: {dropout}, bidirectional: {both}}}
training:
  epochs: {epochs}
  optimizer: {{name: adam, lr: {lr}}}
  clip: {clip}
  bptt: {bptt}
"""
GOOD = {
    "name": "x", "seed": "0", "cell": "gru", "sizes": "[8, 8]", "dropout": "0.1", "both": "false",
    "epochs": "2", "lr": "1e-3", "clip": "{norm: 1}", "bptt": "full",
}  # fmt: skip


def test_numbers_by_the_rules_of_yaml_1_2(load: Load) -> None:
    assert load(BASE.format(**GOOD)).experiment.training.optimizer.lr == 0.001


@pytest.mark.parametrize(
    ("field", "value", "code", "words"),
    [
        ("cell", "LSTMM", "CFG104", "lstm"),
        ("cell", "SimpleRNN", "CFG104", "rnn"),
        ("cell", "3", "CFG103", "rnn, lstm, gru"),
        ("sizes", "[0]", "CFG105", "1 to 65,536"),
        ("sizes", "[8, -1]", "CFG105", "1 to 65,536"),
        ("sizes", "[1000000000]", "CFG105", "GiB"),
        ("sizes", "[64.0]", "CFG103", "not a float"),
        ("sizes", "['64']", "CFG103", "unquote it: write 64"),
        ("sizes", "[true]", "CFG103", "not a boolean"),
        ("sizes", "64", "CFG103", "[64]"),
        ("sizes", "[]", "CFG105", "too few"),
        ("lr", "'1e-3'", "CFG103", "unquote it: write 1e-3"),
        ("lr", ".nan", "CFG105", "finite"),
        ("lr", ".inf", "CFG105", "finite"),
        ("lr", "1e999", "CFG105", "finite"),
        ("lr", "0", "CFG105", "> 0 and <= 10"),
        ("lr", "-1", "CFG105", "> 0 and <= 10"),
        ("lr", "true", "CFG103", "not a boolean"),
        ("clip", "{norm: -1}", "CFG105", "> 0, or null"),
        ("clip", "{norm: 0}", "CFG105", "> 0, or null"),
        ("clip", "{norm: .nan}", "CFG105", "finite"),
        ("clip", "1.0", "CFG103", "{norm: 1.0}"),
        ("clip", "false", "CFG103", "null to switch it off"),
        ("dropout", "1.5", "CFG105", "< 1"),
        ("dropout", "10%", "CFG103", "write 0.1"),
        ("both", "'no'", "CFG103", "write false"),
        ("both", "no", "CFG103", "write false"),
        ("both", "1", "CFG103", "true or false"),
        ("seed", "-1", "CFG105", "4,294,967,295"),
        ("seed", "4294967296", "CFG105", "4,294,967,295"),
        ("seed", "1.9", "CFG103", "whole number"),
        ("seed", "'7'", "CFG103", "unquote"),
        ("seed", "1_000", "CFG103", "without separators"),
        ("epochs", "0", "CFG105", "1 to 1,000,000"),
        ("epochs", "null", "CFG103", "default"),
        ("bptt", "{k1: 0, k2: 1}", "CFG105", "1 to 1,000,000"),
        ("bptt", "35", "CFG103", "{k1: 35, k2: 35}"),
        ("bptt", "none", "CFG104", "full"),
        ("bptt", "{full: true, checkpoint_every: 0}", "CFG105", "1 to 1,000,000"),
        ("bptt", "{full: false, checkpoint_every: 3}", "CFG103", "true"),
        ("bptt", "{full: true}", "CFG101", "time steps between two states"),
        ("bptt", "{k1: 32, k2: 32, checkpoint_every: 3}", "CFG102", "beside k1"),
        ("bptt", "{full: true, checkpoint_evry: 3}", "CFG102", "checkpoint_every"),
        ("name", "../../etc/x", "CFG105", "A-Za-z0-9"),
        ("name", "/abs", "CFG105", "A-Za-z0-9"),
        ("name", "a/b", "CFG105", "A-Za-z0-9"),
        ("name", "..", "CFG105", "A-Za-z0-9"),
        ("name", "''", "CFG105", "A-Za-z0-9"),
        ("name", '"a\\0b"', "CFG105", "A-Za-z0-9"),
        ("name", '"x\\n"', "CFG105", "A-Za-z0-9"),
        ("name", '"\\e]0;x\\a"', "CFG105", "A-Za-z0-9"),
        ("name", '"a\\u202eb"', "CFG105", "A-Za-z0-9"),
        ("name", "x[/]", "CFG105", "A-Za-z0-9"),
        ("name", "a" * 300, "CFG105", "A-Za-z0-9"),
        ("name", "7", "CFG103", 'quote it: "7"'),
        ("name", "${oc.env:HOME}", "CFG105", "A-Za-z0-9"),
    ],
)  # fmt: skip
def test_wrong_values(problems: Problems, field: str, value: str, code: str, words: str) -> None:
    text = BASE.format(**GOOD | {field: value})
    problem = only(problems(text))
    said = " ".join(map(str, (problem.message, problem.allowed, problem.suggestion, problem.hint)))
    assert problem.code == code
    assert words in said
    line = next(n for n, given in enumerate(BASE.splitlines(), 1) if f"{{{field}}}" in given)
    assert at(problem)[0] == line


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("optimizer: adam", "{name: adam}"),
        ("optimizer: {lr: 11}", "<= 10"),
        ("optimizer: {name: adm}", "adam"),
        ("schedule: {name: step}", "training.schedule.every"),
        ("early_stopping: 5", "{patience: 5}"),
        ("optimizer: [adam]", "not a list"),
        ("threads: 0", "auto, or a whole number from 1 to 1,024"),
        ("threads: many", "auto"),
    ],
)
def test_wrong_sections(problems: Problems, wrong: str, words: str) -> None:
    text = (
        f"name: x\ndata: {{source: sunspots}}\ntask: {{kind: many_to_one}}\ntraining: {{{wrong}}}\n"
    )
    problem = only(problems(text))
    assert words in " ".join(
        map(str, (problem.key, problem.message, problem.allowed, problem.hint))
    )
    assert at(problem)[0] == 4


# -- all at once -----------------------------------------------------------------------------------


def test_all_problems_at_once_in_the_order_of_the_file(
    problems: Problems, examples: dict[str, str]
) -> None:
    text = (
        examples["series"].replace("lstm\n  hidden", "lstmm\n  hiden").replace("seed: 0", "seed: x")
    )
    text = text.replace("kind: many_to_one", "kind: many").replace(
        "  lr: 2e-3", "  lr: 1\n    lr: 2"
    )
    found = problems(text)
    assert [problem.key for problem in found] == [
        "seed", "task.kind", "model.cell", "model.hiden_sizes", "training.optimizer.lr",
    ]  # fmt: skip


def test_checks_across_fields_run_beside_wrong_fields(
    problems: Problems, examples: dict[str, str]
) -> None:
    text = examples["series"].replace("epochs: 40", "epochs: 40\n  accumulat: 3")
    codes = {problem.code for problem in problems(text.replace("  cell: lstm", "  cell: gru"))}
    assert codes == {"CFG102", "CFG201"}


def test_no_check_rests_on_a_field_that_is_wrong(
    problems: Problems, examples: dict[str, str]
) -> None:
    found = problems(examples["reviews"].replace("bidirectional: true", "bidirectonal: true"))
    assert [problem.key for problem in found] == ["model.bidirectonal"]


def test_at_most_twenty_problems(problems: Problems, examples: dict[str, str]) -> None:
    found = problems(examples["waves"] + "".join(f"key{n}: {n}\n" for n in range(30)))
    assert len(found) == MAX_PROBLEMS
    assert "and 10 more problems" in str(found[-1].hint)


def test_unsafe_text_is_exit_10(load: Load) -> None:
    with pytest.raises(UnsafeError) as caught:
        load("a: !!python/name:os.system\n")
    assert caught.value.exit == 10


def test_nothing_is_imported_or_written_for_the_text_of_a_config(
    load: Load, examples: dict[str, str]
) -> None:
    load(examples["waves"])
    seen: list[str] = []
    watching = True

    def audit(event: str, arguments: tuple[object, ...]) -> None:
        writes = (
            event == "open" and isinstance(arguments[1], str) and arguments[1] not in ("r", "rb")
        )
        if watching and (event in ("import", "exec", "compile", "os.system") or writes):
            seen.append(f"{event} {arguments[0]}")

    path = load(examples["waves"]).path
    path.write_text(
        examples["waves"] + "_target_: antigravity\nmodule: this\nclass_path: os.system\n"
    )
    sys.addaudithook(audit)
    with pytest.raises(RnnexpError):
        load_config(path)
    watching = False
    assert seen == []


def test_no_environment_variable_is_read_into_a_config(
    load: Load, examples: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    text = examples["series"].replace(
        "value: count", 'value: "${SECRET} $SECRET ${oc.env:SECRET} ~"'
    )
    config: Config = load(text)
    assert "s3cret" not in resolved_yaml(config)
    assert config.where("data.value") == Position(str(config.path), 7, 10)
