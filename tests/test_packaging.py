"""What is in the wheel, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "matplotlib", "sklearn", "safetensors"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all files of a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in listed:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(folder), str(source)], check=True)
    (built,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(built).namelist())


def test_the_wheel_has_one_top_level_package(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"rnnexp"}


def test_the_wheel_holds_every_module_table_and_config(wheel: set[str]) -> None:
    expected = {"rnnexp/py.typed"}
    expected |= {str(path.relative_to(ROOT)) for path in (ROOT / "rnnexp").rglob("*.py")}
    for pattern in ("*.csv", "*.html", "*.css"):
        expected |= {str(path.relative_to(ROOT)) for path in (ROOT / "rnnexp").rglob(pattern)}
    for folder, pattern in (("cli", "*.py"), ("configs", "*.yaml")):
        paths = (ROOT / folder).rglob(pattern)
        expected |= {f"rnnexp/{path.relative_to(ROOT)}" for path in paths}
    assert expected <= wheel


def modules_after(code: str) -> set[str]:
    """Top-level packages that a fresh process has imported after `code`."""
    script = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def command(*arguments: str) -> str:
    return f"from rnnexp.cli.app import main\nassert main({list(arguments)!r}) == 0"


@pytest.mark.parametrize(
    ("code", "forbidden"),
    [
        ("import rnnexp", HEAVY | {"numpy", "pydantic", "yaml"}),
        (command("--help"), HEAVY | {"numpy", "yaml"}),
        (command("runs", "ls", "--runs", "/nonexistent"), HEAVY | {"numpy", "yaml"}),
        (command("data", "ls"), HEAVY | {"numpy", "yaml"}),
        (command("validate", str(ROOT / "configs/quickstart.yaml")), HEAVY | {"numpy"}),
    ],
)
def test_what_light_commands_do_not_import(code: str, forbidden: set[str]) -> None:
    assert not modules_after(code) & forbidden


def test_layers_resolve_lazily() -> None:
    assert "torch" in modules_after("import rnnexp; rnnexp.LSTM")
