"""`rnnexp diagnose CONFIG or RUN ...`: the gradient's way back through time."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rnnexp.errors import CommandError

from .gradients import diagnosis_text, side_by_side_text
from .options import DebugOption, JsonOption, RunsOption, SetOption
from .render import print_json
from .text import print_text, safe

if TYPE_CHECKING:
    from .subject import Subject

__all__ = ["diagnose"]


def diagnose(
    subjects: Annotated[
        list[str],
        typer.Argument(
            metavar="CONFIG_OR_RUN ... [a.b=c ...]",
            help="YAML files, at their initial weights, or runs, at their best; then overrides.",
            show_default=False,
        ),
    ],
    set_: SetOption = None,
    sequences: Annotated[
        int,
        typer.Option("--sequences", min=1, max=256, metavar="N", help="Sequences to measure on."),
    ] = 8,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write the pictures and the numbers there too."),
    ] = None,
    retrain: Annotated[
        bool,
        typer.Option("--retrain", help="Train afresh, briefly, on ordered and on shuffled steps."),
    ] = False,
    runs: RunsOption = None,
    json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure where the gradient goes on its way back through time.

    The norm of ds_t/ds_k by lag for every layer, its half-life beside what the target needs,
    singular values, gates, which lags the gradient comes from, what clipping and truncation do to
    it, and whether the order of the steps matters; then a verdict and one change to try. Several
    runs are shown side by side. Pictures go into the plots/ of a single run, or to --out.

    Example:
      rnnexp diagnose configs/long_range/temporal_order_lstm.yaml
      rnnexp diagnose latest
      rnnexp diagnose 20261124-0801 20261124-0812 --out comparison
    """
    names = [each for each in subjects if "=" not in each and not each.startswith("~")]
    overrides = [each for each in subjects if each not in names] + list(set_ or ())
    if not names:
        raise CommandError("nothing to diagnose: no CONFIG or RUN is given", code="CMD103")
    if out is not None:
        from rnnexp import storage

        storage.ensure_folder(out)  # before the work, so that a bad place costs none
    stream = sys.stderr if json else sys.stdout
    networks = _measured(names, overrides, runs, sequences, retrain, out)
    if len(networks) == 1:
        ((name, found),) = networks.items()
        print_text(diagnosis_text(name, found, stream), stream)
    else:
        print_text(side_by_side_text(networks, stream), stream)
    if out is not None:
        print_text(f"\npictures and numbers in {safe(str(out))}", stream)
    if json:
        print_json({"networks": [{"subject": name} | dict(f) for name, f in networks.items()]})


def _measured(
    names: Sequence[str],
    overrides: Sequence[str],
    runs: Path | None,
    sequences: int,
    retrain: bool,
    out: Path | None,
) -> dict[str, dict[str, Any]]:
    """What was found, by the name of each network; kept where there is a place for it."""
    from rnnexp.diagnosis.document import diagnose as measure
    from rnnexp.recording.text_files import read_records

    from .subject import load_subject

    networks: dict[str, dict[str, Any]] = {}
    loaded = [load_subject(name, overrides, runs) for name in names]
    labels = _labels(loaded)
    for label, subject in zip(labels, loaded, strict=True):
        records = None if subject.run is None else read_records(subject.run / "metrics.jsonl")
        found = measure(subject.experiment, records, sequences, retrain)
        networks[label] = {"weights": subject.weights} | found
    if out is not None:
        _write(out, networks)
    if len(loaded) == 1 and loaded[0].run is not None and not overrides:
        _keep(loaded[0], networks)
    return networks


def _labels(loaded: Sequence[Subject]) -> list[str]:
    """The experiments' names where they tell the networks apart, else the runs' own, numbered."""
    short = [subject.experiment.config.experiment.name for subject in loaded]
    if len(set(short)) == len(short) > 1:
        return short
    names = [subject.name for subject in loaded]
    return [
        f"{name} ({names[: index + 1].count(name)})" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def _pictures(networks: Mapping[str, Any]) -> dict[str, bytes]:
    from rnnexp.reports import gradient_plots

    return {
        "jacobian.png": gradient_plots.jacobian_plot(networks),
        "contributions.png": gradient_plots.contributions_plot(networks),
        "singular_values.png": gradient_plots.singular_values_plot(networks),
    }


def _write(folder: Path, networks: Mapping[str, Any]) -> None:
    from rnnexp import storage

    for name, picture in _pictures(networks).items():
        storage.write_bytes(folder / name, picture)
    storage.write_json(folder / "diagnosis.json", networks)


def _keep(subject: Subject, networks: Mapping[str, Any]) -> None:
    from rnnexp.recording.run_folder import RunFolder

    assert subject.run is not None
    run = RunFolder.open(subject.run)
    for name, picture in _pictures(networks).items():
        run.write_bytes(f"plots/{name}", picture)
    run.write_json("diagnosis.json", next(iter(networks.values())))
