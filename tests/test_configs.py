"""Every config of the gallery trains: two steps of it, on its own data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rnnexp.config.gallery import Entry, experiments
from rnnexp.config.loading import load_config
from rnnexp.registry.cache import cache_folder, missing
from rnnexp.running.runner import train
from rnnexp.training.journal import Silent

GALLERY = experiments()


def test_the_gallery_covers_the_field() -> None:
    names = [entry.name for entry in GALLERY]
    assert len(names) >= 12
    for room in ("many_to_one", "one_to_many", "many_to_many", "long_range"):
        assert any(name.startswith(room) for name in names)


@pytest.mark.parametrize("entry", GALLERY, ids=lambda entry: entry.name)
def test_two_steps_of_each(entry: Entry, tmp_path: Path) -> None:
    text = entry.path.read_text(encoding="utf-8")
    if wanted := missing(text):
        pytest.skip(f"not in {cache_folder()}: {', '.join(wanted)} (rnnexp data get)")
    overrides = ["training.max_steps=2", "training.threads=1"]
    if "warmup_steps" in text:
        overrides.append("training.schedule.warmup_steps=0")
    if re.search(r"train: \d{4,}", text):
        overrides += ["data.train=200", "data.val=40", "data.test=40"]
    summary = train(load_config(entry.path, overrides), tmp_path, Silent())
    assert summary["steps"] == 2
    assert entry.expect.split()[0] in summary["metrics"], "the header names another metric"
