"""A base config that trains in a blink, and sweeps of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnexp.sweeps.definition import Method
from rnnexp.sweeps.freezing import Plan, plan_sweep
from rnnexp.sweeps.sweep_file import read_sweep
from rnnexp.sweeps.sweep_folder import SweepFolder

BASE = """
name: small
data: {source: adding, length: 8, train: 64, val: 32, test: 32}
task: {kind: many_to_one}
model: {cell: rnn, hidden_sizes: [4]}
training: {epochs: 2, batch_size: 16}
"""

MakePlan = Callable[..., Plan]
MakeSweep = Callable[..., SweepFolder]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text(BASE, encoding="utf-8")
    return path


@pytest.fixture
def make_plan(base: Path) -> MakePlan:
    """make_plan("model.cell=rnn,lstm", "seed=0..1")"""

    def make(*typed: str, method: Method | None = None) -> Plan:
        return plan_sweep(read_sweep(base, typed, method), base.parent)

    return make


@pytest.fixture
def make_sweep(make_plan: MakePlan, tmp_path: Path) -> MakeSweep:
    """The same, frozen in a folder."""

    def make(*typed: str, method: Method | None = None, runs: str = "runs") -> SweepFolder:
        return SweepFolder.create(tmp_path / runs, make_plan(*typed, method=method))

    return make
