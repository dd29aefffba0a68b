"""Small files and configs for the data tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from rnnexp.config.loading import load_config
from rnnexp.data.dataset import Dataset
from rnnexp.data.prepare import prepare
from rnnexp.errors import Problem, RnnexpError

Prepare = Callable[..., Dataset]
Refused = Callable[..., Problem]
Write = Callable[..., None]


@pytest.fixture
def make(tmp_path: Path) -> Prepare:
    """make({"source": ...}, "many_to_one", training={...}): the data of a config, prepared."""

    def call(data: dict[str, Any], kind: str = "many_to_one", **sections: Any) -> Dataset:
        task = {"kind": kind} | sections.pop("task", {})
        whole = {"name": "test", "data": data, "task": task, **sections}
        path = tmp_path / "experiment.yaml"
        path.write_text(yaml.safe_dump(whole, sort_keys=False))
        return prepare(load_config(path))

    return call


@pytest.fixture
def refused(make: Prepare) -> Refused:
    """Like `make`, for what must be refused: the one problem it is refused for."""

    def call(*arguments: Any, exit_code: int = 4, **sections: Any) -> Problem:
        with pytest.raises(RnnexpError) as caught:
            make(*arguments, **sections)
        assert caught.value.exit == exit_code, caught.value
        (problem,) = caught.value.problems
        return problem

    return call


@pytest.fixture
def write_lines(tmp_path: Path) -> Write:
    """write_lines("a.jsonl", [{...}, '{"raw": 1}']) writes objects, or texts as they are."""

    def call(name: str, lines: Sequence[Any]) -> None:
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (tmp_path / name).write_text("\n".join(texts) + "\n", encoding="utf-8")

    return call
