"""A search that learns: Optuna behind our points."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("optuna")

from rnnexp.sweeps.conduct import conduct, definition_of
from rnnexp.sweeps.definition import Method
from rnnexp.sweeps.engine import Event, Job
from rnnexp.sweeps.points import Point
from rnnexp.sweeps.sweep_folder import SweepFolder
from rnnexp.sweeps.tpe import Suggested

from .scripted import ScriptedEngine, Watching, leave_run

MakeSweep = Callable[..., SweepFolder]
AXES = ("training.optimizer.lr=log:1e-4..1e-1", "model.cell=rnn,gru")


@pytest.fixture
def sweep(make_sweep: MakeSweep) -> SweepFolder:
    return make_sweep(*AXES, method=Method("tpe", 30, seed=3))


def loss(point: Point) -> float:
    """Best at a rate of 1e-2 with a GRU."""
    rate = float(next(o for o in point.overrides if ".lr=" in o).partition("=")[2])
    return abs(math.log10(rate) + 2) + ("model.cell=rnn" in point.overrides)


def search_of(sweep: SweepFolder, values: dict[int, float | None] | None = None) -> Suggested:
    definition, points = definition_of(sweep), sweep.points()
    return Suggested(definition, 0, False, "val/loss", points, values or {}, sweep.add_point)


def tell_all(search: Suggested, count: int) -> list[Point]:
    asked = list[Point]()
    while len(asked) < count and (point := search.next()) is not None:
        asked.append(point)
        search.told(point, loss(point))
    return asked


def test_it_goes_where_it_is_better_than_chance(sweep: SweepFolder) -> None:
    search = search_of(sweep)
    asked = tell_all(search, 30)
    assert "depends on the order" in sweep.record()["note"]
    assert search.exhausted and [point.number for point in asked] == list(range(30))
    first, last = ([loss(p) for p in part] for part in (asked[:10], asked[-10:]))
    assert sum(last) < 0.8 * sum(first)


def test_the_points_are_kept_and_the_same_seed_asks_the_same(
    sweep: SweepFolder, make_sweep: MakeSweep
) -> None:
    asked = tell_all(search_of(sweep), 12)
    assert sweep.points() == asked and sweep.record()["points"] == 12
    other = make_sweep(*AXES, method=Method("tpe", 30, seed=3), runs="other")
    assert tell_all(search_of(other), 12) == asked


def test_another_process_goes_on_with_what_was_learnt(sweep: SweepFolder) -> None:
    asked = tell_all(search_of(sweep), 15)
    again = search_of(sweep, {point.number: loss(point) for point in asked})
    assert len(again.study.trials) == 15
    assert again.study.best_value == min(map(loss, asked))
    more = tell_all(again, 99)
    assert [point.number for point in more] == list(range(15, 30))
    assert sum(map(loss, more)) / 15 < sum(map(loss, asked)) / 15


def test_a_setting_is_judged_by_the_mean_over_its_seeds(make_sweep: MakeSweep) -> None:
    sweep = make_sweep(*AXES, "seed=4,5", method=Method("tpe", 3))
    search = search_of(sweep)
    first, second = search.next(), search.next()
    assert first is not None and second is not None
    assert (first.setting, first.seed, second.setting, second.seed) == (0, 4, 0, 5)
    search.told(second, 3.0)
    search.told(first, 1.0)
    assert search.study.trials[0].value == 2.0
    assert search.total == 6


def test_what_falls_behind_is_pruned(make_sweep: MakeSweep) -> None:
    method = Method("tpe", 12, pruner="median")
    sweep = make_sweep(*AXES, method=method)

    def validations(job: Job) -> list[Any]:
        bad = job.point >= 8
        value = {"metrics": {"val/loss": 9.0 if bad else 0.1}}
        steps = [("validated", {"step": step, **value}) for step in (1, 2)]
        return [*steps, "pruned" if bad else "finished"]

    engine, watching = ScriptedEngine(sweep.trials, validations, capacity=1), Watching()
    result = conduct(sweep, engine, watching, search_of(sweep))
    assert engine.answers[:16] == [True] * 16 and False in engine.answers[16:]
    assert result.pruned == set(range(8, 12))
    assert all(job.prunable for job in engine.submitted)


def test_points_that_were_asked_but_not_run_come_first(sweep: SweepFolder) -> None:
    search = search_of(sweep)
    asked = [search.next(), search.next()]
    assert all(asked)
    leave_run(sweep.trials, 1, "interrupted", step=3)
    engine = ScriptedEngine(sweep.trials, capacity=1)
    conduct(sweep, engine, Watching(), search_of(sweep))
    assert [(job.point, job.task) for job in engine.submitted[:3]] == [
        (0, "train"), (1, "resume"), (2, "train"),
    ]  # fmt: skip
    assert len(engine.submitted) == 30


def test_events_say_what_went_wrong() -> None:
    job = Job("train", 1)
    errors = [{"message": "a"}, {"message": "b"}]
    assert Event("failed", job, {"errors": errors}).message == "a; b"
    assert Event("lost", job, {"reason": "gone"}).message == "gone"
