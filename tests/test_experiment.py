"""Whole experiments on real data: what is in the run folder afterwards, and what is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config
from rnnexp.errors import CheckpointError, DataError, DivergedError, MemoryExceededError
from rnnexp.inference.trained import restore_for_use
from rnnexp.running.evaluating import evaluate_run
from rnnexp.running.resuming import resume
from rnnexp.running.runner import restore, train
from rnnexp.training.experiment import assemble
from rnnexp.training.journal import Silent

SUNSPOTS = """
name: sunspots
data: {source: sunspots, window: 12}
task: {kind: many_to_one}
model: {cell: gru, hidden_sizes: [6, 4], dropout: 0.2}
training: {epochs: 3, batch_size: 32, clip: {norm: 0.5}, log_every: 2}
"""
FILES = {
    "config.yaml", "resolved.yaml", "overrides.txt", "env.json", "data.json", "status.json",
    "encoding.json", "files.json", "intervals.json", "summary.json", "metrics.jsonl", "train.log",
    "checkpoints", "plots", "predictions.jsonl",
}  # fmt: skip
SERIES_FILES = {"intervals.json"}
WALL_CLOCK = {"seconds", "tokens_per_s"}


def config(folder: Path, text: str = SUNSPOTS, *overrides: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, overrides)


def log(run: str) -> list[dict[str, Any]]:
    lines = (Path(run) / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return [{k: v for k, v in record.items() if k not in WALL_CLOCK} for record in records]


def test_every_way_to_a_network_sets_the_threads_and_the_run_records_them(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        given = config(tmp_path, SUNSPOTS, "training.threads=2", "training.epochs=1")
        summary = train(given, tmp_path / "runs", Silent())
        run = Path(summary["run"])
        assert json.loads((run / "env.json").read_text())["threads"] == 2
        ways: list[Callable[[Path], Any]] = [
            restore_for_use,
            restore,
            lambda folder: evaluate_run(folder, "test"),
            lambda folder: assemble(load_config(folder / "resolved.yaml")),
            lambda folder: resume(folder, Silent(), ["training.epochs=2"]),
        ]
        for way in ways:
            torch.set_num_threads(1)
            way(run)
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_everything_that_happened_is_in_one_folder(tmp_path: Path) -> None:
    summary = train(config(tmp_path, SUNSPOTS, "seed=3"), tmp_path / "runs", Silent())
    run = Path(summary["run"])
    assert {path.name for path in run.iterdir()} == FILES
    assert (run / "config.yaml").read_text() == SUNSPOTS
    assert (run / "overrides.txt").read_text() == "seed=3\n"
    assert load_config(run / "resolved.yaml").experiment.seed == 3
    assert json.loads((run / "summary.json").read_text()) == summary
    assert json.loads((run / "status.json").read_text())["state"] == "finished"
    assert summary["stopped_by"] == "epochs"
    assert {"persistence", "mean", "linear_autoregression"} <= summary["baselines"].keys()
    assert {"test/rmse", "val/rmse"} <= summary["metrics"].keys()
    plots = {path.name for path in (run / "plots").iterdir()}
    assert {"loss.png", "gradient.png", "rmse.png", "forecast.png"} <= plots
    assert all((run / "plots" / name).read_bytes().startswith(b"\x89PNG") for name in plots)


TAGS = """
name: tags
data: {source: jsonl, path: a.jsonl, unit: label, target_unit: label, allow_overlap: true}
task: {kind: many_to_many}
model:
  hidden_sizes: [4]
  embedding: 3
  characters: {embedding: 3, hidden_size: 2}
  pretrained: {path: vectors.txt, frozen: true}
  input_dropout: 0.1
  output_dropout: 0.1
  word_dropout: 0.3
  forget_bias: chrono
training: {epochs: 2, batch_size: 4, label_smoothing: 0.1}
"""


def test_words_characters_and_frozen_vectors_train_and_are_scored_again(tmp_path: Path) -> None:
    lines = [{"inputs": ["a", f"b{i}", "c"], "target": ["X", "Y", "X"]} for i in range(20)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "vectors.txt").write_text("a 1 2 3\nc 4 5 6\n")
    experiment = assemble(config(tmp_path, TAGS))
    assert sum(row.parameters for row in experiment.layers) == sum(
        p.numel() for p in experiment.network.parameters()
    )
    summary = train(config(tmp_path, TAGS), tmp_path / "runs", Silent(), verified=True)
    run = Path(summary["run"])
    tokens = json.loads((run / "data.json").read_text())
    ids = {unit: i for i, unit in enumerate(tokens["inputs"]["vocabulary"]["units"])}
    assert f"2 of {len(ids)} tokens start from" in (run / "train.log").read_text()
    assert tokens["pretrained"]["found"] == 2
    trained = restore(run).network.state_dict()
    before = experiment.network.state_dict()
    table = trained["encode.embedding.weight"]
    assert table[ids["a"]].tolist() == [1, 2, 3] and table[ids["c"]].tolist() == [4, 5, 6]
    assert (table == before["encode.embedding.weight"]).all()
    moved = {name for name, tensor in trained.items() if not (tensor == before[name]).all()}
    assert moved == trained.keys() - {"encode.embedding.weight"}
    scored = evaluate_run(run, "test")["metrics"]
    assert scored == {n: v for n, v in summary["metrics"].items() if n.startswith("test/")}


def test_predictions_are_every_test_year_in_its_own_units(tmp_path: Path) -> None:
    summary = train(config(tmp_path), tmp_path / "runs", Silent())
    lines = (Path(summary["run"]) / "predictions.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    table = Path(__file__).parents[1] / "rnnexp/data/tables/sunspots.csv"
    numbers = [float(line.split(",")[1]) for line in table.read_text().splitlines()[1:]]
    for record in records:
        assert record["target"][0] == pytest.approx(numbers[record["index"]], abs=1e-3)
    assert records[-1]["index"] == len(numbers) - 1
    errors = [(r["target"][0] - r["prediction"][0]) ** 2 for r in records]
    assert summary["metrics"]["test/mse"] == pytest.approx(sum(errors) / len(errors), rel=1e-6)


def test_one_seed_one_log_another_seed_another(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    first, second, other = (
        train(config(tmp_path, SUNSPOTS, f"seed={seed}"), runs, Silent())["run"]
        for seed in (1, 1, 2)
    )
    assert first != second
    assert log(first) == log(second) != log(other)


def test_evaluate_gives_the_very_numbers_of_the_summary(tmp_path: Path) -> None:
    summary = train(config(tmp_path), tmp_path / "runs", Silent())
    for split in ("val", "test"):
        result = evaluate_run(Path(summary["run"]), split)
        assert result["step"] == summary["best_step"]
        expected = {k: v for k, v in summary["metrics"].items() if k.startswith(split)}
        assert result["metrics"] == expected
    assert result["baselines"] == summary["baselines"]


def test_a_forecast_carries_its_intervals(tmp_path: Path) -> None:
    summary = train(config(tmp_path, SUNSPOTS, "data.season=11"), tmp_path / "runs", Silent())
    run = Path(summary["run"])
    records = [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]
    ends = summary["residual_quantiles"]["95"]
    for record in records:
        assert record["low"][0] == pytest.approx(record["prediction"][0] + ends["low"][0])
        assert record["high"][0] == pytest.approx(record["prediction"][0] + ends["high"][0])
    within = [r["low"][0] <= r["target"][0] <= r["high"][0] for r in records]
    assert summary["coverage"]["95"] == pytest.approx(sum(within) / len(within))
    assert summary["mase_period"] == 11
    assert all("test/mase" in scores for scores in summary["baselines"].values())
    held = evaluate_run(run, "val")["coverage"]
    assert held == pytest.approx({"50": 0.5, "80": 0.8, "95": 0.95}, abs=0.04)  # 46 residuals


def test_each_of_several_columns_by_itself(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{100 * (i % 5)},3\n" for i in range(300))
    (tmp_path / "series.csv").write_text("a,b,still\n" + rows)
    text = SUNSPOTS.replace(
        "source: sunspots", "source: csv, path: series.csv, value: [a, b, still]"
    )
    summary = train(config(tmp_path, text), tmp_path / "runs", Silent())
    lines = (Path(summary["run"]) / "predictions.jsonl").read_text().splitlines()
    errors = [
        [guess - truth for guess, truth in zip(r["prediction"], r["target"], strict=True)]
        for r in map(json.loads, lines)
    ]
    columns, metrics = summary["columns"], summary["metrics"]
    for column, by_row in zip(columns.values(), zip(*errors, strict=True), strict=True):
        assert column["mae"] == pytest.approx(sum(map(abs, by_row)) / len(by_row))
    assert list(columns) == ["a", "b", "still"]
    assert metrics["test/mae"] == pytest.approx(sum(c["mae"] for c in columns.values()) / 3)
    assert columns["still"]["mase"] is None
    assert metrics["test/mase"] == pytest.approx((columns["a"]["mase"] + columns["b"]["mase"]) / 2)
    assert evaluate_run(Path(summary["run"]), "test")["columns"] == columns


CLASSES = """
name: order
data: {source: temporal_order, length: 10, train: 64, val: 32, test: 48}
task: {kind: many_to_one}
model: {cell: gru, hidden_sizes: [6]}
training: {epochs: 2, batch_size: 16, monitor: val/macro_f1}
"""


class Last(Silent):
    """Keeps what it was told at the end."""

    told: Any = None

    def finished(self, summary: Any) -> None:
        self.told = summary


def test_classes_get_tables_a_picture_and_predictions(tmp_path: Path) -> None:
    observer = Last()
    summary = train(config(tmp_path, CLASSES), tmp_path / "runs", observer)
    run = Path(summary["run"])
    assert {path.name for path in run.iterdir()} == FILES - SERIES_FILES | {
        "classes.json",
        "confusion.json",
    }
    confusion = json.loads((run / "confusion.json").read_text())
    table = json.loads((run / "classes.json").read_text())["classes"]
    assert confusion["classes"] == ["XX", "XY", "YX", "YY"] == [row["class"] for row in table]
    assert [row["support"] for row in table] == [sum(row) for row in confusion["matrix"]]
    f1 = [row["f1"] for row in table if row["f1"] is not None]
    assert summary["metrics"]["test/macro_f1"] == pytest.approx(sum(f1) / len(f1))
    assert observer.told["classes"] == table == evaluate_run(run, "test")["classes"]

    lines = (run / "predictions.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    right = sum(record["prediction"] == record["target"] for record in records)
    assert summary["metrics"]["test/accuracy"] == pytest.approx(right / len(records))
    plots = {path.name for path in (run / "plots").iterdir()}
    assert {"confusion.png", "macro_f1.png"} <= plots and "forecast.png" not in plots


def test_a_language_model_leaves_no_predictions(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("abcab cab abc " * 60)
    text = """
name: text
data: {source: text, path: a.txt, window: 8}
task: {kind: many_to_many}
model: {hidden_sizes: [4]}
training: {epochs: 1, batch_size: 4}
"""
    summary = train(config(tmp_path, text), tmp_path / "runs", Silent())
    files = {path.name for path in Path(summary["run"]).iterdir()}
    assert files == FILES - SERIES_FILES - {"predictions.jsonl"}
    assert "test/macro_f1" not in summary["metrics"]


def test_errors_before_the_first_step_leave_no_folder(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with pytest.raises(DataError):
        train(config(tmp_path, SUNSPOTS, "data.window=5000"), runs, Silent())
    with pytest.raises(MemoryExceededError):
        train(config(tmp_path, SUNSPOTS, "model.hidden_sizes=[65536, 65536]"), runs, Silent())
    assert not runs.exists() or not list(runs.iterdir())


def test_an_observer_that_fails_at_the_start_leaves_no_folder(tmp_path: Path) -> None:
    class Broken(Silent):
        def started(self, *told: Any) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        train(config(tmp_path), tmp_path / "runs", Broken())
    assert not list((tmp_path / "runs").iterdir())


def test_a_run_that_diverges_says_so(tmp_path: Path) -> None:
    overrides = ["training.optimizer.name=sgd", "training.optimizer.lr=10", "~training.clip"]
    text = SUNSPOTS.replace("gru", "rnn, activation: relu").replace("scale", "scale")
    with pytest.raises(DivergedError):
        train(
            config(tmp_path, text, *overrides, "training.epochs=200"), tmp_path / "runs", Silent()
        )
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "status.json").read_text())["state"] == "diverged"


def test_the_last_good_weights_of_a_diverged_run_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnexp.training.update import Applied, Updater

    step, calls = Updater.step, []

    def poisoned(self: Updater, loss: Tensor, learning_rate: float) -> Applied:
        calls.append(loss)
        return step(self, loss * float("nan") if len(calls) == 10 else loss, learning_rate)

    monkeypatch.setattr(Updater, "step", poisoned)
    with pytest.raises(DivergedError, match="step 10"):
        train(config(tmp_path), tmp_path / "runs", Silent())
    (run,) = (tmp_path / "runs").iterdir()
    assert "9" in {path.name for path in (run / "checkpoints").iterdir()}
    assert evaluate_run(run, "val")["metrics"]


def test_evaluate_refuses_data_that_changed(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7 + 0.5 * (i % 3)}\n" for i in range(300))
    (tmp_path / "series.csv").write_text("v\n" + rows)
    text = SUNSPOTS.replace("source: sunspots", "source: csv, path: series.csv, value: v")
    run = Path(train(config(tmp_path, text), tmp_path / "runs", Silent())["run"])
    assert evaluate_run(run, "test")["metrics"]
    (tmp_path / "series.csv").write_text("v\n" + rows.replace("6.0", "6.5"))
    with pytest.raises(CheckpointError, match="has changed") as error:
        evaluate_run(run, "test")
    assert error.value.exit == 5


def test_a_warm_up_longer_than_the_training_is_refused(tmp_path: Path) -> None:
    overrides = "training.schedule={name: constant, warmup_steps: 500}"
    with pytest.raises(DataError, match="warm-up of 500 updates, but training makes 21"):
        train(config(tmp_path, SUNSPOTS, overrides), tmp_path / "runs", Silent())
    assert not (tmp_path / "runs").exists()


def test_a_different_name_is_a_different_folder(tmp_path: Path) -> None:
    runs = [
        Path(train(config(tmp_path, SUNSPOTS, f"name={name}"), tmp_path, Silent())["run"]).name
        for name in ("one", "two")
    ]
    assert "-one-" in runs[0]
    assert "-two-" in runs[1]


def test_carry_state_needs_streams_of_several_windows(tmp_path: Path) -> None:
    text = SUNSPOTS.replace("many_to_one", "many_to_many").replace(
        "clip:", "bptt: {k1: 12, k2: 12, carry_state: true}, clip:"
    )
    assert assemble(config(tmp_path, text, "training.batch_size=2")).batches("val").carry
    with pytest.raises(DataError, match="32 parallel streams"):
        assemble(config(tmp_path, text))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_real_process_with_a_checkpoint(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    config(tmp_path, SUNSPOTS.replace("epochs: 3", "epochs: 100000"))
    rnnexp = str(Path(sys.executable).parent / "rnnexp")
    command = [rnnexp, "train", str(tmp_path / "config.yaml")]
    environment = os.environ | {"RNNEXP_RUNS": str(tmp_path / "runs")}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("runs/*/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr
    assert "checkpoint was saved" in stderr
    assert "Traceback" not in stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "status.json").read_text())["state"] == "interrupted"
    assert evaluate_run(run, "val")["metrics"]
