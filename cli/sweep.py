"""`rnnexp sweep SWEEP`: one base config, many trials."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError, TrialsFailedError

from .help import DebugOption, JsonOption, RunsOption
from .render import print_json
from .tables import Column, fact_lines, table
from .terminal import amount, duration, number, print_text, safe

if TYPE_CHECKING:
    from rnnexp.sweeps.conduct import Result
    from rnnexp.sweeps.definition import Method
    from rnnexp.sweeps.estimate import Estimate
    from rnnexp.sweeps.freezing import Plan
    from rnnexp.sweeps.sweep_folder import SweepFolder

__all__ = ["sweep"]

SHOWN_SETTINGS = 30
WORKERS_PER_CORE = 4


def sweep(
    what: Annotated[
        Path,
        typer.Argument(
            metavar="SWEEP", help="A sweep file, a config, or the folder of a sweep to go on with."
        ),
    ],
    axes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[a.b=1,2,3 ...]",
            help="An axis: values (a,b,c), whole numbers (0..4), a range (1e-4..1e-1, or"
            " log:1e-4..1e-1; in a grid 1e-4..1e-1:5 for five of them). One value holds for all.",
            show_default=False,
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "-j",
            "--jobs",
            metavar="N",
            help="Trials at a time.  [default: one a core]",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show points, time and disk; write nothing.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first trial that fails.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try those again that failed before.")
    ] = False,
    method: Annotated[
        str | None, typer.Option("--method", metavar="NAME", help="grid, random or tpe.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", metavar="N", help="Settings that a search tries.")
    ] = None,
    search_seed: Annotated[
        int, typer.Option("--search-seed", metavar="N", help="Seed of the search.")
    ] = 0,
    pruner: Annotated[
        str | None,
        typer.Option(
            "--pruner", metavar="NAME", help="With tpe: stop what falls behind: median, asha."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the sweep.")
    ] = None,
    allow_drift: Annotated[
        bool,
        typer.Option("--allow-drift", help="Go on although rnnexp or its packages have changed."),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train one config at many points, several at a time, and compare them.

    Every point is checked, and all is frozen, before the first one starts. The same command again
    goes on with what is missing. Trials are ordinary runs, each on one thread unless the config
    says otherwise; results do not depend on how many run at a time.

    Example:
      rnnexp sweep configs/sweeps/remedies.yaml --dry-run
      rnnexp sweep configs/quickstart.yaml model.cell=rnn,lstm,gru seed=0..4
      rnnexp sweep mine.yaml training.optimizer.lr=log:1e-4..1e-1 --trials 20
    """
    from rnnexp.reports.run_index import runs_folder
    from rnnexp.sweeps.sweep_folder import SweepFolder

    workers = _workers(jobs)
    folder = runs_folder(runs)
    if SweepFolder.is_one(what):
        if axes or method or name or dry_run:
            raise CommandError(
                "a sweep's folder is frozen: it takes no axes and no method",
                code="SWP030",
                hint="give the sweep file or the config instead",
            )
        frozen = SweepFolder.open(what)
    else:
        plan = _plan(what, axes or [], _method(method, trials, search_seed, pruner), name)
        if dry_run:
            _show_plan(plan, folder, workers, json)
            return
        frozen = SweepFolder.create(folder, plan, _given(what), axes or [])
    _run(frozen, workers, fail_fast, retry_failed, allow_drift, json)


def _workers(jobs: int | None) -> int:
    from rnnexp.recording.environment import usable_cores

    cores = usable_cores()
    most = cores * WORKERS_PER_CORE
    if jobs is not None and not 1 <= jobs <= most:
        raise CommandError(
            "out of range",
            code="SWP031",
            key="--jobs",
            value=jobs,
            allowed=f"1 to {most}: this process may use {cores} cores, and each worker is a"
            " process that holds torch",
        )
    return jobs or cores


def _method(name: str | None, trials: int | None, seed: int, pruner: str | None) -> Method | None:
    from rnnexp.errors import nearest
    from rnnexp.sweeps.definition import METHODS, PRUNERS, Method

    for option, value, known in (("--method", name, METHODS), ("--pruner", pruner, PRUNERS)):
        if value is not None and value not in known:
            raise CommandError(
                "unknown value",
                code="SWP032",
                key=option,
                value=value,
                allowed=", ".join(known),
                suggestion=nearest(value, known),
            )
    if trials is not None and not 1 <= trials <= 10_000:
        raise CommandError(
            "out of range", code="SWP032", key="--trials", value=trials, allowed="1 to 10,000"
        )
    if name is None and trials is None and pruner is None:
        return None
    chosen = name or ("tpe" if pruner else "random")
    return Method(chosen, trials, seed, pruner)  # type: ignore[arg-type]


def _plan(what: Path, axes: list[str], method: Method | None, name: str | None) -> Plan:
    import re
    from dataclasses import replace

    from rnnexp.config.experiment_settings import NAME_PATTERN
    from rnnexp.sweeps.freezing import plan_sweep
    from rnnexp.sweeps.sweep_file import read_sweep

    definition = read_sweep(what, axes, method)
    if name is not None:
        if not re.match(NAME_PATTERN, name):
            raise CommandError(
                "not a valid name", code="CFG010", key="--name", value=name, allowed=NAME_PATTERN
            )
        definition = replace(definition, name=name)
    return plan_sweep(definition, what.parent)


def _given(what: Path) -> str | None:
    """The sweep file as it is; None of a config, of which base.yaml keeps what counts."""
    from rnnexp.config.yaml_reading import read_config
    from rnnexp.sweeps.sweep_file import is_sweep_file

    return read_config(what) if is_sweep_file(what) else None


def _show_plan(plan: Plan, runs: Path, workers: int, json: bool) -> None:
    from rnnexp.sweeps.estimate import estimate

    estimated = estimate(plan)
    stream = sys.stderr if json else sys.stdout
    print_text(_plan_text(plan, estimated, runs, workers), stream)
    if json:
        print_json(
            {
                "sweep": str(runs / plan.folder_name),
                "trials": estimated.trials,
                "hours": estimated.seconds / 3600 / workers,
                "bytes": estimated.bytes,
                "points": [point.to_json() for point in plan.points],
            }
        )


def _plan_text(plan: Plan, estimated: Estimate, runs: Path, workers: int) -> str:
    rows = _setting_rows(plan)
    facts = {
        "sweep": safe(str(runs / plan.folder_name)),
        "method": plan.definition.method.name,
        "trials": f"{estimated.trials:,}",
        "time": f"about {duration(estimated.seconds / workers)} with {workers} at a time,"
        " validation aside",
        "disk": f"about {amount(estimated.bytes)}",
    }
    columns = [Column("trials", right=True), Column("values", wraps=True), Column("seeds")]
    return table(columns, rows, sys.stdout) + "\n\n" + fact_lines(facts, sys.stdout)


def _setting_rows(plan: Plan) -> list[list[str]]:
    """A row for each setting, with the trials that differ in the seed alone."""
    from itertools import groupby

    rows = []
    for _, same in groupby(plan.points, key=lambda point: point.setting):
        points = list(same)
        first, last = points[0], points[-1]
        numbers = f"{first.number}" if len(points) == 1 else f"{first.number}..{last.number}"
        seeds = ",".join(str(point.seed) for point in points)
        rows.append([numbers, safe(first.told.rpartition(" seed=")[0]), seeds])
    if len(rows) > SHOWN_SETTINGS:
        rest = len(rows) - SHOWN_SETTINGS
        rows = [*rows[:SHOWN_SETTINGS], ["...", f"and {rest:,} more settings", ""]]
    return rows or [["", "they come one by one, as the search goes", ""]]


def _run(
    frozen: SweepFolder,
    workers: int,
    fail_fast: bool,
    retry_failed: bool,
    allow_drift: bool,
    json: bool,
) -> None:
    from rnnexp.sweeps.conduct import local, run_sweep

    from .progress import make_sweep_progress

    progress = make_sweep_progress(sys.stderr if json else sys.stdout)
    result = run_sweep(
        frozen,
        local(workers),
        progress,
        fail_fast=fail_fast,
        retry_failed=retry_failed,
        allow_drift=allow_drift,
    )
    progress.ended(result)
    if result.finished:
        _show_table(result, sys.stderr if json else sys.stdout)
    if json:
        print_json(_as_object(result))
    if result.failed:
        raise _failed(result)


def _show_table(result: Result, stream: IO[str]) -> None:
    """The comparison, and where there is more of it."""
    from rnnexp.reports.comparison import compare
    from rnnexp.reports.run_index import each_run, note_of, trial_paths

    from .compare_table import comparison_text, make_sheet

    comparison = compare(each_run(trial_paths(result.path)))
    text = comparison_text(make_sheet(comparison, [], None, None, None), stream)
    print_text(f"\n{text}\n", stream)
    if note := note_of(result.path):
        print_text(f"note: {safe(note)}\n", stream)
    where = safe(str(result.path))
    print_text(f"rnnexp runs compare {where}    rnnexp runs report {where}", stream)


def _as_object(result: Result) -> dict[str, Any]:
    return {
        "sweep": str(result.path),
        "finished": sorted(result.finished),
        "pruned": sorted(result.pruned),
        "failed": {str(point): reason for point, reason in sorted(result.failed.items())},
    }


def _failed(result: Result) -> TrialsFailedError:
    few = sorted(result.failed.items())[:3]
    told = "; ".join(f"{point}: {reason}" for point, reason in few)
    more = f" and {len(result.failed) - 3} more" if len(result.failed) > 3 else ""
    return TrialsFailedError(
        f"{number(len(result.failed))} of the trials failed: {told}{more}",
        code="SWP120",
        hint="the others are done; --retry-failed tries these again",
    )
