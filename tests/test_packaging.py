"""What is in the wheel, and what importing costs."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rnnexp.kernels import native

ROOT = Path(__file__).parents[1]
KERNELS = ROOT / "rnnexp" / "kernels" / "native"
HEAVY = {"torch", "matplotlib", "sklearn", "safetensors"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all files of a freshly built wheel."""
    return built(tmp_path_factory.mktemp("wheel"))


def built(folder: Path, **variables: str) -> set[str]:
    """The files of a wheel of the sources that git would commit."""
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
    settings = os.environ | variables
    subprocess.run([*command, "-w", str(folder), str(source)], check=True, env=settings)
    (made,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(made).namelist())


def libraries(wheel: set[str]) -> set[str]:
    """The compiled kernels in it, without what tells one Python from another."""
    return {Path(name).name.partition(".")[0] for name in wheel if name.endswith(".so")}


@pytest.mark.skipif(not native.usable(), reason="no compiler: no compiled kernels")
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the instruction sets of another kind")
def test_the_wheel_holds_a_library_for_each_instruction_set(wheel: set[str]) -> None:
    assert libraries(wheel) == {"native_avx512", "native_avx2", "native_plain"}
    assert {f"rnnexp/kernels/native/{path.name}" for path in KERNELS.iterdir()} <= wheel


def test_without_a_compiler_the_wheel_is_built_all_the_same(tmp_path: Path) -> None:
    wheel = built(tmp_path, CC="/no/compiler/here")
    assert not libraries(wheel) and "rnnexp/kernels/native.py" in wheel


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
