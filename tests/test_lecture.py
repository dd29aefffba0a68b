"""The lecture's pages: every command runs, and prints the lines that the page shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from benchmarks.lecture_pages import PAGES, prepare
from rnnexp.cli.app import main

FEW = ["data.train=100", "data.val=40", "data.test=40"]
SHORT = {"train": ["training.max_steps=2"]}


def blocks(page: Path) -> list[tuple[str, list[str]]]:
    """Every command of a page with the lines that it prints there."""
    found: list[tuple[str, list[str]]] = []
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ cp "):  # a picture out of a run folder
                continue
            if line.startswith("$ "):
                found.append((line[2:].split(" | ")[0], []))
            elif line:
                found[-1][1].append(line)
    return found


def arguments_of(command: str) -> list[str]:
    runs = sorted(path.name for path in Path("runs").glob("*"))
    given = shlex.split(command.replace("$(ls runs", " ".join(runs)))[1:]
    config = next((Path(each) for each in given if each.endswith(".yaml")), None)
    if config is not None and re.search(r"train: \d{4,}", config.read_text(encoding="utf-8")):
        given += FEW
    return given + SHORT.get(given[0], [])


@pytest.mark.parametrize("page", sorted(PAGES.glob("[0-9]*.md")), ids=lambda page: page.stem)
def test_every_command_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNEXP_RUNS", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    prepare(tmp_path, pictures=False)
    commands = blocks(page)
    assert commands
    for command, shown in commands:
        code = main(arguments_of(command))
        captured = capsys.readouterr()
        printed = captured.out + captured.err
        assert code == (3 if "broken" in command else 0), (command, captured.err)
        assert shown, f"{command}: run make lecture"
        if "configs/" in command and " train " not in command:
            for line in shown:
                label = re.match(r"[A-Za-z][A-Za-z _/]{2,}", line)
                assert label is None or label[0].rstrip() in printed, (command, line)


def test_the_lecture_has_a_page_for_every_section() -> None:
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    pages = [page.name for page in sorted(PAGES.glob("[0-9]*.md"))]
    assert len(pages) == 7
    assert re.findall(r"\((\d[\w-]*\.md)\)", index) == pages
