"""`rnnexp predict RUN INPUT`: the answers of a trained network as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CheckpointError, CommandError, ConfigError, nearest
from rnnexp.reading import json_line
from rnnexp.storage import NewFile

from .help import DebugOption, JsonOption, RunsOption
from .render import print_json
from .terminal import print_text, shown

if TYPE_CHECKING:
    from rnnexp.config.config import Config
    from rnnexp.inference.answers import Tally, Wish
    from rnnexp.inference.prediction import Given
    from rnnexp.inference.trained import Trained

__all__ = ["json_of", "predict", "run_config"]


# What a command that uses a run is given: the run's config, and JSON on the command line.


def run_config(reference: str, runs: Path | None) -> tuple[Path, Config]:
    """The folder of a run and its config, before anything slow is imported.

    Raises:
        CommandError: no such run.
        CheckpointError: the run does not hold what it was trained from.
    """
    from rnnexp.config.loading import load_config
    from rnnexp.reports.run_index import find_run, runs_folder

    run = find_run(reference, runs_folder(runs))
    try:
        return run, load_config(run / "resolved.yaml")
    except (ConfigError, CommandError) as error:
        raise CheckpointError(error.problems) from error


def json_of(option: str, text: str) -> Any:
    """The value that an option spells in JSON. Raises CommandError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "too deep or too long"
        raise CommandError(f"not JSON: {reason}", code="CMD104", key=option, value=text) from None


# `rnnexp predict RUN INPUT`: the answers of a trained network as JSON lines.

FILE_ENDINGS = (".csv", ".tsv", ".conllu", ".parquet", ".jsonl", ".ndjson", ".json", ".txt")
SHOWN_UNKNOWN = 5


def predict(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A folder, a unique prefix of its name, or latest.")
    ],
    input_: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A file, - for lines from stdin, or the input itself: a text, or JSON.",
            show_default=False,
        ),
    ],
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            min=1,
            max=1_000_000,
            metavar="N",
            help="Forecast so many rows ahead, each forecast fed back as the next input.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Forecast after every row, not after the last alone.")
    ] = False,
    every_class: Annotated[
        bool,
        typer.Option("--probabilities", help="Those of all classes, not of the three likeliest."),
    ] = False,
    beam: Annotated[
        int | None,
        typer.Option(
            "--beam",
            min=1,
            max=100,
            metavar="N",
            help="Hypotheses that a delayed task searches with; 1 is greedy.  [default: task.beam]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the lines there, whole or not at all."),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png", help="Draw the forecast of --steps there."),
    ] = None,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Answer new inputs with the best checkpoint of a run, one JSON object a line.

    A file is read as the run's own data were: CSV columns of a series, one JSON object a line
    (targets are not needed), or plain texts, one a line. The training data are not read. A forecast
    comes with an interval: how far off the run's own forecasts were on its validation part. Rows at
    the end of a series with blank values are the ones to forecast; a run that reads further columns
    (data.inputs) needs such rows to see more than its horizon ahead.

    Example:
      rnnexp predict latest "what a lovely film"
      rnnexp predict latest new.jsonl --out answers.jsonl
      rnnexp predict latest "two men in hats" --beam 5
      rnnexp predict latest new.csv --steps 12 --plot forecast.png
    """
    found, config = run_config(run, runs)
    options = {"--steps": steps, "--all": every or None, "--probabilities": every_class or None}
    series = _check_kind(config, options | {"--plot": plot, "--beam": beam})
    given = _given(input_)
    with NewFile(out) if out else nullcontext(sys.stdout) as sink:
        from rnnexp.inference.answers import Tally, Wish
        from rnnexp.inference.trained import restore_for_use

        trained, tally = restore_for_use(found), Tally()
        if series:
            records = _forecast(trained, given, steps, every, plot)
        else:
            records = _answer(trained, given, tally, Wish(every_class, beam))
        count = 0
        for record in records:
            sink.write(json_line(record) + "\n")
            sink.flush()
            count += 1
    _report(trained, tally, series)
    if out:
        print_text(f"{count:,} predictions in {out}", sys.stderr)
    if json:
        unknown = {"units": tally.units, "unknown": tally.unknown.total()}
        result = {"run": str(found), "step": trained.step, "predictions": count}
        print_json(result | ({"interval": _interval(trained)} if series else unknown))


def _check_kind(config: Config, options: Mapping[str, Any]) -> bool:
    """Whether a run forecasts a series. Raises CommandError for what does not go with it."""
    from rnnexp.config.compatibility import shape_of, target_of
    from rnnexp.config.data_settings import Series, TextCorpus

    experiment = config.experiment
    if isinstance(experiment.data, TextCorpus):
        raise CommandError(
            "this run is a language model: it goes on from a text",
            code="CMD121",
            key="run",
            value=experiment.name,
            hint='use it with: rnnexp generate RUN --prompt "..."',
        )
    series = isinstance(experiment.data, Series)
    classes = experiment.task.kind == "many_to_one" and target_of(experiment) != "regression"
    idle = [] if series else ["--steps", "--all", "--plot"]
    idle += [] if classes else ["--probabilities"]
    idle += [] if shape_of(experiment.task) == "delayed" else ["--beam"]
    for name in idle:
        if options[name] is not None:
            raise CommandError(
                f"has no effect on a run of {experiment.data.source} data, {experiment.task.kind}",
                code="CMD124",
                key=name,
            )
    if options["--all"] and options["--steps"]:
        raise CommandError("goes from the last row on, --all from every row", code="CMD124",
                           key="--steps")  # fmt: skip
    if options["--plot"] and not options["--steps"]:
        raise CommandError("draws what --steps forecasts", code="CMD124", key="--plot")
    return series


def _given(text: str) -> Given:
    """A file, an open pipe, or the input itself. Raises CommandError for a file that is not there.

    What looks like the name of a file is never taken for an input.
    """
    if text == "-":
        return sys.stdin.buffer
    path = Path(text)
    try:
        there = bool(text) and path.exists()
    except (OSError, ValueError):  # too long for a name
        there = False
    if there:
        return path
    if text.lower().endswith(FILE_ENDINGS) and not any(mark.isspace() for mark in text):
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        raise CommandError(
            f"no such file: {path.absolute()}",
            code="CMD120",
            key="INPUT",
            value=text,
            suggestion=nearest(path.name, [entry.name for entry in beside]),
        )
    return text


def _answer(trained: Trained, given: Given, tally: Tally, wish: Wish) -> Iterator[dict[str, Any]]:
    from rnnexp.inference.prediction import predictions

    for record in predictions(trained, given, tally, wish):
        if isinstance(given, str):
            del record["line"]
        yield record


def _forecast(
    trained: Trained, given: Given, steps: int | None, every: bool, plot: Path | None
) -> Iterable[dict[str, Any]]:
    from rnnexp.inference.forecast import forecasts
    from rnnexp.inference.prediction import table_of

    table = table_of(trained, given, open_end=not every)
    records = forecasts(trained, table, steps, every)
    if plot is None:
        return records
    from rnnexp import storage
    from rnnexp.reports.more_plots import continuation_plot

    kept = list(records)
    known = table.values[table.known]
    storage.write_bytes(plot, continuation_plot(table.names, known, kept))
    return kept


def _report(trained: Trained, tally: Tally, series: bool) -> None:
    """What a reader of the answers must know."""
    if series:
        interval, none = _interval(trained), "no interval: the validation part is too short for one"
        print_text(interval["meaning"] if interval else none, sys.stderr)
    if tally.unknown:
        names = ", ".join(shown(name) for name, _ in tally.unknown.most_common(SHOWN_UNKNOWN))
        print_text(
            f"{tally.unknown.total():,} of {tally.units:,} units were never seen in training and"
            f" read as unknown: {names}" + (", ..." if len(tally.unknown) > SHOWN_UNKNOWN else ""),
            sys.stderr,
        )


def _interval(trained: Trained) -> dict[str, Any] | None:
    from rnnexp.inference.forecast import Intervals

    intervals = Intervals.of(trained.run)
    return None if intervals is None else intervals.to_json()
