"""`runs rm`: what is wanted goes, whole; nothing else does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rnnexp import storage
from rnnexp.cli.app import main
from rnnexp.recording.run_folder import RunFolder

from ..faults import NEVER, Counting, Killed, killed
from ..reports.runs_made import make_run, make_sweep

Capture = pytest.CaptureFixture[str]


def rm(runs: Path, *arguments: str) -> int:
    return int(main(["runs", "rm", *arguments, "--runs", str(runs)]))


def test_a_run_and_a_sweep_go(tmp_path: Path, capsys: Capture) -> None:
    run, kept = make_run(tmp_path, number=1), make_run(tmp_path, number=2)
    sweep = make_sweep(tmp_path)
    assert rm(tmp_path, str(run), sweep.name, "--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["removed"] == [str(run), str(sweep)]
    assert list(tmp_path.iterdir()) == [kept]


def test_nobody_is_asked_where_nobody_is_there(tmp_path: Path, capsys: Capture) -> None:
    run = make_run(tmp_path)
    assert rm(tmp_path, str(run)) == 2
    assert run.exists()
    capsys.readouterr()


def test_what_is_no_run_stays(tmp_path: Path, capsys: Capture) -> None:
    run, other = make_run(tmp_path / "runs"), tmp_path / "precious"
    other.mkdir()
    (other / "file").write_text("x", encoding="utf-8")
    assert rm(tmp_path / "runs", str(run), str(other), "--yes") == 2
    assert run.exists() and (other / "file").exists()  # all or none
    capsys.readouterr()


def test_a_run_that_a_process_works_on_stays(tmp_path: Path, capsys: Capture) -> None:
    run = RunFolder.create(tmp_path, "x")
    held = f"import time; from rnnexp.storage import FolderLock; from pathlib import Path; \
a = FolderLock(Path({str(run.path)!r})); print('held', flush=True); time.sleep(60)"
    run.close()
    process = subprocess.Popen([sys.executable, "-c", held], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        assert rm(tmp_path, str(run.path), "--yes") == 7
        assert (run.path / "status.json").exists()
    finally:
        process.kill()
        process.communicate()
    assert rm(tmp_path, str(run.path), "--yes") == 0
    capsys.readouterr()


def test_a_kill_half_way_leaves_no_half_run(tmp_path: Path, capsys: Capture) -> None:
    counting = Counting(NEVER, killed)
    make_run(tmp_path / "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "disk", counting)
        assert rm(tmp_path / "a", "latest", "--yes") == 0
    for number in range(counting.calls):
        runs = tmp_path / f"b{number}"
        run = make_run(runs)
        files = sorted(path.name for path in run.rglob("*"))
        with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
            patch.setattr(storage, "disk", Counting(number, killed))
            rm(runs, "latest", "--yes")
        shown = [path for path in runs.iterdir() if not path.name.startswith(".")]
        assert shown in ([], [run])
        if shown:
            assert sorted(path.name for path in run.rglob("*")) == files
        assert main(["runs", "ls", "--runs", str(runs)]) == 0
    capsys.readouterr()
