"""A whole run on a disk that fails at its k-th call, for every k: nothing that was saved is lost.

RNNEXP_PROOF=1 (`make proof`) takes every k and every error; here some.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnexp import storage
from rnnexp.cli.app import main
from rnnexp.recording import checkpoints

from .faults import NEVER, Counting, Killed, failing, killed

PROOF = bool(os.environ.get("RNNEXP_PROOF"))
Capture = pytest.CaptureFixture[str]
CONFIG = """
name: small
data: {source: sunspots, window: 5}
task: {kind: many_to_one}
model: {cell: lstm, hidden_sizes: [4]}
training: {epochs: 2, batch_size: 40, checkpoint_steps: 3, threads: 1, log_every: 2}
"""


@pytest.fixture(autouse=True)
def _every_checkpoint_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise so short a run would write two."""
    monkeypatch.setattr("rnnexp.running.runner.SECONDS_BETWEEN", 0.0)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


Result = tuple[list[dict[str, Any]], bytes]


def result(run: Path) -> Result:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    log = [{k: v for k, v in x.items() if k not in ("seconds", "tokens_per_s")} for x in lines]
    newest = checkpoints.steps(run / "checkpoints")[-1]
    return log, (run / "checkpoints" / str(newest) / "tensors.safetensors").read_bytes()


def on(disk: storage.Disk, *arguments: str) -> int:
    """The exit code of a command on a disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "disk", disk)
        return int(main(arguments))


@pytest.fixture
def whole(config: Path, tmp_path: Path) -> tuple[int, Result]:
    """How many calls a run makes, and what it leaves."""
    counting, runs = Counting(NEVER, killed), tmp_path / "whole"
    assert on(counting, "train", str(config), "--runs", str(runs)) == 0
    (run,) = runs.iterdir()
    return counting.calls, result(run)


def numbers(calls: int, some: int) -> range:
    return range(calls) if PROOF else range(0, calls, max(1, calls // some))


def resumed(runs: Path, whole: Result) -> bool:
    """Whether there was a checkpoint to go on from; then it must lead to the same end."""
    run = next(runs.iterdir(), None) if runs.is_dir() else None
    if run is None or not checkpoints.steps(run / "checkpoints"):
        return False
    assert main(["resume", str(run)]) == 0
    assert result(run) == whole
    names = [path.name for path in run.rglob("*") if ".tmp" in path.name]
    assert not [name for name in names if "checkpoints" in name]
    return True


def test_a_kill_before_any_call(config: Path, tmp_path: Path, whole: tuple[int, Result]) -> None:
    calls, expected = whole
    assert calls > 100
    recovered = 0
    for number in numbers(calls, 7):
        runs, disk = tmp_path / str(number), Counting(number, killed)
        with pytest.raises(Killed):
            on(disk, "train", str(config), "--runs", str(runs))
        recovered += resumed(runs, expected)
        shutil.rmtree(runs, ignore_errors=True)
    assert recovered > len(numbers(calls, 7)) // 2  # the others died before the first checkpoint


def test_a_kill_of_a_resume(config: Path, tmp_path: Path, whole: tuple[int, Result]) -> None:
    calls, expected = whole
    half = tmp_path / "half"
    with pytest.raises(Killed):
        on(Counting(calls // 2, killed), "train", str(config), "--runs", str(half))
    counting = Counting(NEVER, killed)
    copy = tmp_path / "copy"
    shutil.copytree(half, copy)
    assert on(counting, "resume", str(next(copy.iterdir()))) == 0
    for number in numbers(counting.calls, 3):
        runs = tmp_path / str(number)
        shutil.copytree(half, runs)
        with pytest.raises(Killed):
            on(Counting(number, killed), "resume", str(next(runs.iterdir())))
        assert resumed(runs, expected)
        shutil.rmtree(runs)


@pytest.mark.parametrize("once", [True, False], ids=["once", "from then on"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
def test_an_error_at_any_call(  # noqa: PLR0917
    config: Path,
    tmp_path: Path,
    whole: tuple[int, Result],
    capsys: Capture,
    number: int,
    once: bool,
) -> None:
    calls, expected = whole
    recovered = 0
    for call in numbers(calls, 2):
        runs = tmp_path / str(call)
        disk = Counting(call, failing(number), once=once)
        capsys.readouterr()
        code = on(disk, "train", str(config), "--runs", str(runs), "--json")
        assert disk.fired
        if code == 0:  # what failed was the removal of litter
            assert once
        else:
            assert code == 6
            (error,) = json.loads(capsys.readouterr().out.splitlines()[-1])["errors"]
            assert str(runs) in error["message"]
            full = number in (errno.ENOSPC, errno.EDQUOT)
            assert not full or ("needed" in error["hint"] and "free" in error["hint"])
        recovered += resumed(runs, expected)
        shutil.rmtree(runs, ignore_errors=True)
    assert recovered > 0


Filled = Callable[[int], Path]


@pytest.fixture
def tmpfs(tmp_path: Path) -> Any:
    """A real file system of 4 MB; skipped where none can be mounted."""
    import subprocess

    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, check=False, capture_output=True)
    except OSError:
        pytest.skip("no mount")
    if done.returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full(
    config: Path, tmpfs: Path, whole: tuple[int, Result], capsys: Capture
) -> None:
    """Filled to many sizes: it trains, or it says so; what was saved goes on once there is room."""
    _, expected = whole
    codes = set()
    for left in range(0, 600_000, 4096 if PROOF else 199_000):
        stuffing, runs = tmpfs / "stuffing", tmpfs / "runs"
        runs.mkdir()
        room = os.statvfs(tmpfs)
        stuffing.write_bytes(b"\0" * (room.f_bavail * room.f_frsize - left))
        codes.add(main(["train", str(config), "--runs", str(runs)]))
        stuffing.unlink()
        resumed(runs, expected)
        shutil.rmtree(runs)
    assert codes == {0, 6}
