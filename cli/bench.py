"""`rnnexp bench`: the speed of training steps beside torch, JAX and Keras on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from .options import DebugOption, JsonOption
from .render import print_json
from .text import print_text, safe, wrapped

if TYPE_CHECKING:
    from rnnexp.benching.measure import Plan
    from rnnexp.benching.results import Measured

__all__ = ["bench"]

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
    from .bench_options import cells_of, check_plot, python_of, shapes_of, threads_of

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

    from .bench_progress import make_bench_progress
    from .bench_table import rows_text

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

    from .bench_table import means_text, notes_text, rows_text

    for text in (
        rows_text(measured.rows, stream),
        means_text(means(measured.rows), stream),
        notes_text(found, stream),
    ):
        print_text(f"\n{text}", stream)


def _draw(found: dict[str, Any], plot: Path) -> None:
    from rnnexp import storage
    from rnnexp.reports.speed_plot import speed_plot

    storage.write_bytes(plot, speed_plot(found, plot.suffix[1:].lower()))
