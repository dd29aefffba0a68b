"""`rnnexp reproduce`: trained again, compared, and what changed named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main
from rnnexp.storage import write_json

Capture = pytest.CaptureFixture[str]
CONFIGS = {
    "regression": """
name: adding
data: {source: adding, length: 8, train: 64, val: 32, test: 32}
task: {kind: many_to_one}
model: {cell: lstm, hidden_sizes: [4]}
training: {epochs: 3, batch_size: 16, log_every: 2}
""",
    "truncated": """
name: echo
data: {source: delayed_echo, length: 24, train: 60, val: 20, test: 20}
task: {kind: many_to_many}
model: {cell: gru, hidden_sizes: [4, 4], dropout: 0.3}
training: {epochs: 2, batch_size: 20, bptt: {k1: 8, k2: 8}, threads: 1}
""",
    "generation": """
name: waves
data: {source: waveforms, length: 8, train: 40, val: 20, test: 20}
task: {kind: one_to_many}
model: {cell: rnn, hidden_sizes: [4]}
training: {epochs: 2, batch_size: 20}
""",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A finished run of one of the configs, in a folder of its own that a test may change."""

    def make(name: str, *overrides: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        (folder / "c.yaml").write_text(CONFIGS[name], encoding="utf-8")
        runs = folder / "runs"
        assert main(["train", str(folder / "c.yaml"), *overrides, "--runs", str(runs)]) == 0
        (run,) = runs.iterdir()
        return run

    return make


def reproduce(run: Path, capsys: Capture, *options: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    arguments = ["reproduce", str(run), "--runs", str(run.parent / "again"), "--json", *options]
    code = int(main(arguments))
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return code, found


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    record = json.loads(path.read_text())
    change(record)
    write_json(path, record)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_kind_of_task_comes_out_the_same_bit_for_bit(
    trained: Callable[..., Path], capsys: Capture, name: str
) -> None:
    code, told = reproduce(trained(name), capsys)
    assert (code, told["verdict"]) == (0, "identical")
    assert told["log"] is None and told["weights"]["different"] == [] and told["causes"] == []
    assert all(each["difference"] == 0 for each in told["metrics"].values())
    again = Path(told["reproduction"])
    assert json.loads((again / "summary.json").read_text())["reproduces"] == told["run"]
    assert main(["runs", "verify", str(again)]) == 0


def test_a_metric_that_differs_is_named_and_ends_in_13(
    trained: Callable[..., Path], capsys: Capture
) -> None:
    run = trained("regression")
    edit(run / "summary.json", lambda s: s["metrics"].update({"test/mse": 99.0}))
    code, told = reproduce(run, capsys)
    assert code == 13 and told["verdict"] == "different"
    (error,) = told["errors"]
    assert error["key"] == "test/mse" and "99.0" in error["message"]
    assert told["causes"][0]["what"] == "summary.json"  # its seal is broken: the likeliest


def test_the_likeliest_cause_comes_first(trained: Callable[..., Path], capsys: Capture) -> None:
    run = trained("regression")

    def older(record: dict[str, Any]) -> None:
        record["versions"] |= {"torch": "2.0.0", "python": "3.9.1"}
        record["cpu"] = "another"

    edit(run / "env.json", older)
    edit(run / "summary.json", lambda s: s["metrics"].update({"test/mse": 99.0}))
    (run / "files.json").unlink()
    code, told = reproduce(run, capsys)
    names = [cause["what"] for cause in told["causes"]]
    assert code == 13
    assert names == ["versions.torch", "cpu", "versions.python"]
    assert told["causes"][0]["then"] == "2.0.0" and told["causes"][0]["why"]


def test_a_small_difference_can_be_let_pass(trained: Callable[..., Path], capsys: Capture) -> None:
    run = trained("regression")

    def nudge(summary: dict[str, Any]) -> None:
        summary["metrics"]["test/mse"] *= 1 + 1e-9

    edit(run / "summary.json", nudge)
    assert reproduce(run, capsys)[0] == 13
    code, told = reproduce(run, capsys, "--tolerance", "1e-8")
    assert (code, told["verdict"]) == (0, "same")
    assert 8 <= told["digits"] <= 9


def test_the_step_at_which_two_logs_part_is_told(
    trained: Callable[..., Path], capsys: Capture
) -> None:
    run = trained("regression")
    log = run / "metrics.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    lines[3]["train/loss"] = 7.0
    log.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    code, told = reproduce(run, capsys)
    assert code == 0 and told["verdict"] == "same"
    assert told["log"]["step"] == lines[3]["step"]
    assert (told["log"]["key"], told["log"]["then"]) == ("train/loss", 7.0)


def test_changed_data_are_refused(tmp_path: Path, capsys: Capture) -> None:
    data, config = tmp_path / "a.csv", tmp_path / "c.yaml"
    data.write_text("v\n" + "\n".join(str(n % 7) for n in range(60)), encoding="utf-8")
    config.write_text(
        "name: x\ndata: {source: csv, path: a.csv, value: v, window: 4}\n"
        "task: {kind: many_to_one}\ntraining: {epochs: 2}\n",
        encoding="utf-8",
    )
    assert main(["train", str(config), "--runs", str(tmp_path / "runs")]) == 0
    (run,) = (tmp_path / "runs").iterdir()
    data.write_text(data.read_text().replace("6", "5"), encoding="utf-8")
    code, told = reproduce(run, capsys)
    assert code == 5 and str(data) in told["errors"][0]["message"]
    assert not (run.parent / "again").exists()
    code, told = reproduce(run, capsys, "--allow-drift")
    assert code == 13
    assert told["causes"][0]["what"] == str(data)


def test_a_limit_in_minutes_strikes_at_the_recorded_step(
    trained: Callable[..., Path], capsys: Capture
) -> None:
    run = trained(
        "regression", "training.max_minutes=0.02", "training.epochs=100000", "training.threads=1"
    )
    summary = json.loads((run / "summary.json").read_text())
    assert summary["stopped_by"] == "max_minutes"
    code, told = reproduce(run, capsys)
    assert (code, told["verdict"]) == (0, "identical")
    again = json.loads((Path(told["reproduction"]) / "summary.json").read_text())
    assert (again["steps"], again["stopped_by"]) == (summary["steps"], "max_minutes")


def test_a_run_that_was_resumed_and_extended(trained: Callable[..., Path], capsys: Capture) -> None:
    run = trained("truncated")
    extend = ["resume", str(run), "--extend", "training.epochs=4"]
    assert main(extend) == 0
    code, told = reproduce(run, capsys)
    assert (code, told["verdict"]) == (0, "identical")


def test_a_trial_of_a_sweep_is_reproduced_as_an_ordinary_run(
    tmp_path: Path, capsys: Capture
) -> None:
    base = tmp_path / "c.yaml"
    base.write_text(CONFIGS["regression"], encoding="utf-8")
    runs = ["--runs", str(tmp_path / "runs")]
    assert main(["sweep", str(base), "model.cell=rnn,gru", "-j", "1", *runs]) == 0
    trial = sorted((tmp_path / "runs").glob("*/trials/*"))[1]
    code, told = reproduce(trial, capsys)
    assert (code, told["verdict"]) == (0, "identical")
    assert not (Path(told["reproduction"]) / "trial.json").exists()


def test_what_has_not_finished_has_nothing_to_compare(
    trained: Callable[..., Path], capsys: Capture
) -> None:
    run = trained("regression")
    edit(run / "status.json", lambda status: status.update({"state": "interrupted"}))
    shutil.rmtree(run / "plots")
    code, told = reproduce(run, capsys)
    assert code == 5 and told["errors"][0]["code"] == "CKP130"


def test_a_run_that_does_not_exist(tmp_path: Path, capsys: Capture) -> None:
    assert main(["reproduce", "nothing", "--runs", str(tmp_path)]) == 2
    capsys.readouterr()


def test_people_read_the_verdict(trained: Callable[..., Path], capsys: Capture) -> None:
    run = trained("generation")
    capsys.readouterr()
    assert main(["reproduce", str(run), "--runs", str(run.parent / "again")]) == 0
    assert "bit for bit" in capsys.readouterr().out
