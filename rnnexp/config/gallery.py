"""The gallery: configs that come with rnnexp, each headed by what it shows and what to expect.

# <what it shows, in one line>
# time: about 20 s on 2 cores
# expect: test/rmse <= 22.0 (persistence 28.6)
# run: rnnexp train configs/quickstart.yaml
"""

from __future__ import annotations

import importlib.resources
import re
from dataclasses import dataclass
from pathlib import Path

from rnnexp.errors import CommandError, Position, nearest

__all__ = ["Entry", "entries", "experiments", "find"]

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class Entry:
    """A config of the gallery; `name` is its path in the gallery without the suffix.

    seconds: about how long it takes on 2 cores; expect: the metric it reaches; run: the command.
    """

    name: str
    path: Path
    title: str
    seconds: float | None
    expect: str
    run: str


def entries() -> list[Entry]:
    """Every config of the gallery, those at the top first, then folder by folder."""
    root = _root()
    paths = sorted(root.rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    return [_entry(path, path.relative_to(root).with_suffix("").as_posix()) for path in paths]


def experiments() -> list[Entry]:
    """Those of them that `rnnexp train` runs; the others are sweeps."""
    return [entry for entry in entries() if not entry.name.startswith("sweeps/")]


def find(name: str) -> Entry:
    """The entry called `name` (`quickstart`, `many_to_one/sunspots`, or `sunspots` alone).

    Raises CommandError where there is none, or more than one.
    """
    wanted = name.removeprefix("configs/").removesuffix(".yaml")
    known = entries()
    found = [e for e in known if e.name == wanted] or [
        e for e in known if e.name.rpartition("/")[2] == wanted
    ]
    if len(found) == 1:
        return found[0]
    names = [entry.name for entry in found or known]
    raise CommandError(
        "several configs of the gallery are called so"
        if found
        else "no such config in the gallery",
        code="CMD013",
        value=name,
        suggestion=None if found else _nearest(wanted, names),
        allowed=", ".join(names),
    )


def _nearest(wanted: str, names: list[str]) -> str | None:
    by_last = {name.rpartition("/")[2]: name for name in names}
    last = nearest(wanted.rpartition("/")[2], by_last)
    return nearest(wanted, names) or (by_last[last] if last else None)


def _root() -> Path:
    """The folder of the gallery; wheels are unpacked when they are installed."""
    return Path(str(importlib.resources.files("rnnexp.configs")))


def _entry(path: Path, name: str) -> Entry:
    header = _header(path)
    return Entry(
        name=name,
        path=path,
        title=header.get("title", ""),
        seconds=_seconds(header.get("time", "")),
        expect=header.get("expect", ""),
        run=header.get("run", ""),
    )


def _header(path: Path) -> dict[str, str]:
    """The comment lines at the top of a config: the title first, then `key: value` lines."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"the gallery is damaged: {error}", code="CMD013", position=Position(str(path))
        ) from None
    header: dict[str, str] = {}
    for line in lines:
        if not line.startswith("#"):
            break
        text = line.removeprefix("#").strip()
        if field := re.fullmatch(r"(time|expect|run): (.*)", text):
            header[field[1]] = field[2]
        elif text:
            header.setdefault("title", text)
    return header


def _seconds(time: str) -> float | None:
    """`about 20 s on 2 cores` -> 20.0"""
    found = re.search(r"([0-9.]+) ?(s|min|h)\b", time)
    return float(found[1]) * _SECONDS[found[2]] if found else None
