"""Real public files, where a copy of them is at hand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(os.environ.get("RNNEXP_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture
def public() -> Any:
    def find(name: str) -> str:
        if not (FOLDER / name).is_file():
            pytest.skip(f"no {name} in {FOLDER}; RNNEXP_DATA names another folder")
        return str(FOLDER / name)

    return find


def test_monthly_sunspots(make: Any, public: Any) -> None:
    path = public("monthly-sunspots.csv")
    dataset = make({"source": "csv", "path": path, "value": "Sunspots", "window": 132})
    assert dataset.record["steps"] == 2820
    assert dataset.record["range"] == ["1749-01", "1983-12"]
    own = dataset.outputs.scaler.invert(dataset.train.inputs[0])[:2, 0]
    np.testing.assert_allclose(own, [58.0, 62.6], rtol=1e-6)


def test_tiny_shakespeare(make: Any, public: Any) -> None:
    path = public("tinyshakespeare.txt")
    dataset = make({"source": "text", "path": path}, "many_to_many")
    assert dataset.outputs.size == 65 + 1
    assert sum(int(dataset.counted(name).sum()) for name in ("train", "val", "test")) == 1_115_393


def test_names_and_their_languages(make: Any, public: Any, write_lines: Any) -> None:
    languages = ("Arabic", "Czech", "Greek")
    lines = [
        {"inputs": name, "target": language}
        for language in languages
        for name in Path(public(f"names/{language}.txt")).read_text(encoding="utf-8").split("\n")
        if name
    ]
    write_lines("a.jsonl", lines)
    options = {"source": "jsonl", "path": "a.jsonl", "unit": "character"}
    dataset = make(options, task={"target": "classification"})
    assert dataset.outputs.vocabulary.units == languages
    seen: list[set[tuple[str, str]]] = [set(), set(), set()]
    for names, part in zip(seen, ("train", "val", "test"), strict=True):
        origin = dataset.split(part).origin
        names |= {(lines[i - 1]["inputs"], lines[i - 1]["target"]) for i in origin}
    assert sum(map(len, seen)) == len(set.union(*seen))  # the many doubles are in one split each
