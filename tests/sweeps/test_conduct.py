"""Every point once, whatever happens: with an engine that does what the test says."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rnnexp.errors import CheckpointError, InterruptedRunError, StorageError
from rnnexp.sweeps.conduct import Result, conduct
from rnnexp.sweeps.engine import Job
from rnnexp.sweeps.sweep_folder import SweepFolder, best_trials, every_trial

from .scripted import ScriptedEngine, Watching, leave_run

MakeSweep = Callable[..., SweepFolder]


@pytest.fixture
def sweep(make_sweep: MakeSweep) -> SweepFolder:
    return make_sweep("model.cell=rnn,lstm", "seed=0..2")


def once(sweep: SweepFolder, script: Any = None, **options: Any) -> tuple[Result, ScriptedEngine]:
    engine = ScriptedEngine(sweep.trials, script) if script else ScriptedEngine(sweep.trials)
    return conduct(sweep, engine, Watching(), **options), engine


def only(number: int, *events: str) -> Callable[[Job], Sequence[str]]:
    """A script in which one point fares differently."""
    return lambda job: events if job.point == number else ["started", "finished"]


def test_every_point_is_run_once_in_order(sweep: SweepFolder) -> None:
    result, engine = once(sweep)
    assert [job.point for job in engine.submitted] == list(range(6))
    assert result.finished == set(range(6)) and not result.failed
    assert sweep.record()["state"] == "finished" and engine.closed
    assert engine.most == 2
    again, idle = once(sweep)
    assert again.finished == result.finished and idle.submitted == []


def test_a_trial_is_told_which_point_it_is_and_which_data_it_must_find(sweep: SweepFolder) -> None:
    _, engine = once(sweep)
    job = engine.submitted[4]
    assert job.trial == {"point": 4, "setting": 1} and job.data == {"a.csv": "1"}
    assert "model.cell=lstm" in job.overrides and "seed=1" in job.overrides


def test_a_failure_does_not_stop_the_rest_and_is_remembered(sweep: SweepFolder) -> None:
    result, _ = once(sweep, only(1, "started", "failed"))
    assert result.failed == {1: "no 1"} and result.finished == {0, 2, 3, 4, 5}
    again, engine = once(sweep)
    assert again.failed == {1: "no 1"} and engine.submitted == []
    retried, engine = once(sweep, retry_failed=True)
    assert [job.point for job in engine.submitted] == [1] and not retried.failed
    assert once(sweep)[0].finished == set(range(6))


def test_fail_fast_stops_at_the_first(sweep: SweepFolder) -> None:
    def script(job: Job) -> Sequence[str]:
        return ["failed"] if job.point == 0 else ["progress"] * 5 + ["finished"]

    result, engine = once(sweep, script, fail_fast=True)
    assert set(result.failed) == {0} and engine.cancelled
    assert [job.point for job in engine.submitted] == [0, 1]
    assert sweep.record()["state"] == "interrupted"


def test_what_diverged_has_failed(sweep: SweepFolder) -> None:
    leave_run(sweep.trials, 2, "diverged")
    result, engine = once(sweep)
    assert set(result.failed) == {2} and 2 not in [job.point for job in engine.submitted]
    _, engine = once(sweep, retry_failed=True)
    assert [(job.point, job.task) for job in engine.submitted] == [(2, "train")]


def test_a_full_disk_ends_the_sweep(sweep: SweepFolder) -> None:
    full = ("failed", {"exit": 6, "errors": [{"message": "disk full"}]})
    with pytest.raises(StorageError, match="trial 1: disk full"):
        once(sweep, lambda job: [full] if job.point == 1 else ["progress"] * 9)
    assert sweep.record()["state"] == "interrupted"
    assert sweep.failures() == {}  # it is not the trial's fault


def test_a_trial_whose_worker_dies_goes_on_once_more(sweep: SweepFolder) -> None:
    lives = {3: 0}

    def script(job: Job) -> Sequence[str]:
        if job.point != 3:
            return ["finished"]
        lives[3] += 1
        if lives[3] == 1:
            leave_run(sweep.trials, 3, "running", step=2)
            return ["lost"]
        return ["finished"]

    result, engine = once(sweep, script)
    assert result.finished == set(range(6))
    assert [job.task for job in engine.submitted if job.point == 3] == ["train", "resume"]


def test_a_second_death_fails_it(sweep: SweepFolder) -> None:
    result, engine = once(sweep, only(3, "lost"))
    assert "signal 9" in result.failed[3]
    assert [job.point for job in engine.submitted].count(3) == 2
    assert sweep.failures()[3]["exit"] == 9


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_every_trial_save(sweep: SweepFolder, number: int) -> None:
    def script(job: Job) -> Sequence[str]:
        if job.point == 2:
            os.kill(os.getpid(), number)
        return ["finished"] if job.point < 2 else ["progress"] * 99

    engine = ScriptedEngine(sweep.trials, script)
    before = signal.getsignal(number)
    with pytest.raises(InterruptedRunError) as caught:
        conduct(sweep, engine, Watching())
    assert caught.value.exit == 128 + number and engine.cancelled and engine.closed
    assert str(sweep.path) in (caught.value.problems[0].hint or "")
    assert signal.getsignal(number) == before
    assert sweep.record()["state"] == "interrupted"
    assert once(sweep)[0].finished == set(range(6))


def test_a_second_signal_ends_the_workers_at_once(sweep: SweepFolder) -> None:
    def script(job: Job) -> Sequence[str]:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        return ["progress"] * 99

    engine = ScriptedEngine(sweep.trials, script)
    with pytest.raises(InterruptedRunError):
        conduct(sweep, engine, Watching())
    assert engine.killed


def test_what_a_kill_left_is_gone_on_with_or_cleared_away(sweep: SweepFolder) -> None:
    half = leave_run(sweep.trials, 0, "running", step=7)
    litter = leave_run(sweep.trials, 1, "running", step=0)
    (sweep.trials / "20260101-000000-x-0002-ffffff").mkdir()
    result, engine = once(sweep)
    jobs = {job.point: job for job in engine.submitted}
    assert (jobs[0].task, jobs[0].run) == ("resume", half)
    assert jobs[1].task == "train" and not litter.exists()
    assert result.finished == set(range(6))


def test_two_half_done_copies_merge_by_copying(sweep: SweepFolder) -> None:
    """Point 1 was finished in one and half done in the other, point 2 half done in both."""
    leave_run(sweep.trials, 1, "interrupted", step=9)
    whole = leave_run(sweep.trials, 1, "finished", 0.25, step=8)
    leave_run(sweep.trials, 2, "interrupted", step=3)
    further = leave_run(sweep.trials, 2, "interrupted", step=5)
    best = best_trials(sweep.trials)
    assert (best[1].path, best[1].value, best[2].path) == (whole, 0.25, further)
    _, engine = once(sweep)
    jobs = {job.point: job for job in engine.submitted}
    assert 1 not in jobs and jobs[2].run == further


def test_damage_and_strangers_among_the_trials_do_no_harm(sweep: SweepFolder) -> None:
    broken = leave_run(sweep.trials, 0, "finished")
    (broken / "summary.json").write_text("{", encoding="utf-8")
    (leave_run(sweep.trials, 1, "finished") / "trial.json").write_text("[1]", encoding="utf-8")
    (sweep.trials / "note.txt").write_text("hello", encoding="utf-8")
    (sweep.trials / "link").symlink_to(broken)
    result, _ = once(sweep)
    assert result.finished == set(range(6))
    assert len([t for t in every_trial(sweep.trials) if t.state == "finished"]) == 6


def test_changed_data_are_refused(sweep: SweepFolder) -> None:
    sweep.update(data={"a.csv": "2"})
    with pytest.raises(CheckpointError, match=r"a\.csv has changed since the sweep was frozen"):
        once(sweep)


class Halving:
    """A search that stops every second point."""

    total, exhausted = 4, False

    def __init__(self, points: list[Any]) -> None:
        self.points, self.heard = points, dict[int, float | None]()

    def next(self) -> Any:
        point = self.points.pop(0) if self.points else None
        self.exhausted = not self.points
        return point

    def told(self, point: Any, value: float | None) -> None:
        self.heard[point.number] = value

    def goes_on(self, point: Any, step: int, metrics: Any) -> bool:
        return bool(point.number % 2 == 0)


def test_a_search_is_told_what_came_back(make_sweep: MakeSweep, tmp_path: Path) -> None:
    listed = make_sweep("seed=0..3").points()
    sweep = make_sweep("model.cell=rnn,lstm")
    (sweep.path / "points.jsonl").write_text("", encoding="utf-8")
    search = Halving(listed)
    validated = ("validated", {"step": 1, "metrics": {"val/loss": 1.0}})

    def script(job: Job) -> Sequence[Any]:
        return [validated, "finished" if job.point % 2 == 0 else "pruned"]

    result, engine = once(sweep, script, search=search)
    assert sorted(engine.answers) == [False, False, True, True]
    assert search.heard == {0: 0, 1: None, 2: 2, 3: None}
    assert (result.finished, result.pruned) == ({0, 2}, {1, 3})
