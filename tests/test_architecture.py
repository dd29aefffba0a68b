"""The house stays as docs/architecture.md draws it: who may import whom."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# The strata of docs/architecture.md from the top; a module imports from its own or a lower one.
STRATA = [
    {"cli"},
    {"running", "sweeps"},
    {"benching", "gradients", "inference", "reports"},
    {"training"},
    {"layers", "tasks"},
    {"data", "drafting", "recording"},
    {"config", "kernels", "manual"},
    {"errors", "libraries", "reading", "registry", "storage"},
]
# What the laws below still find; to be emptied, never added to.
NOT_YET = {
    "Bridge",
    "CFG010",
    "CMD014",
    "CMD103",
    "CMD104",
    "CMD120",
    "CMD121",
    "CMD122",
    "CMD123",
    "CMD124",
    "CMD125",
    "CMD130",
    "CMD131",
    "CMD132",
    "Characters",
    "Choice",
    "Column",
    "Comparison",
    "Computed",
    "DAT001",
    "DAT102",
    "DAT103",
    "DAT105",
    "DAT111",
    "DAT112",
    "DAT113",
    "DAT114",
    "DAT116",
    "DAT118",
    "DAT119",
    "DAT121",
    "DAT124",
    "DAT126",
    "DAT128",
    "DAT131",
    "DAT132",
    "DAT141",
    "DAT142",
    "DAT158",
    "DAT243",
    "DAT251",
    "DAT261",
    "DAT262",
    "DAT263",
    "DAT264",
    "DAT304",
    "DAT305",
    "DAT307",
    "DIV001",
    "Decoder",
    "Difference",
    "ENV101",
    "ENV103",
    "ENV110",
    "Estimate",
    "Experiment",
    "Field",
    "Fold",
    "Gradients",
    "Group",
    "ImageEncoder",
    "Intervals",
    "Network",
    "Place",
    "Plan",
    "RNN001",
    "Reader",
    "Report",
    "Row",
    "SAF020",
    "SAF041",
    "STO001",
    "SWP001",
    "Search",
    "Section",
    "Sequence",
    "Series",
    "Silent",
    "Split",
    "Table",
    "Trial",
    "Units",
    "Values",
    "Watcher",
    "Words",
    "comparison.py",
    "conllu.py",
    "examples.py",
    "folder.py",
    "idx.py",
    "pairs.py",
    "results.py",
    "series.py",
    "tables.py",
    "text.py",
    "torch",
}
KERNEL_USERS = {"kernels", "layers", "training", "gradients", "recording", "cli"}


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


def room(name: str) -> str:
    """The folder, or the file beside the folders, that a module of ours belongs to."""
    parts = name.split(".")
    return parts[1] if parts[0] == "rnnexp" and len(parts) > 1 else ""


def stratum(name: str) -> int | None:
    return next((n for n, rooms in enumerate(STRATA) if room(name) in rooms), None)


def definitions(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, ast.AST]]:
    """Every node of a kind in the house, with the module it stands in."""
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kind):
                yield name, node


def repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """The keys that come with more than one value."""
    places: dict[str, set[str]] = defaultdict(set)
    for key, place in pairs:
        places[key].add(place)
    return {key: found for key, found in places.items() if len(found) > 1 and key not in NOT_YET}


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"rnnexp"}))
def test_imports_point_down(name: str) -> None:
    own = stratum(name)
    assert own is not None, f"{name} has no place in STRATA: give it one"
    for imported in imports(name):
        below = stratum(imported)
        assert below is None or below >= own, f"{name} imports {imported}, which lies above it"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_who_knows_what(name: str) -> None:
    roots = {imported.split(".")[0] for imported in imports(name)}
    rooms = {room(imported) for imported in imports(name)}
    if room(name) != "cli":
        assert not roots & {"typer", "rich", "cli"}
    if room(name) == "config":
        assert not roots & {"torch", "numpy"}
    if room(name) == "manual":
        assert "torch" not in roots and not rooms & {"layers", "kernels"}
    if "kernels" in rooms:
        assert room(name) in KERNEL_USERS
    assert not roots & {"pickle", "dill", "joblib", "shelve", "marshal"}


def test_a_file_name_is_used_once() -> None:
    files = [(path.name, name) for name, path in MODULES.items() if path.name != "__init__.py"]
    assert not repeated(files)


def test_a_public_class_name_is_used_once() -> None:
    classes = [
        (node.name, name)
        for name, path in MODULES.items()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert not repeated(classes)


def test_an_error_code_means_one_error() -> None:
    """One module raises a code; it may do so in several places."""
    code = re.compile(r"[A-Z]{3}[0-9]{3}")
    literals = [
        (node.value, name)
        for name, node in definitions(ast.Constant)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and code.fullmatch(node.value)
    ]
    assert not repeated(literals)


def test_private_names_of_a_library_stand_in_one_file() -> None:
    private = re.compile(r"\b(torch|typer)\b[\w.]*\._[a-z]\w*")
    found = [
        (match[1], name)
        for name, path in MODULES.items()
        for match in private.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not repeated(found)


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


def test_the_package_list_is_complete() -> None:
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {
        name if path.name == "__init__.py" else name.rpartition(".")[0]
        for name, path in MODULES.items()
    }
    assert folders <= set(listed)
    assert set(listed) - folders == {"rnnexp.configs", "rnnexp.data.tables"}
