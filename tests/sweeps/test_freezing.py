"""Every point is checked and frozen before the first one starts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnexp.config.loading import load_config, settings_of
from rnnexp.errors import CheckpointError, ConfigError, UnsafeError
from rnnexp.sweeps.conduct import refuse_other_code
from rnnexp.sweeps.definition import Method
from rnnexp.sweeps.freezing import Plan, plan_sweep
from rnnexp.sweeps.sweep_file import read_sweep
from rnnexp.sweeps.sweep_folder import SweepFolder, code_state

MakePlan = Callable[..., Plan]
MakeSweep = Callable[..., SweepFolder]
AXES = ("model.cell=rnn,lstm", "seed=4,2")


def test_a_point_is_the_base_with_overrides(make_plan: MakePlan) -> None:
    plan = make_plan(*AXES)
    assert [(p.number, p.setting, p.seed) for p in plan.points] == [
        (0, 0, 4), (1, 0, 2), (2, 1, 4), (3, 1, 2),
    ]  # fmt: skip
    found = [plan.config(point).experiment for point in plan.points]
    assert [each.model.cell for each in found] == ["rnn", "rnn", "lstm", "lstm"]
    assert [each.seed for each in found] == [4, 2, 4, 2]
    assert [each.name for each in found] == [f"small-sweep-{n:04d}" for n in range(4)]


def test_trials_run_on_one_thread_unless_the_base_says_more(make_plan: MakePlan) -> None:
    assert make_plan(*AXES).base.experiment.training.threads == 1
    assert make_plan(*AXES, "training.threads=2").base.experiment.training.threads == 2


def test_the_frozen_base_means_to_a_point_what_the_file_meant(make_sweep: MakeSweep) -> None:
    """Also where a default depends on what the point sets (LSTM: a forget bias; RNN: none)."""
    sweep = make_sweep(*AXES)
    for point in sweep.points():
        ours = settings_of(load_config(sweep.path / "base.yaml", point.overrides))
        theirs = settings_of(load_config(sweep.path.parents[1] / "base.yaml", point.overrides))
        theirs["training"]["threads"] = 1
        assert ours == theirs


def test_every_setting_that_cannot_be_run_is_named_with_its_values(make_plan: MakePlan) -> None:
    with pytest.raises(ConfigError) as caught:
        make_plan("model.cell=rnn,lstmm", "training.clip.norm=0,1")
    assert caught.value.exit == 3
    assert len(caught.value.problems) == 3
    hints = [problem.hint or "" for problem in caught.value.problems]
    assert any("model.cell=lstmm training.clip.norm=1" in hint for hint in hints)


def test_too_many_points_are_refused_before_one_is_made(make_plan: MakePlan) -> None:
    axes = [f"a{n}=0..99" for n in range(6)]  # 10^12
    with pytest.raises(ConfigError, match="1,000,000,000,000 trials, of at most 10,000"):
        make_plan(*axes)


def test_what_chance_draws_twice_is_run_once(make_plan: MakePlan) -> None:
    plan = make_plan("model.cell=rnn,lstm", method=Method("random", 30))
    assert len(plan.points) == 2


def test_more_random_trials_keep_the_earlier_ones(make_plan: MakePlan) -> None:
    axis = "training.optimizer.lr=1e-4..1e-1"
    few, more = (make_plan(axis, method=Method("random", n)) for n in (3, 6))
    assert [p.overrides for p in few.points] == [p.overrides for p in more.points[:3]]


def test_files_of_an_axis_are_relative_to_the_sweep(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("v\n" + "\n".join(map(str, range(60))), encoding="utf-8")
    (tmp_path / "base.yaml").write_text(
        "name: x\ndata: {source: csv, path: a.csv, value: v, window: 4}\n"
        "task: {kind: many_to_one}\ntraining: {epochs: 1}\n",
        encoding="utf-8",
    )
    (tmp_path / "s.yaml").write_text(
        "base: base.yaml\nspace: {data.path: [a.csv, b.csv]}", encoding="utf-8"
    )
    plan = plan_sweep(read_sweep(tmp_path / "s.yaml"), tmp_path)
    sweep = SweepFolder.create(tmp_path / "elsewhere", plan)
    paths = [
        load_config(sweep.path / "base.yaml", point.overrides).file("data.path")
        for point in sweep.points()
    ]
    assert paths == [tmp_path / "a.csv", tmp_path / "b.csv"]


def test_the_same_question_meets_the_same_folder_and_another_one_another(
    make_plan: MakePlan, base: Path
) -> None:
    first = make_plan(*AXES).folder_name
    assert make_plan(*AXES).folder_name == first
    others = [
        make_plan("model.cell=rnn,gru", "seed=4,2"),
        make_plan("model.cell=rnn,lstm", "seed=4"),
        make_plan(*AXES, "training.epochs=1"),
        make_plan(*AXES, method=Method("random", 2)),
    ]
    assert len({first, *(other.folder_name for other in others)}) == 5
    base.write_text(base.read_text().replace("length: 8", "length: 9"), encoding="utf-8")
    assert make_plan(*AXES).folder_name != first


def test_a_later_edit_of_the_base_changes_nothing(make_sweep: MakeSweep, base: Path) -> None:
    sweep = make_sweep(*AXES)
    base.write_text("broken: [", encoding="utf-8")
    opened = SweepFolder.open(sweep.path)
    assert [p.seed for p in opened.points()] == [4, 2, 4, 2]
    assert load_config(opened.path / "base.yaml", opened.points()[0].overrides)


@pytest.mark.parametrize("name", ["base.yaml", "points.jsonl"])
def test_what_is_frozen_cannot_be_edited(make_sweep: MakeSweep, name: str) -> None:
    sweep = make_sweep(*AXES)
    path = sweep.path / name
    path.write_text(path.read_text().replace("rnn", "gru"), encoding="utf-8")
    with pytest.raises(CheckpointError, match="has changed since the sweep was frozen"):
        SweepFolder.open(sweep.path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"frozen": {"../x": "1"}}'])
def test_a_damaged_sweep_is_refused(make_sweep: MakeSweep, text: str) -> None:
    sweep = make_sweep(*AXES)
    (sweep.path / "sweep.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError):
        SweepFolder.open(sweep.path)


def test_other_code_is_refused_or_said(make_sweep: MakeSweep) -> None:
    sweep = make_sweep(*AXES)
    assert refuse_other_code(sweep, allow_drift=False) == []
    code = code_state()
    for changed in ({"sha256": "0" * 64}, {"versions": code["versions"] | {"torch": "1.0"}}):
        sweep.update(code=code | changed)
        with pytest.raises(CheckpointError):
            refuse_other_code(sweep, allow_drift=False)
        (told,) = refuse_other_code(sweep, allow_drift=True)
        assert ("torch was 1.0" in told) == ("versions" in changed)


def test_a_creation_that_was_killed_is_finished_by_the_next(make_sweep: MakeSweep) -> None:
    sweep = make_sweep(*AXES)
    record = json.loads((sweep.path / "sweep.json").read_text())
    (sweep.path / "sweep.json").unlink()
    (sweep.path / "points.jsonl").unlink()
    again = make_sweep(*AXES)
    assert again.path == sweep.path
    assert json.loads((again.path / "sweep.json").read_text())["frozen"] == record["frozen"]


def test_a_sweep_is_not_frozen_over_links(make_plan: MakePlan, tmp_path: Path) -> None:
    """The folder that it would take is there already, half made by a stranger."""
    plan, outside = make_plan("seed=0..1"), tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "runs" / plan.folder_name
    folder.mkdir(parents=True)
    (folder / "trials").symlink_to(outside)
    with pytest.raises(UnsafeError, match="trials is a symbolic link"):
        SweepFolder.create(tmp_path / "runs", plan)
    assert [path.name for path in folder.iterdir()] == ["trials"]
    shutil.rmtree(folder)
    folder.symlink_to(outside)
    with pytest.raises(UnsafeError, match="is a symbolic link"):
        SweepFolder.create(tmp_path / "runs", plan)
    assert not any(outside.iterdir())
