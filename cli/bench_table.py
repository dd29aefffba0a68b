"""What `bench` found, as tables: a row for each shape, the means over them, and what to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from .table import Cell, Column, fact_lines, table, without_room
from .text import safe, style, wrapped

if TYPE_CHECKING:
    from rnnexp.benching.results import Mean, Row

__all__ = ["means_text", "notes_text", "rows_text"]

BUSY = 0.5
"""cores that others use, from which on times are not to be trusted"""


def rows_text(rows: Sequence[Row], stream: IO[str]) -> str:
    """Milliseconds of a step, how many times as long others take, and our arithmetic."""
    names = list(dict.fromkeys(name for row in rows for name in row.ratios))
    columns = [
        Column("B,T,I,H,L"),
        Column("cell"),
        Column("threads", right=True),
        Column("ms", right=True),
        Column("torch ms", right=True, goes=2),
        *(Column(name, right=True) for name in names),
        Column("GFLOP/s", right=True, goes=1),
        Column("of best", right=True),
    ]
    cells = [_cells(row, names, stream) for row in rows]
    lost = without_room(columns, cells, stream)
    more = f"\nno room for: {', '.join(lost)}" if lost else ""
    return table(columns, cells, stream) + more


def _cells(row: Row, names: Sequence[str], stream: IO[str]) -> list[Cell]:
    return [
        str(row.shape),
        row.cell,
        str(row.threads),
        _ms(row.seconds["rnnexp"]),
        _ms(row.seconds["torch"]),
        *(_ratio(row.ratios.get(name)) for name in names),
        f"{row.gflops:.0f}" if row.gflops >= 10 else f"{row.gflops:.1f}",
        f"{row.share:.0%}",
    ]


def _ms(seconds: float) -> str:
    ms = 1e3 * seconds
    return f"{ms:.2f}" if ms < 100 else f"{ms:,.0f}"


def _ratio(value: float | None) -> Cell:
    if value is None:
        return ""
    text = f"{value:.2f}x" if value < 100 else f"{value:,.0f}x"
    return text, "red" if round(value, 2) < 1 else ""


def means_text(means: Sequence[Mean], stream: IO[str]) -> str:
    """The geometric mean over the shapes, and the least of them behind it."""
    names = list(dict.fromkeys(mean.contender for mean in means))
    columns = [Column("cell"), Column("threads", right=True)]
    for name in names:
        columns += [Column(name, right=True), Column("least", right=True, goes=1)]
    found = {(mean.threads, mean.cell, mean.contender): mean for mean in means}
    rows: list[list[Cell]] = []
    for threads, cell in dict.fromkeys((mean.threads, mean.cell) for mean in means):
        row: list[Cell] = [cell, str(threads)]
        for name in names:
            mean = found.get((threads, cell, name))
            row += [_ratio(mean.ratio), _ratio(mean.least)] if mean else ["", ""]
        rows.append(row)
    title = style("times as long as rnnexp, geometric means over the shapes", "bold", stream)
    return f"{title}\n{table(columns, rows, stream)}"


def notes_text(found: Mapping[str, Any], stream: IO[str]) -> str:
    """Which path ran, the machine and its best product, who was absent, and a warning."""
    machine, load = found["machine"], found["machine"]["load"]
    facts = {
        "path": "; ".join(_paths(found["rows"])),
        "best": "; ".join(_best(found["best_product"])),
        "machine": f"{safe(machine['cpu'])}, {machine['cores']} cores",
        "versions": ", ".join(
            safe(f"{name} {version}")
            for name, version in {"rnnexp": machine["rnnexp"], **found["versions"]}.items()
        ),
    }
    facts |= {name: safe(f"absent: {why}") for name, why in found["absent"].items()}
    text = fact_lines(facts, stream)
    if load is not None and load >= BUSY:
        warning = (
            f"other programs used {load:.1f} cores when this began: read the ratios alone,"
            " and those of several threads not at all"
        )
        text += "\n" + style(wrapped(warning, stream), "yellow", stream)
    return text


def _paths(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each path with its reason, and the cells that it ran."""
    cells: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        path = (row["path"]["name"], row["path"]["reason"])
        cells.setdefault(path, {})[row["cell"]] = None
    return [
        safe(f"{name} ({reason}) runs {', '.join(ran)}") for (name, reason), ran in cells.items()
    ]


def _best(products: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"{product['gflops']:.0f} GFLOP/s with {threads} thread{'s' * (threads != '1')}"
        f" (product of matrices, {safe(product['by'])})"
        for threads, product in products.items()
    ]
