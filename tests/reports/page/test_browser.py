"""Reports of real runs in a real browser: wide, on a phone, in the dark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rnnexp.reports.page.rendering import report_on
from tests.chromium import Browser, chromium, find_chromium

from .conftest import Make

HIDDEN = "[...document.querySelectorAll('figure > div')].filter(d => d.offsetParent === null)"
OUTSIDE = """[...document.querySelectorAll('svg text')].filter(t => {
    const box = t.getBoundingClientRect();
    return box.width && (box.left < -1 || box.right > innerWidth + 1);
}).map(t => t.textContent)"""
BRIGHTNESS = """(name => getComputedStyle(document.body)[name].match(/\\d+/g).slice(0, 3)
    .reduce((sum, part) => sum + Number(part), 0) / 765)"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("no chromium here; CHROMIUM names one")
    with chromium(program, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def written(folder: Path, *runs: Path) -> Path:
    """The report of runs as a file."""
    page = folder / "report.html"
    page.write_text(report_on([str(run) for run in runs], folder).html, encoding="utf-8")
    return page


def look(browser: Browser, page: Path, width: int, dark: bool = False) -> None:
    """Opens a page and holds it to what every report promises."""
    browser.console.clear()
    browser.requests.clear()
    browser.open(page, width, dark=dark)
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert json.loads(browser.value(f"JSON.stringify({OUTSIDE})")) == []
    assert browser.value("document.scripts.length") == 0
    assert browser.console == []
    assert browser.requests == [page.resolve().as_uri()]


KINDS = {
    "window": ["Predictions"],
    "sums": ["Predictions"],
    "reviews": ["Classes"],
    "tags": ["Classes", "Sequences"],
    "names": ["Sequences"],
    "delayed": ["Sequences"],
    "text": [],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_in_every_light(
    kind: str, moved_run: Callable[[str], Path], browser: Browser, tmp_path: Path
) -> None:
    page = written(tmp_path, moved_run(kind))
    for width, dark in ((1200, False), (390, True)):
        look(browser, page, width, dark)
        found = json.loads(browser.value(
            "JSON.stringify([...document.querySelectorAll('h2')].map(h => h.textContent))"
        ))  # fmt: skip
        assert [each for each in found if each in ("Predictions", "Classes", "Sequences")] == (
            KINDS[kind]
        )
        figures = browser.value("document.querySelectorAll('figure').length")
        assert figures >= 2
        assert browser.value(f"{HIDDEN}.length") == figures  # one drawing of two is seen
        assert browser.value(f"{HIDDEN}.every(d => d.className === "
                             f"'{'small' if width > 750 else 'big'}')")  # fmt: skip
    assert browser.value(f"{BRIGHTNESS}('backgroundColor') < 0.2")
    assert browser.value(f"{BRIGHTNESS}('color') > 0.8")


def test_many_settings_and_names_that_are_hostile(
    make_run: Make, browser: Browser, tmp_path: Path
) -> None:
    evil = "<script>alert(1)</script>\u202e\"'>" + "long" * 30
    runs = [
        make_run(
            rmse=20.0 + seed + len(cell), seed=seed, model__cell=cell, training__optimizer__lr=lr
        )
        for cell in ("lstm", evil)
        for lr in (1e-4, 1e-3, 1e-2, 1e-1)
        for seed in range(2)
    ]
    page = written(tmp_path, *runs)
    for width in (1200, 390):
        look(browser, page, width)
    assert "alert(1)" in browser.value("document.body.textContent")


def test_the_check_sees_a_page_that_breaks_the_promise(browser: Browser, tmp_path: Path) -> None:
    """A positive control: a script, a request and a line too long are found."""
    page = tmp_path / "bad.html"
    for bad in ("<script>1</script>", "<img src=a.png>", "<pre style='width:2000px'>x</pre>",
                "<svg><text x=-90>far left</text></svg>"):  # fmt: skip
        page.write_text(f"<!doctype html><body style='margin:0'>{bad}", encoding="utf-8")
        with pytest.raises(AssertionError):
            look(browser, page, 390)
