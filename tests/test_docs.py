"""What the README and the pages say is true: commands run, tables and links are whole."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from rnnexp.cli.app import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def console_commands() -> list[str]:
    """Every `$ rnnexp ...` of a console block in the README, in order."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line[:9] == "$ rnnexp "]


def test_the_readme_commands_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RNNEXP_RUNS", raising=False)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    commands = console_commands()
    assert len(commands) >= 6
    for command in commands:
        arguments = shlex.split(command)[1:]
        if arguments[0] == "train":
            arguments.append("training.max_steps=2")
        assert main(arguments) == 0, (command, capsys.readouterr().err)


def test_the_readme_table_lists_every_command_and_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    listed = re.findall(r"^  ([a-z][a-z-]*) {2,}", text[text.index("Commands") :], re.MULTILINE)
    in_table = re.findall(r"^\| `([a-z-]+)", README, re.MULTILINE)
    assert list(dict.fromkeys(in_table)) == listed


def test_the_readme_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"\bmake ([a-z][a-z-]+)", page.read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{page.name}: make {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name}: {link}"
