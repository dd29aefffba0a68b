"""One folder a run, whatever else starts at the same instant."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
from pathlib import Path
from typing import Any

import pytest

from rnnexp.errors import CheckpointError, ConfigError, StorageError, UnsafeError
from rnnexp.reading import read_json, read_records
from rnnexp.recording.run_folder import RunFolder


def _create(runs: Path, start: Any, made: Any) -> None:
    start.wait()
    made.put(RunFolder.create(runs, "same").path.name)


def test_64_processes_at_the_same_instant_get_64_folders(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("fork")
    start, made = processes.Event(), processes.Queue()
    runs = tmp_path / "not" / "yet"
    children = [processes.Process(target=_create, args=(runs, start, made)) for _ in range(64)]
    for child in children:
        child.start()
    start.set()
    names = {made.get(timeout=30) for _ in children}
    for child in children:
        child.join()
    assert len(names) == 64
    assert {entry.name for entry in runs.iterdir()} == names


def test_a_collision_gets_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = iter(["aaaaaa"] * 3 + ["bbbbbb"] * 9)

    def token(size: int) -> str:
        return next(tokens) if size == 3 else os.urandom(size).hex()

    monkeypatch.setattr("rnnexp.recording.run_folder.secrets.token_hex", token)
    first, second = RunFolder.create(tmp_path, "x"), RunFolder.create(tmp_path, "x")
    assert first.path.name.endswith("aaaaaa")
    assert second.path.name.endswith("bbbbbb") or first.path.name[:15] != second.path.name[:15]


def test_the_folder_has_its_parts_and_says_who_runs(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, "sunspots-lstm") as run:
        assert re.fullmatch(r"\d{8}-\d{6}-sunspots-lstm-[0-9a-f]{6}", run.path.name)
        run.metrics.append({"step": 1, "train/loss": 0.5})
        run.log("hello")
        run.write_text("config.yaml", "name: x\n")
        run.write_bytes("plots/loss.png", b"png")
    status = json.loads((run.path / "status.json").read_text())
    assert (status["state"], status["pid"]) == ("running", os.getpid())
    names = {str(path.relative_to(run.path)) for path in run.path.rglob("*")}
    assert names == {
        "checkpoints", "plots", "plots/loss.png", "config.yaml", "metrics.jsonl", "status.json",
        "train.log",
    }  # fmt: skip


def test_a_new_state_keeps_earlier_fields(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "x")
    started = run.status()["started"]
    run.set_status("finished", step=7)
    assert run.status()["started"] == started
    assert (run.status()["state"], run.status()["step"]) == ("finished", 7)


@pytest.mark.parametrize(
    "name",
    ["../../etc/x", "/abs", "a/b", "..", ".", "", "a\0b", "x" * 300, "x[/]", "\x1b]0;a\a", "a\n",
     "\u202eevil", "-rf", ".hidden", "é"],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        RunFolder.create(tmp_path / "runs", name)
    assert caught.value.exit == 3
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "", "a/../../x"])
def test_files_stay_inside_the_folder(name: str, tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "x")
    with pytest.raises(UnsafeError):
        run.write_text(name, "x")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "runs", "x")
    (run.path / "out").symlink_to(tmp_path)
    with pytest.raises(UnsafeError):
        run.write_text("out/x", "x")


def test_a_place_that_cannot_hold_runs_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        RunFolder.create(tmp_path / "file", "x")
    assert caught.value.exit == 6


def test_open_and_discard(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "x")
    assert RunFolder.open(run.path).status()["state"] == "running"
    run.metrics.append({})
    run.discard()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CheckpointError):
        RunFolder.open(run.path)


def test_damaged_files_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a": \xff')
    assert read_json(tmp_path / "a.json") is None
    assert read_json(tmp_path / "missing.json") is None
    (tmp_path / "m.jsonl").write_bytes(b'{"step": 1}\nnonsense\n[1]\n{"step": 2}\n{"st')
    assert list(read_records(tmp_path / "m.jsonl")) == [{"step": 1}, {"step": 2}]
    assert list(read_records(tmp_path / "missing.jsonl")) == []
