"""`rnnexp evaluate RUN [FILE]`: score the best checkpoint of a run on a split or on a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .help import DebugOption, JsonOption, RunsOption
from .predict import run_config
from .render import print_json
from .results import details_text, score_table
from .tables import Column, table
from .terminal import number, print_text, safe

if TYPE_CHECKING:
    from rnnexp.config.config import Config

__all__ = ["evaluate"]

ROWS = 12
"""steps of an exposure gap that are shown; all are in the JSON"""


class Split(StrEnum):
    """The parts of the data that can be scored."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


def evaluate(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, a unique prefix of its name, or latest.")
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="New examples with targets, written like the run's data; else a split is scored.",
            show_default=False,
        ),
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option(
            "--targets",
            metavar="FILE",
            help="The targets of FILE, where the run's data are pairs of files.",
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="Which part to score.  [default: test]", show_default=False),
    ] = None,
    blocks: Annotated[
        int | None,
        typer.Option(
            "--blocks",
            min=1,
            max=10_000_000,
            metavar="N",
            help="Read a stream in blocks of N steps, each from a state of zero.",
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            min=1,
            max=100_000,
            metavar="H",
            help="Measure the exposure gap of a forecast so far ahead.  [default: a season, or 24]",
            show_default=False,
        ),
    ] = None,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score the best checkpoint of a run on a split or on a file, beside the baselines.

    A stream (a text, a series with an answer at every step) is read as in training, with the state
    carried where training carried it, or in --blocks. For a series also the exposure gap: the error
    at each step ahead when every step reads the true values before it (teacher-forced), and when
    the network reads its own forecasts (free-running).

    Below the scores stands what each class, or each of several predicted columns, contributes, and
    for numbers which share of the targets the prediction intervals hold.

    Example:
      rnnexp evaluate latest --split val
      rnnexp evaluate latest new.csv --steps 12
      rnnexp evaluate latest other.txt --blocks 256
      rnnexp evaluate latest test.en --targets test.fr
    """
    found, config = run_config(run, runs)
    _check(config, file, targets, split, blocks, steps)

    from rnnexp.running.evaluating import evaluate_file, evaluate_run

    if file is not None:
        result, name = evaluate_file(found, file, targets, blocks, steps), "file"
    else:
        name = (split or Split.TEST).value
        result = evaluate_run(found, name, blocks, steps)
    stream = sys.stderr if json else sys.stdout
    print_text(f"{safe(found.name)}, checkpoint of step {number(result['step'])}", stream)
    print_text(score_table(result["metrics"], result["baselines"], stream, name), stream)
    if details := details_text(result, stream):
        print_text("\n" + details, stream)
    if file is not None and not result["baselines"]:
        print_text("no baselines: the data that the run was trained on are not at hand", stream)
    if "exposure_gap" in result:
        print_text("\n" + _gap_table(result["exposure_gap"], stream), stream)
    elif steps is not None:
        print_text("no exposure gap: too short for 10 forecasts", stream)
    if json:
        print_json(result)


def _check(
    config: Config,
    file: Path | None,
    targets: Path | None,
    split: Split | None,
    blocks: int | None,
    steps: int | None,
) -> None:
    """Raises CommandError for an option that does nothing here."""
    from rnnexp.config.compatibility import is_stream
    from rnnexp.config.data_settings import Pairs, Series

    experiment = config.experiment
    if file is not None and split is not None:
        raise CommandError("has no effect where a FILE is scored", code="CMD124", key="--split")
    if targets is not None and not (file is not None and isinstance(experiment.data, Pairs)):
        message = "belongs to a FILE that a run of pairs is scored on"
        raise CommandError(message, code="CMD124", key="--targets")
    one_stream = is_stream(experiment) and experiment.task.kind == "many_to_many"
    if blocks is not None and not one_stream:
        raise CommandError(
            f"has no effect: {experiment.task.kind} on {experiment.data.source} data reads"
            " no stream with an answer at every step",
            code="CMD124",
            key="--blocks",
        )
    if steps is not None and not isinstance(experiment.data, Series):
        message = "has no effect: the run forecasts no series"
        raise CommandError(message, code="CMD124", key="--steps")


def _gap_table(gap: Mapping[str, Any], stream: IO[str]) -> str:
    """The exposure gap: some steps ahead, the first and the last among them."""
    columns = [
        Column("steps ahead", right=True),
        Column("teacher-forced rmse", right=True),
        Column("free-running rmse", right=True),
        Column("ratio", right=True),
    ]
    last = len(gap["steps"]) - 1
    shown = sorted({round(i * last / max(ROWS - 1, 1)) for i in range(ROWS)})
    names = ("steps", "teacher_forced_rmse", "free_running_rmse", "ratio")
    rows = [[number(gap[name][i]) for name in names] for i in shown]
    return f"exposure gap over {number(gap['starts'])} starts\n" + table(columns, rows, stream)
