"""Run every command of docs/lecture and write what it really prints, and its pictures, anew.

    python -m benchmarks.lecture_pages [page ...]

A command is a line `$ ...` of a console block; what follows it, up to the next one, is its output.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "lecture"
BROKEN = """\
name: broken
data: {source: sunspots, window: 11}
task: {kind: many_to_one}
model:
  hidden_sizes: [32, 32]
  return_sequences: [false, false]
"""
COLUMNS = "100"


def main(names: list[str]) -> None:
    for page in sorted(PAGES.glob("[0-9]*.md")):
        if not names or any(name in page.name for name in names):
            refresh(page)


def refresh(page: Path) -> None:
    """Every console block of a page, run in order in a folder that has the gallery in it."""
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        text = re.sub(
            r"```console\n(.*?)```",
            lambda block: f"```console\n{_run_all(block[1], Path(folder))}```",
            text,
            flags=re.DOTALL,
        )
    page.write_text(text, encoding="utf-8")


def prepare(folder: Path, pictures: bool = True) -> None:
    """The gallery, the config with a mistake that page 3 shows, and where pictures go."""
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    if pictures:
        (folder / "pictures").symlink_to(PAGES / "pictures")


def _run_all(block: str, folder: Path) -> str:
    commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{run(command, folder)}" for command in commands)


def run(command: str, folder: Path) -> str:
    """What a shell shows for a command, in colourless text."""
    print(f"{command}", file=sys.stderr)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    settings = os.environ | {"PATH": path, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
    settings.pop("RNNEXP_RUNS", None)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
