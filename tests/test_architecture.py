"""The house stays as docs/architecture.md draws it: who may import whom."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module may import from its own layer and from layers further down, never from one above.
LAYERS = [
    ["rnnexp.cli"],
    ["rnnexp.sweeps"],
    ["rnnexp.benching", "rnnexp.evaluating", "rnnexp.planning", "rnnexp.verifying"],
    ["rnnexp.reproducing", "rnnexp.resuming"],
    ["rnnexp.drift"],
    ["rnnexp.runner"],
    ["rnnexp.conclusion", "rnnexp.tensorboard"],
    ["rnnexp.inference"],
    ["rnnexp.scoring"],
    ["rnnexp.diagnosis"],
    ["rnnexp.verification"],
    ["rnnexp.experiment"],
    ["rnnexp.reports"],
    ["rnnexp.training"],
    ["rnnexp.tasks"],
    ["rnnexp.layers"],
    ["rnnexp.drafting"],
    ["rnnexp.data", "rnnexp.recording"],
    ["rnnexp.kernels", "rnnexp.manual"],
    ["rnnexp.config", "rnnexp.pickles", "rnnexp.registry", "rnnexp.storage"],
    ["rnnexp.errors", "rnnexp.libraries", "rnnexp.plain_json", "rnnexp.reading"],
]
KERNEL_USERS = {
    "rnnexp.kernels",
    "rnnexp.layers",
    "rnnexp.experiment",
    "rnnexp.verification",
    "rnnexp.recording.environment",
    "rnnexp.cli.doctor",
}


def modules() -> dict[str, Path]:
    """Every module of the package by its installed name."""
    found = {}
    for folder, name in ((ROOT / "rnnexp", "rnnexp"), (ROOT / "cli", "rnnexp.cli")):
        for path in folder.rglob("*.py"):
            parts = path.relative_to(folder).with_suffix("").parts
            found[".".join([name, *parts]).removesuffix(".__init__")] = path
    return found


MODULES = modules()


def imports(name: str) -> set[str]:
    """The names that a module imports, anywhere in it, relative ones resolved."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(part for part in (base, node.module or "") if part)
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= {full if full in MODULES else source for full in names}
    return found


def layer(name: str) -> int | None:
    for number, members in enumerate(LAYERS):
        if any(name == member or name.startswith(member + ".") for member in members):
            return number
    return None


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_point_down(name: str) -> None:
    own = layer(name)
    if name == "rnnexp":
        return
    assert own is not None, f"{name} has no place in LAYERS: give it one"
    for imported in imports(name):
        below = layer(imported)
        assert below is None or below >= own, f"{name} imports {imported}, which lies above it"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_who_knows_what(name: str) -> None:
    roots = {imported.split(".")[0] for imported in imports(name)}
    if not name.startswith("rnnexp.cli"):
        assert not roots & {"typer", "rich", "cli"}
    if name.startswith("rnnexp.config"):
        assert not roots & {"torch", "numpy"}
    if "rnnexp.kernels" in {i for i in imports(name) if i.startswith("rnnexp.kernels")}:
        assert any(name == user or name.startswith(user + ".") for user in KERNEL_USERS)
    if name.startswith("rnnexp.manual"):
        assert not roots & {"torch"} and not imports(name) & {"rnnexp.layers", "rnnexp.kernels"}
    assert not roots & {"pickle", "dill", "joblib", "shelve", "marshal"}


def test_no_import_cycle() -> None:
    graph = {name: imports(name) & MODULES.keys() for name in MODULES}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for imported in graph[name]:
                visit(imported, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_no_room_for_dumps() -> None:
    names = {path.stem for path in MODULES.values()}
    assert not names & {"utils", "util", "helpers", "helper", "common", "misc", "tools"}


def test_one_module_writes_to_disk() -> None:
    writes = re.compile(
        r"\.write_(text|bytes)\(|open\([^)]*[\"'][wax]b?\+?[\"']|(?<!safetensors\.)torch\.save\("
    )
    for name, path in MODULES.items():
        if name == "rnnexp.storage":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if writes.search(line):
                allowed = r"(storage|run|folder|self|formatter)\.write_"
                assert re.search(allowed, line), f"{path}:{number}"


def test_functions_are_short() -> None:
    lengths = []
    for path in MODULES.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                lengths.append((node.end_lineno or node.lineno) - node.lineno + 1)
    lengths.sort()
    assert lengths[len(lengths) // 2] <= 12


def test_the_package_list_is_complete() -> None:
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        name if path.name == "__init__.py" else name.rpartition(".")[0]
        for name, path in MODULES.items()
    }
    assert folders <= set(listed)
    assert set(listed) - folders == {"rnnexp.configs", "rnnexp.data.tables"}
