"""A finished run trained again from what its folder recorded, and the two laid side by side.

same config, data? -> threads, device and the step of a limit in minutes as recorded -> a run of its
own -> metrics, log, weights -> what has changed since, where they differ
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnexp.conclusion import REPRODUCES
from rnnexp.config.config import Config
from rnnexp.config.load import load_config
from rnnexp.drift import config_drift, data_drift, told
from rnnexp.errors import CheckFailedError, CheckpointError, Problem, UnsafeError
from rnnexp.experiment import Experiment, assemble
from rnnexp.recording import checkpoints
from rnnexp.recording.best import best_checkpoint
from rnnexp.recording.bits import different_tensors
from rnnexp.recording.recorder import SETTINGS
from rnnexp.recording.run_folder import RunFolder
from rnnexp.recording.text_files import read_json
from rnnexp.reports.causes import causes
from rnnexp.reports.likeness import common_digits, compared_metrics, course, first_departure
from rnnexp.runner import train_assembled
from rnnexp.training.device import keep_freed_memory, out_of_memory
from rnnexp.training.observer import Observer
from rnnexp.training.trainer import Trainer

__all__ = ["RESULT", "compare_runs", "failure", "reproduce"]

RESULT = "reproduction.json"
ALLOW = "put it back as it was; or --allow-drift trains all the same, and compares"
LARGEST_THREADS = 1024


@out_of_memory()
def reproduce(
    run: Path,
    config: Config,
    runs: Path,
    observer: Observer,
    *,
    tolerance: float = 0.0,
    allow_drift: bool = False,
) -> dict[str, Any]:
    """Train a run again in a new folder under `runs`; as `compare_runs`, also in reproduction.json.

    config: what its resolved.yaml says. allow_drift: go on where that, or the data, is not what
    the run was trained with.

    Raises:
        CheckpointError: it has not finished, or config or data are not what they were.
        RnnexpError: as `train`.
    """
    keep_freed_memory()
    folder = RunFolder.open(run)
    summary = _finished(folder)
    experiment = _as_recorded(folder, config)
    drift = [*_drift(folder, experiment)]
    if drift and not allow_drift:
        raise CheckpointError(drift)
    for problem in drift:
        observer.noted(f"although {told(problem)}")
    trainer = experiment.trainer()
    _strike_as_recorded(trainer, summary)
    status = {REPRODUCES: str(run), "drift": [told(problem) for problem in drift]}
    trained = train_assembled(experiment, trainer, runs, observer, {}, status)
    result = compare_runs(run, Path(trained["run"]), tolerance)
    RunFolder.open(Path(trained["run"])).write_json(RESULT, result)
    return result


def _finished(folder: RunFolder) -> Mapping[str, Any]:
    """Its summary. Raises CheckpointError: there is nothing yet to come out like."""
    state, summary = folder.status().get("state"), read_json(folder.path / "summary.json")
    if state == "finished" and summary is not None:
        return summary
    raise CheckpointError(
        f"{folder.path} has not finished (state: {state}): there is nothing to compare with",
        code="CKP130",
        hint=f"rnnexp resume {folder.path.name} goes on with it",
    )


def _as_recorded(folder: RunFolder, config: Config) -> Experiment:
    """The experiment with the threads and the device that `auto` meant when it was trained."""
    environment, training = read_json(folder.path / "env.json") or {}, config.experiment.training
    threads, chosen = environment.get("threads"), []
    if training.threads == "auto" and type(threads) is int and 1 <= threads <= LARGEST_THREADS:
        chosen.append(f"training.threads={threads}")
    if training.device == "auto" and environment.get("device") == "cpu":
        chosen.append("training.device=cpu")
    return replace(assemble(load_config(folder.path / "resolved.yaml", chosen)), config=config)


def _drift(folder: RunFolder, experiment: Experiment) -> Iterator[Problem]:
    """Where config or data are not what the run was trained with."""
    trained = _settings(folder)
    for problem in config_drift(trained, experiment.config) if trained else ():
        if _is_in(trained, problem.key or ""):  # a later rnnexp has further keys
            yield replace(problem, hint=ALLOW)
    for problem in data_drift(folder, experiment.dataset):
        yield replace(problem, hint=ALLOW)


def _settings(folder: RunFolder) -> Mapping[str, Any]:
    """What it was trained with: by summary.json, which also knows how it was extended, or else by
    its last checkpoint; empty where neither says it.
    """
    found: Any = (read_json(folder.path / "summary.json") or {}).get("settings")
    if found is None:
        steps = checkpoints.steps(folder.checkpoints)
        with suppress(CheckpointError, UnsafeError, IndexError):
            found = checkpoints.load(folder.checkpoints / str(steps[-1])).state.get(SETTINGS)
    return found if isinstance(found, Mapping) else {}


def _is_in(tree: Any, key: str) -> bool:
    for part in key.split("."):
        if not isinstance(tree, Mapping) or part not in tree:
            return False
        tree = tree[part]
    return True


def _strike_as_recorded(trainer: Trainer, summary: Mapping[str, Any]) -> None:
    """A limit in minutes ends it at the step at which it ended the run, or never."""
    limit, steps = trainer.config.max_minutes, summary.get("steps")
    if limit is not None:
        struck = summary.get("stopped_by") == "max_minutes" and isinstance(steps, int)
        trainer.strike = (limit, steps if struck and steps else math.inf)


def compare_runs(then: Path, now: Path, tolerance: float = 0.0) -> dict[str, Any]:
    """How a run came out the second time.

    verdict: `identical` (metrics, log and best weights, bit for bit), `same` (no metric differs by
    more than `tolerance`, relative to the larger) or `different`. digits: the significant ones that
    all metrics share. course, log, weights: where the two part. causes: what has changed since,
    the likeliest first.
    """
    metrics, weights = compared_metrics(then, now), _weights(then, now)
    largest = max((each["difference"] or 0.0 for each in metrics.values()), default=0.0)
    log = first_departure(then, now)
    bits = weights["why"] is None and not weights["different"]
    verdict = "same" if largest <= tolerance else "different"
    return {
        "run": str(then),
        "reproduction": str(now),
        "verdict": "identical" if largest == 0 and log is None and bits else verdict,
        "tolerance": tolerance,
        "digits": common_digits(largest),
        "metrics": metrics,
        "course": {name: {"then": a, "now": b} for name, (a, b) in course(then, now).items()},
        "log": log,
        "weights": weights,
        "causes": causes(then, now),
    }


def _weights(then: Path, now: Path) -> dict[str, Any]:
    """The best weights: how many tensors, which are `different`; `why` they cannot be compared."""
    try:
        these, those = (best_checkpoint(RunFolder.open(run)) for run in (then, now))
    except (CheckpointError, UnsafeError) as error:
        return {"tensors": 0, "different": [], "why": str(error)}
    ours, theirs = (
        {name: value for name, value in each.tensors.items() if name.startswith("model/")}
        for each in (these, those)
    )
    different = [name.removeprefix("model/") for name in different_tensors(ours, theirs)]
    return {"tensors": len(ours), "different": different, "why": None}


def failure(result: Mapping[str, Any]) -> CheckFailedError | None:
    """The error that a comparison ends in: one problem for each metric that is too far off."""
    if result["verdict"] != "different":
        return None
    return CheckFailedError(
        Problem(
            code="CHK110",
            key=name,
            message=f"it was {each['then']!r} and is {each['now']!r}",
            allowed=f"a relative difference of at most {result['tolerance']:g}",
        )
        for name, each in result["metrics"].items()
        if each["difference"] > result["tolerance"]
    )
