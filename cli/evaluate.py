"""`rnnexp evaluate RUN`: score a split with the best checkpoint of a run."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from .details import details_text
from .options import DebugOption, JsonOption, RunsOption
from .render import print_json
from .scores import score_table
from .text import number, print_text, safe

__all__ = ["evaluate"]


class Split(StrEnum):
    """The parts of the data that can be scored."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


def evaluate(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, a unique prefix of its name, or latest.")
    ],
    split: Annotated[Split, typer.Option("--split", help="Which part to score.")] = Split.TEST,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Score a split with the best checkpoint of a run, beside the baselines.

    Below the scores stands what each class, or each of several predicted columns, contributes, and
    for numbers which share of the targets the prediction intervals hold.

    Example:
      rnnexp evaluate latest --split val
    """
    from rnnexp.reports.runs import find_run, runs_folder

    found = find_run(run, runs_folder(runs))

    from rnnexp.runner import evaluate_run

    result = evaluate_run(found, split.value)
    stream = sys.stderr if json else sys.stdout
    print_text(f"{safe(found.name)}, checkpoint of step {number(result['step'])}", stream)
    print_text(score_table(result["metrics"], result["baselines"], stream, split.value), stream)
    if details := details_text(result, stream):
        print_text("\n" + details, stream)
    if json:
        print_json(result)
