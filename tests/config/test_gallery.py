from __future__ import annotations

import re
from pathlib import Path

import pytest

from rnnexp.config.gallery import Entry, entries, experiments, find
from rnnexp.config.loading import load_config
from rnnexp.errors import CommandError

GALLERY = entries()


def test_the_gallery_is_there() -> None:
    assert GALLERY[0].name == "quickstart"
    assert len({entry.name for entry in GALLERY}) == len(GALLERY)


@pytest.mark.parametrize("entry", experiments(), ids=lambda entry: entry.name)
def test_entries_load_and_say_what_to_expect(entry: Entry) -> None:
    load_config(entry.path)
    assert entry.title.endswith(".")
    assert entry.seconds is not None
    assert 0 < entry.seconds <= 3600
    assert re.fullmatch(r"(test|val)/[a-z_]+ (<=|>=) [0-9.]+ \(.+\)", entry.expect)
    assert entry.run.split()[:3] == ["rnnexp", "train", f"configs/{entry.name}.yaml"]


@pytest.mark.parametrize("entry", experiments(), ids=lambda entry: entry.name)
def test_the_expected_metric_is_one_that_is_reported(entry: Entry) -> None:
    from rnnexp.config.training_rules import monitored_metrics

    metric = entry.expect.split()[0]
    assert metric.replace("test/", "val/") in monitored_metrics(load_config(entry.path))


@pytest.mark.parametrize("name", ["quickstart", "quickstart.yaml", "configs/quickstart.yaml"])
def test_find(name: str) -> None:
    assert find(name).path.name == "quickstart.yaml"


def test_find_by_the_last_part() -> None:
    entry = GALLERY[-1]
    assert find(Path(entry.name).name) == entry


def test_the_nearest_is_suggested() -> None:
    with pytest.raises(CommandError) as caught:
        find("quikstart")
    assert caught.value.problems[0].suggestion == "quickstart"
