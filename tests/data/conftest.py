"""Small configs and files for the data tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnexp.config.config import Config, KeyPath
from rnnexp.config.schema import Experiment
from rnnexp.data.dataset import Dataset
from rnnexp.data.prepare import prepare
from rnnexp.errors import Position, Problem, RnnexpError

Prepare = Callable[..., Dataset]
Refused = Callable[..., Problem]


def experiment(folder: Path, data: dict[str, Any], kind: str, **sections: Any) -> Config:
    """A config whose keys stand each on a line of its own in `folder`/experiment.yaml."""
    path = folder / "experiment.yaml"
    path.touch()
    whole = {"name": "x", "data": data, **sections}
    whole["task"] = {"kind": kind} | sections.get("task", {})
    positions: dict[KeyPath, Position] = {}
    for section, keys in whole.items():
        positions[(section,)] = Position(str(path), len(positions) + 1, 1)
        for key in keys if isinstance(keys, dict) else ():
            positions[(section, key)] = Position(str(path), len(positions) + 1, 3)
    return Config(Experiment.model_validate(whole), path, "", (), positions)


@pytest.fixture
def make(tmp_path: Path) -> Prepare:
    """make({"source": ...}, "many_to_one", training={...}) -> the prepared data set."""

    def call(data: dict[str, Any], kind: str = "many_to_one", **sections: Any) -> Dataset:
        return prepare(experiment(tmp_path, data, kind, **sections))

    return call


@pytest.fixture
def refused(make: Prepare) -> Refused:
    """Like `make`, for what must be refused: the one problem, whose exit code is `exit_code`."""

    def call(*arguments: Any, exit_code: int = 4, **sections: Any) -> Problem:
        with pytest.raises(RnnexpError) as caught:
            make(*arguments, **sections)
        assert caught.value.exit == exit_code, caught.value
        (problem,) = caught.value.problems
        return problem

    return call
