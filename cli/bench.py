"""What `bench` found, as tables: a row for each shape, the means over them, and what to know."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption
from .render import print_json
from .tables import Cell, Column, fact_lines, table, without_room
from .terminal import print_text, safe, style, wrapped

if TYPE_CHECKING:
    from rnnexp.benching.measure import Plan
    from rnnexp.benching.results import Mean, Measured, Row
    from rnnexp.benching.shape import Shape

__all__ = ["bench"]


# `rnnexp bench`: the speed of training steps beside torch, JAX and Keras on this machine.

QUICK_ROUNDS, QUICK_SECONDS = 3, 0.05


def bench(
    cells: Annotated[
        str | None,
        typer.Option(
            "--cells",
            metavar="CELL,...",
            help="Of rnn, gru, lstm.  [default: all]",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="N,...",
            help="Numbers of threads.  [default: 1, and 2 where there are 2 cores]",
            show_default=False,
        ),
    ] = None,
    shapes: Annotated[
        list[str] | None,
        typer.Option(
            "--shapes",
            metavar="B,T,I,H,L",
            help="Batch, time steps, input, hidden size, layers; repeatable.  [default: five]",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few rounds, and without --shapes two small ones.")
    ] = False,
    peers: Annotated[
        Path | None,
        typer.Option(
            "--peers",
            metavar="PYTHON",
            help="Python of another environment, for JAX and Keras.  [default: this one]",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Draw the ratios there, as .png, .svg or .pdf."
        ),
    ] = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure training steps of our layers beside torch's, and beside JAX's and Keras's if there.

    A step is forward, loss, backward, clipping and Adam. Each contender runs in a process of its
    own, pinned to as many cores as it has threads, and is asked in turn, round after round; a ratio
    is the median over the rounds of the ratio within a round. Over 1, rnnexp is faster. In the
    column `kept` torch's allocator keeps what is freed, as rnnexp's does.

    Leave the machine alone meanwhile: whatever else runs makes steps of several threads many times
    as long.

    Example:
      rnnexp bench --quick
      rnnexp bench --cells lstm --threads 1 --shapes 64,50,128,256,2
      rnnexp bench --plot speed.png
    """

    counts, sizes = threads_of(threads), shapes_of(shapes, quick)
    other = None if peers is None else python_of(peers)
    plan = _plan(cells_of(cells), counts, sizes, other, quick)
    if plot is not None:
        check_plot(plot)
    stream = sys.stderr if json else sys.stdout
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    print_text(_head(plan, stream), stream)
    measured = _measure(plan, stream)
    found = measured.to_json() | {"machine": _machine(load), "rounds": plan.rounds}
    _show(measured, found, stream)
    if plot is not None:
        _draw(found, plot)
        print_text(f"picture: {safe(str(plot))}", stream)
    if json:
        print_json(found)


def _plan(cells: Any, threads: Any, shapes: Any, peers: Path | None, quick: bool) -> Plan:
    from rnnexp.benching.measure import Plan

    if quick:
        return Plan(cells, threads, shapes, QUICK_ROUNDS, QUICK_SECONDS, peers=peers)
    return Plan(cells, threads, shapes, peers=peers)


def _head(plan: Plan, stream: IO[str]) -> str:
    shapes, counts = len(plan.shapes), " and ".join(map(str, plan.threads))
    told = f"{shapes} shape{'s' * (shapes > 1)} of {', '.join(plan.cells)} on {counts} thread"
    return wrapped(f"{told}{'s' * (counts != '1')}, {plan.rounds} rounds each", stream)


def _measure(plan: Plan, stream: IO[str]) -> Measured:
    """Interrupted, it shows what it has."""
    from rnnexp.benching.measure import measure

    from .progress import make_bench_progress

    progress = make_bench_progress(stream)
    try:
        return measure(plan, progress)
    except KeyboardInterrupt:
        if progress.rows:
            print_text(f"\n{rows_text(progress.rows, stream)}", stream)
        raise


def _machine(load: float | None) -> dict[str, Any]:
    """load: what ran in the minute before, in cores."""
    from rnnexp import __version__
    from rnnexp.recording.environment import cpu_model, usable_cores

    return {"cpu": cpu_model(), "cores": usable_cores(), "load": load, "rnnexp": __version__}


def _show(measured: Measured, found: dict[str, Any], stream: IO[str]) -> None:
    from rnnexp.benching.results import means

    for text in (
        rows_text(measured.rows, stream),
        means_text(means(measured.rows), stream),
        notes_text(found, stream),
    ):
        print_text(f"\n{text}", stream)


def _draw(found: dict[str, Any], plot: Path) -> None:
    from rnnexp import storage
    from rnnexp.reports.more_plots import speed_plot

    storage.write_bytes(plot, speed_plot(found, plot.suffix[1:].lower()))


# What `bench` is asked for, checked before anything is measured. All raise CommandError.

FORMATS = (".png", ".svg", ".pdf")


def cells_of(given: str | None) -> tuple[str, ...]:
    """The cells named; all where none is."""
    from rnnexp.benching.shape import CELLS
    from rnnexp.errors import nearest

    named = CELLS if given is None else tuple(dict.fromkeys(given.lower().split(",")))
    for name in named:
        if name not in CELLS:
            raise CommandError(
                "no such cell",
                code="BEN101",
                key="--cells",
                value=name,
                allowed=", ".join(CELLS),
                suggestion=nearest(name, CELLS),
            )
    return named


def threads_of(given: str | None) -> tuple[int, ...]:
    """The numbers of threads; one, and two where there are cores for them."""
    from rnnexp.recording.environment import usable_cores

    cores = usable_cores()
    if given is None:
        return (1, 2) if cores > 1 else (1,)
    counts = [int(part) if part.isdecimal() and len(part) < 6 else 0 for part in given.split(",")]
    if not all(1 <= count <= cores for count in counts):
        raise CommandError(
            "out of range",
            code="BEN102",
            key="--threads",
            value=given,
            allowed=f"numbers from 1 to {cores}, the cores that this process may use",
        )
    return tuple(dict.fromkeys(counts))


def shapes_of(given: Sequence[str] | None, quick: bool) -> tuple[Shape, ...]:
    """The shapes spelt; the grid, or its small ones, where none is."""
    from rnnexp.benching.shape import GRID, SMALL_GRID

    if given:
        return tuple(dict.fromkeys(map(_shape, given)))
    return SMALL_GRID if quick else GRID


def _shape(given: str) -> Shape:
    from rnnexp.benching.shape import LARGEST, Shape

    try:
        return Shape.of(given)
    except ValueError:
        most = ", ".join(f"{name} {size:,}" for name, size in zip("BTIHL", LARGEST, strict=True))
        raise CommandError(
            "not a shape",
            code="BEN103",
            key="--shapes",
            value=given,
            allowed=f"B,T,I,H,L: five whole numbers, from 1 to {most}",
            hint="for example --shapes 32,100,2,64,1",
        ) from None


def python_of(given: Path) -> Path:
    """The program as it is named: a link to it is how it knows its environment."""
    if not (given.is_file() and os.access(given, os.X_OK)):
        raise CommandError(
            "no program is there",
            code="BEN104",
            key="--peers",
            value=str(given),
            hint="for example --peers .venv-peers/bin/python",
        )
    return given.absolute()


def check_plot(plot: Path) -> None:
    """Whether a picture can go there, as far as that is known before."""
    folder, wrong = plot.absolute().parent, ""
    if plot.suffix.lower() not in FORMATS:
        wrong = "not a format for pictures"
    elif plot.is_dir():
        wrong = "is a folder"
    elif not folder.is_dir():
        wrong = f"no such folder: {folder}"
    if wrong:
        allowed = "a file that ends in " + ", ".join(FORMATS)
        raise CommandError(wrong, code="BEN105", key="--plot", value=str(plot), allowed=allowed)


# What `bench` found, as tables: a row for each shape, the means over them, and what to know.

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
