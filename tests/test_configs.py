"""Every config of the gallery trains: two steps of it, on its own data."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from rnnexp.config.gallery import Entry, entries
from rnnexp.config.load import load_config
from rnnexp.runner import train
from rnnexp.training.observer import Silent

ROOT = Path(__file__).parents[1]
GALLERY = entries()
DATA_FOLDERS = [os.environ.get("RNNEXP_DATA", ""), str(ROOT.parent / "shared" / "data")]


def data_override(entry: Entry) -> list[str]:
    """Where the config's own data file is on this machine."""
    named = re.search(r"^  path: (\S+)", entry.path.read_text(encoding="utf-8"), re.MULTILINE)
    if named is None:
        return []
    for folder in filter(None, DATA_FOLDERS):
        if (Path(folder) / named[1]).is_file():
            return [f"data.path={Path(folder) / named[1]}"]
    pytest.skip(f"{named[1]} is not on this machine (set RNNEXP_DATA)")


def test_the_gallery_covers_the_field() -> None:
    names = [entry.name for entry in GALLERY]
    assert len(names) >= 12
    for room in ("many_to_one", "one_to_many", "many_to_many", "long_range"):
        assert any(name.startswith(room) for name in names)


@pytest.mark.parametrize("entry", GALLERY, ids=lambda entry: entry.name)
def test_two_steps_of_each(entry: Entry, tmp_path: Path) -> None:
    overrides = ["training.max_steps=2", *data_override(entry)]
    if "warmup_steps" in entry.path.read_text(encoding="utf-8"):
        overrides.append("training.schedule.warmup_steps=0")
    if re.search(r"train: \d{4,}", entry.path.read_text(encoding="utf-8")):
        overrides += ["data.train=200", "data.val=40", "data.test=40"]
    summary = train(load_config(entry.path, overrides), tmp_path, Silent())
    assert summary["steps"] == 2
    assert entry.expect.split()[0] in summary["metrics"], "the header names another metric"
