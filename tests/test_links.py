"""Folders of strangers with links, FIFOs and names in them that lead outside: nothing is followed.

Each command is run on a real run or sweep with one odd entry; a tree beside it, which the entry
leads to, is hashed before and after.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnexp.cli.app import main

CONFIG = """
name: small
data: {source: csv, path: data.csv, value: y, window: 5}
task: {kind: many_to_one}
model: {cell: gru, hidden_sizes: [4]}
training: {epochs: 2, batch_size: 16, threads: 1}
"""
Spoil = Callable[[Path, Path], None]  # takes a run or a sweep and the tree outside


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run, and a sweep of two trials, as training leaves them."""
    folder = tmp_path_factory.mktemp("links")
    (folder / "data.csv").write_text("y\n" + "\n".join(str(i % 7) for i in range(80)) + "\n")
    (folder / "small.yaml").write_text(CONFIG)
    config, runs = str(folder / "small.yaml"), str(folder / "runs")
    assert main(["train", config, "--runs", runs, "--json"]) == 0
    assert main(["sweep", config, "seed=0,1", "-j", "1", "--runs", runs, "--json"]) == 0
    return folder


@pytest.fixture
def place(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, and beside it a tree with all that a cleaning could take for its own."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    outside = tmp_path / "outside"
    run = next(each for each in (tmp_path / "runs").iterdir() if (each / "status.json").exists())
    shutil.copytree(run, outside)
    shutil.copytree(outside / "checkpoints", outside / ".9-0123abcd.tmp")
    for name in ("7", ".replaced-7", "9.corrupt", "20260101-000000-x-0000-abcdef"):
        (outside / name).mkdir()
    (outside / "20260101-000000-x-0001-abcdef" / "checkpoints").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths_of(place: Path) -> tuple[Path, Path]:
    """The run and the sweep."""
    first, second = sorted((place / "runs").iterdir(), key=lambda p: (p / "sweep.json").exists())
    return first, second


def state_of(tree: Path) -> dict[str, Any]:
    """Every name below a folder, with what is in it and when it was changed."""
    return {
        str(path.relative_to(tree)): (
            os.lstat(path).st_mtime_ns,
            path.read_bytes() if path.is_file() and not path.is_symlink() else None,
        )
        for path in sorted(tree.rglob("*"))
    }


def linked(name: str) -> Spoil:
    """The entry of that name is a link to the one outside, or to the tree itself."""

    def spoil(folder: Path, outside: Path) -> None:
        entry = folder / name
        if entry.is_dir():
            shutil.rmtree(entry)
        entry.unlink(missing_ok=True)
        there = outside / name.rpartition("/")[2]
        entry.symlink_to(there if there.exists() else outside)

    return spoil


def fifo(name: str) -> Spoil:
    def spoil(folder: Path, outside: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return spoil


FILES = ("metrics.jsonl", "status.json", "summary.json", "files.json", "data.json", "env.json",
         "encoding.json", "resolved.yaml", "train.log", "report.html")  # fmt: skip
PLACES: dict[str, Spoil] = {
    "checkpoints": linked("checkpoints"),
    "an old step": linked("checkpoints/1"),
    "a step aside": linked("checkpoints/.replaced-1"),
    "litter": linked("checkpoints/.1-0123abcd.tmp"),
    "a damaged step": linked("checkpoints/1.corrupt"),
    "plots": linked("plots"),
    "tensorboard": linked("tensorboard"),
    **{f"{name} linked": linked(name) for name in FILES},
    **{f"{name} a FIFO": fifo(name) for name in FILES},
}
COMMANDS = {
    "resume": ["resume", "RUN"],
    "extend": ["resume", "RUN", "--extend", "training.epochs=4"],
    "verify": ["runs", "verify", "RUN"],
    "replay": ["runs", "verify", "RUN", "--replay"],
    "reproduce": ["reproduce", "RUN", "--runs", "again"],
    "evaluate": ["evaluate", "RUN"],
    "predict": ["predict", "RUN", "[1, 2, 3, 4, 5]"],
    "report": ["runs", "report", "RUN"],
    "show": ["runs", "show", "RUN"],
    "compare": ["runs", "compare", "RUN"],
    "rm": ["runs", "rm", "RUN", "--yes"],
}


def run_command(command: list[str], path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    code = main([str(path) if word == "RUN" else word for word in command])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said


@pytest.mark.parametrize("where", PLACES)
def test_what_leads_out_of_a_run_is_refused_by_every_command(
    where: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = paths_of(place)
    PLACES[where](run, place / "outside")
    before, inside = state_of(place / "outside"), state_of(run)
    for name, command in COMMANDS.items():
        code, said = run_command(command, run, capsys)
        assert code == 10, (name, said.err)
        assert str(run) in said.err.replace("\n", ""), (name, said.err)
        assert state_of(place / "outside") == before, name
        assert state_of(run) == inside, name
    assert not (place / "again").exists()


@pytest.mark.parametrize("where", PLACES)
def test_a_list_marks_the_run_and_shows_the_rest(
    where: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = paths_of(place)
    other = Path(shutil.copytree(run, run.with_name(f"{run.name[:-6]}abcdef")))
    PLACES[where](run, place / "outside")
    code, said = run_command(["runs", "ls", "--json"], run, capsys)
    states = {Path(row["run"]).name: row["state"] for row in json.loads(said.out)["runs"]}
    assert code == 0 and states == {run.name: "damaged", other.name: "finished"}


def test_a_whole_run_is_refused_by_none(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A positive control."""
    run, _ = paths_of(place)
    for name, command in COMMANDS.items():
        code, said = run_command(command, run, capsys)
        assert code == 0, (name, said.err)
    assert not run.exists()


def test_a_folder_of_runs_may_be_a_link(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On a larger disk, say; it was the person who made it one."""
    (place / "runs").rename(place / "large")
    (place / "runs").symlink_to(place / "large")
    run, _ = paths_of(place)
    for command in (["runs", "ls"], COMMANDS["extend"], COMMANDS["rm"]):
        assert run_command(command, run, capsys)[0] == 0


# -- sweeps ----------------------------------------------------------------------------------------


def trials_upwards(sweep: Path, outside: Path) -> None:
    shutil.rmtree(sweep / "trials")
    (sweep / "trials").symlink_to("../..")


def a_trial(sweep: Path, outside: Path) -> None:
    (sweep / "trials" / "20260101-000000-small-sweep-0000-abcdef").symlink_to(outside)


def checkpoints_of_a_trial(sweep: Path, outside: Path) -> None:
    linked("checkpoints")(next((sweep / "trials").iterdir()), outside)


def sweep_json(sweep: Path, outside: Path) -> None:
    (sweep / "sweep.json").rename(outside / "sweep.json")
    (sweep / "sweep.json").symlink_to(outside / "sweep.json")


SWEEPS: dict[str, Spoil] = {
    "trials": linked("trials"),
    "trials upwards": trials_upwards,
    "a trial": a_trial,
    "a trial's checkpoints": checkpoints_of_a_trial,
    "failures": linked("failures"),
    "points": linked("points.jsonl"),
    "sweep.json": sweep_json,
}
SWEEP_COMMANDS = {
    "sweep": ["sweep", "RUN", "-j", "1"],
    "retry": ["sweep", "RUN", "-j", "1", "--retry-failed"],
    "show": COMMANDS["show"],
    "report": COMMANDS["report"],
    "compare": COMMANDS["compare"],
    "rm": COMMANDS["rm"],
}


@pytest.mark.parametrize("where", SWEEPS)
def test_what_leads_out_of_a_sweep_is_refused(
    where: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, sweep = paths_of(place)
    (place / "notes" / "checkpoints").mkdir(parents=True)  # what clearing away took
    (place / "empty").mkdir()
    SWEEPS[where](sweep, place / "outside")
    before = state_of(place)
    for name, command in SWEEP_COMMANDS.items():
        code, said = run_command(command, sweep, capsys)
        assert code == 10 and str(sweep) in said.err.replace("\n", ""), (name, said.err)
        assert state_of(place) == before, name
    code, said = run_command(["runs", "ls"], sweep, capsys)
    assert code == 0 and state_of(place) == before
    assert run_command(["runs", "ls", str(sweep)], sweep, capsys)[0] == 0


def test_a_whole_sweep_goes_on_and_clears_away_its_own_alone(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A positive control, with folders that look as if they were the sweep's, and are not."""
    _, sweep = paths_of(place)
    record = json.loads((sweep / "sweep.json").read_text())
    (sweep / "sweep.json").write_text(json.dumps(record | {"state": "interrupted"}))
    own = sweep / "trials" / "20260101-000000-small-sweep-0001-abcdef"
    strange = [sweep / "trials" / name for name in
               ("photos", "empty", "20260101-000000-small-sweep-0099-abcdef")]  # fmt: skip
    for each in (own, *strange):
        (each / "checkpoints").mkdir(parents=True)
    assert run_command(SWEEP_COMMANDS["sweep"], sweep, capsys)[0] == 0
    assert not own.exists() and all(each.exists() for each in strange)


# -- names in files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "right"),
    [
        ({"../../outside/status.json": {"sha256": "0"}}, 10),
        ({"/etc/hostname": {"sha256": "0"}}, 10),
        ({"..": {"sha256": "0"}}, 10),
        ({"x" * 300: {"sha256": "0"}}, 10),
        ([], 5),
        (None, 5),
        ({"status.json": 3}, 5),
    ],
)
def test_files_json_names_files_of_the_run_alone(
    files: Any, right: int, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = paths_of(place)
    (run / "files.json").write_text(json.dumps({"files": files}))
    code, said = run_command(COMMANDS["verify"], run, capsys)
    assert code == right and "files.json" in said.err


@pytest.mark.parametrize("data", [None, [], {"files": 3}, {"files": [{}]}])
def test_damaged_data_json_is_said(
    data: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = paths_of(place)
    (run / "data.json").write_text(json.dumps(data))
    for name in ("evaluate", "extend"):
        code, said = run_command(COMMANDS[name], run, capsys)
        assert code == 5 and "data.json" in said.err, name


def test_a_number_of_310_digits_costs_its_point_alone(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = paths_of(place)
    (run / "summary.json").unlink()
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps(status | {"state": "interrupted"}))
    (run / "metrics.jsonl").write_text('{"step": 1, "train/loss": ' + "9" * 310 + "}\n")
    assert run_command(["runs", "ls"], run, capsys)[0] == 0
