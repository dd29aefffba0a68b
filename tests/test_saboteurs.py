"""Every saboteur still fits the code; with RNNEXP_PROOF=1 each turns its test red."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .saboteurs import SABOTEURS, Saboteur

ROOT = Path(__file__).parents[1]
COPIED = ("rnnexp", "cli", "configs", "tests", "benchmarks", "pyproject.toml")


@pytest.fixture(params=SABOTEURS, ids=lambda each: each.promise)
def saboteur(request: pytest.FixtureRequest) -> Saboteur:
    found = request.param
    assert isinstance(found, Saboteur)
    return found


def test_it_still_fits(saboteur: Saboteur) -> None:
    assert (ROOT / saboteur.file).read_text(encoding="utf-8").count(saboteur.old) == 1
    file, _, name = saboteur.test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.skipif("RNNEXP_PROOF" not in os.environ, reason="a part of make proof")
def test_it_turns_its_test_red(saboteur: Saboteur, tmp_path: Path) -> None:
    """In a copy: the test passes there, and fails once the promise is broken."""
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    # The command line is found as rnnexp.cli in the copy too.
    shutil.copytree(ROOT / "cli", tmp_path / "rnnexp" / "cli")
    environment = {k: v for k, v in os.environ.items() if k != "RNNEXP_PROOF"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider"]

    def run() -> int:
        return subprocess.run(
            [*command, saboteur.test], cwd=tmp_path, check=False, capture_output=True,
            env=environment,
        ).returncode  # fmt: skip

    place = tmp_path / saboteur.file
    text = place.read_text(encoding="utf-8")
    place.write_text(text.replace(saboteur.old, saboteur.new), encoding="utf-8")
    assert run() == 1
