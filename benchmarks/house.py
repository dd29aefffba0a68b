"""The size and shape of the house: `python -m benchmarks.house [FOLDER ...]`.

Counts files and lines of code (blank lines, comments and docstrings left out), the length of
functions, private helpers that are called once, imports, and literal duplicates.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

__all__ = ["House", "measure"]

ROOT = Path(__file__).parents[1]
FOLDERS = ("rnnexp", "cli")
LONGEST_REPEAT = 10  # lines of code that two places may share word for word
Function = ast.FunctionDef | ast.AsyncFunctionDef
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}


@dataclass
class House:
    """What was counted over all files."""

    files: int = 0
    lines: int = 0
    import_lines: int = 0
    functions: list[int] = field(default_factory=list)
    called_once: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    rooms: Counter[str] = field(default_factory=Counter)

    @property
    def shares(self) -> tuple[float, float]:
        """Helpers called once as a share of the functions; imports as a share of the code."""
        return len(self.called_once) / len(self.functions), self.import_lines / self.lines


def measure(paths: list[Path], root: Path = ROOT) -> House:
    """Count over these files."""
    house = House()
    windows: dict[tuple[str, ...], str] = {}
    for path in paths:
        source = path.read_text(encoding="utf-8")
        tree, name = ast.parse(source), path.relative_to(root).as_posix()
        lines = code_lines(source, tree)
        house.files += 1
        house.lines += len(lines)
        house.rooms["/".join(path.relative_to(root).parts[:-1][:2])] += len(lines)
        imports = {n for span in _imports(tree) for n in span}
        house.import_lines += len(imports & lines.keys())
        for function in _functions(tree):
            span = range(function.lineno, (function.end_lineno or function.lineno) + 1)
            house.functions.append(sum(number in lines for number in span))
        house.called_once += [f"{name}:{helper}" for helper in _called_once(tree)]
        house.repeats += _repeats(name, lines, imports, windows)
    return house


def code_lines(source: str, tree: ast.Module) -> dict[int, str]:
    """The lines that hold code, by number, stripped."""
    prose = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose |= set(range(node.lineno, (node.end_lineno or 0) + 1))
    numbers = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in SILENT and token.type != tokenize.ENDMARKER:
            numbers |= set(range(token.start[0], token.end[0] + 1))
    text = source.splitlines()
    return {number: text[number - 1].strip() for number in sorted(numbers - prose)}


def _imports(tree: ast.Module) -> Iterator[range]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _functions(tree: ast.Module) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _called_once(tree: ast.Module) -> Iterator[str]:
    """Private functions and methods that their file names once outside their own definition."""
    uses: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses[node.id] += 1
        elif isinstance(node, ast.Attribute):
            uses[node.attr] += 1
    for function in _functions(tree):
        private = function.name.startswith("_") and not function.name.startswith("__")
        if private and uses[function.name] == 1:
            yield function.name


def _repeats(
    name: str, lines: dict[int, str], imports: set[int], windows: dict[tuple[str, ...], str]
) -> list[str]:
    """Stretches of more than ten lines that stand elsewhere word for word."""
    numbers = [number for number in lines if number not in imports]
    found, until = [], -1
    for start in range(len(numbers) - LONGEST_REPEAT):
        stretch = numbers[start : start + LONGEST_REPEAT + 1]
        key = tuple(lines[number] for number in stretch)
        earlier = windows.setdefault(key, f"{name}:{stretch[0]}")
        if earlier != f"{name}:{stretch[0]}" and start > until:
            found.append(f"{name}:{stretch[0]} = {earlier}")
            until = start + LONGEST_REPEAT
    return found


def main(folders: list[str]) -> None:
    paths = sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py"))
    house = measure(paths)
    once, imports = house.shares
    names: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path.name != "__init__.py":
            names[path.name].append(path.relative_to(ROOT).as_posix())
    shared = {name: places for name, places in names.items() if len(places) > 1}
    lengths = sorted(house.functions)
    print(f"files                   {house.files:,}")
    print(f"code lines              {house.lines:,}")
    print(
        f"functions               {len(lengths):,}, lines: median {median(lengths):.0f},"
        f" 90 % {quantiles(lengths, n=10)[-1]:.0f}, longest {lengths[-1]}"
    )
    print(f"helpers called once     {len(house.called_once):,} ({once:.1%} of the functions)")
    print(f"imports                 {imports:.1%} of the code")
    print(f"names of several files  {len(shared)}")
    print(f"literal repeats         {len(house.repeats)}")
    for repeat in house.repeats:
        print(f"  {repeat}")
    for room, count in sorted(house.rooms.items()):
        print(f"  {room:<24}{count:>7,}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(FOLDERS))
