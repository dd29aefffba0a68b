"""A finished run trained again from what its folder recorded, and the two laid side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config
from rnnexp.errors import CheckFailedError, CheckpointError, Problem, UnsafeError
from rnnexp.reading import differences, read_json, read_records
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoint_state import best_checkpoint
from rnnexp.recording.checkpoints import different_tensors
from rnnexp.recording.run_folder import RunFolder, broken_files
from rnnexp.reports.run_index import read_run, read_summary
from rnnexp.running.conclusion import REPRODUCES
from rnnexp.running.drift import config_drift, data_drift, told
from rnnexp.running.runner import SETTINGS, train_assembled
from rnnexp.training.device import keep_freed_memory, out_of_memory
from rnnexp.training.experiment import Experiment, assemble
from rnnexp.training.journal import Observer
from rnnexp.training.trainer import Trainer

__all__ = ["failure", "reproduce"]


# Why a run did not come out the same again: what has changed since, the likeliest first.

Cause = dict[str, Any]

CAUSES = {
    "versions.rnnexp": "another rnnexp: its CHANGELOG.md says what changed between the two",
    "versions.torch": "each release brings other kernels, and may draw other random numbers",
    "device": "a GPU adds numbers in another order than a processor",
    "cuda": "each release brings other kernels",
    "threads": "sums are shared out among threads, and so rounded otherwise",
    "cpu_capability": "torch computes with other instructions, which round otherwise",
    "kernels": "which compiled kernels ran the layers, if any; each rounds in its own way",
    "cpu": "the libraries behind torch choose their way by the processor",
    "versions.numpy": "what is drawn and scaled before training is numpy's work",
    "versions.python": "a minor release can change how text is read and split",
    "platform": "the C library brings exp and tanh, and rounds them in its own way",
    "variables.OMP_NUM_THREADS": "how many threads a library takes",
    "variables.MKL_NUM_THREADS": "how many threads a library takes",
    "variables.OPENBLAS_NUM_THREADS": "how many threads a library takes",
    "variables.KMP_AFFINITY": "where threads run",
    "variables.CUBLAS_WORKSPACE_CONFIG": "whether products on a GPU are repeatable",
    "variables.CUDA_VISIBLE_DEVICES": "which GPU computes",
    "variables.PYTHONHASHSEED": "the order of sets of words, if anything rested on it",
    "git.commit": "the code in the folder where it was started, if rnnexp is run from there",
    "git.dirty": "changes on that code that no commit holds",
    "versions.safetensors": "only stores weights, and should change nothing",
}
"""what of env.json may explain a difference and how, the likeliest first"""


def causes(then: Path, now: Path) -> list[Cause]:
    """`what` has changed, what it was `then` and is `now`, and `why` that matters.

    In this order: files of the run itself, how it was gone on with, data, settings, and the
    environment as in `CAUSES`.
    """
    found = [*_own_files(then), *_resumes(then), *_data(then, now), *_causes_settings(then, now)]
    return [*found, *_environment(then, now)]


def _cause(what: str, then: Any, now: Any, why: str) -> Cause:
    return {"what": what, "then": then, "now": now, "why": why}


def _own_files(run: Path) -> Iterator[Cause]:
    for sentence in broken_files(run):
        name = sentence.partition(" ")[0]
        yield _cause(name, None, None, "the run is not what it wrote any more: " + sentence)


def _resumes(run: Path) -> Iterator[Cause]:
    """A run that went on under other conditions was trained again under its last ones at once."""
    resumes = (read_json(run / "status.json") or {}).get("resumes")
    for resume in resumes if isinstance(resumes, list) else []:
        for name, verb in (("extend", "was extended by"), ("drift", "went on although")):
            changes = resume.get(name) if isinstance(resume, dict) else None
            for change in changes if isinstance(changes, list) else []:
                why = f"the run {verb} {change}; here it was trained so from the start"
                yield _cause(f"resumed after step {resume.get('step')}", None, None, why)


def _data(then: Path, now: Path) -> Iterator[Cause]:
    before, after = (read_json(run / "data.json") or {} for run in (then, now))
    hashed, hashed_now = (_hashes(record.pop("files", ())) for record in (before, after))
    for path, (was, is_now) in differences(hashed, hashed_now):
        yield _cause(path, was, is_now, "the data are not those it was trained on (SHA-256)")
    for key, (was, is_now) in differences(before, after):
        yield _cause(f"data.json {key}", was, is_now, "the data were read or drawn otherwise")


def _hashes(files: Any) -> dict[str, Any]:
    entries = files if isinstance(files, list) else []
    return {str(e.get("path")): e.get("sha256") for e in entries if isinstance(e, dict)}


def _causes_settings(then: Path, now: Path) -> Iterator[Cause]:
    before, after = (_mapping(read_json(run / "summary.json"), "settings") for run in (then, now))
    for key, (was, is_now) in differences(before, after) if before else ():
        yield _cause(key, was, is_now, "the config is another")


def _mapping(record: Mapping[str, Any] | None, key: str) -> Mapping[str, Any]:
    value = (record or {}).get(key)
    return value if isinstance(value, Mapping) else {}


def _environment(then: Path, now: Path) -> Iterator[Cause]:
    """What differs of what is in `CAUSES`, in its order."""
    before, after = (read_json(run / "env.json") or {} for run in (then, now))
    for key, why in CAUSES.items():
        was, is_now = _at(before, key), _at(after, key)
        if was != is_now:
            yield _cause(key, was, is_now, why)


def _at(record: Mapping[str, Any], key: str) -> Any:
    section, _, name = key.rpartition(".")
    return (_mapping(record, section) if section else record).get(name)


# Whether two finished runs came out the same: their metrics, and the log line by line.

WALL_CLOCK = frozenset({"seconds", "tokens_per_s"})
"""what differs in the logs of two equal trainings"""
COURSE = ("stopped_by", "steps", "epochs", "best_step", "parameters")
DOUBLE_DIGITS = 15


def compared_metrics(then: Path, now: Path) -> dict[str, dict[str, float | None]]:
    """Every metric of either summary.json: `then`, `now`, and the relative `difference`."""
    before, after = read_run(then).metrics, read_run(now).metrics
    return {
        name: _compared(before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
    }


def _compared(then: float | None, now: float | None) -> dict[str, float | None]:
    return {"then": then, "now": now, "difference": _relative(then, now)}


def _relative(then: float | None, now: float | None) -> float:
    """The difference as a share of the larger; infinite where one is not a number."""
    if then is None or now is None:
        return math.inf
    if then == now or (math.isnan(then) and math.isnan(now)):
        return 0.0
    share = abs(then - now) / max(abs(then), abs(now))
    return share if math.isfinite(share) else math.inf


def common_digits(difference: float) -> int:
    """How many significant digits two numbers of that relative difference share at least."""
    if difference == 0:
        return DOUBLE_DIGITS
    if not math.isfinite(difference):
        return 0
    return min(max(math.floor(-math.log10(difference)), 0), DOUBLE_DIGITS)


def course(then: Path, now: Path) -> dict[str, tuple[Any, Any]]:
    """What the summaries say differently of how training went: name -> then, now."""
    before, after = read_summary(then), read_summary(now)
    pairs = {name: (before.get(name), after.get(name)) for name in COURSE}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def first_departure(then: Path, now: Path) -> dict[str, Any] | None:
    """The first line at which the logs part, wall-clock fields aside; None where they never do.

    `step`, `key`, and what it was `then` and is `now`, both None where one log has ended.
    """
    logs = [read_records(run / "metrics.jsonl") for run in (then, now)]
    for number, (before, after) in enumerate(zip_longest(*logs), start=1):
        if before is None or after is None:
            longer = "then" if after is None else "now"
            step = (before or after or {}).get("step")
            key = f"only the log of {longer} goes on"
            return {"line": number, "step": step, "key": key, "then": None, "now": None}
        if (parted := _first_difference(before, after)) is not None:
            values = {"then": before.get(parted), "now": after.get(parted)}
            return {"line": number, "step": before.get("step"), "key": parted, **values}
    return None


def _first_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    keys = (key for key in dict.fromkeys((*before, *after)) if key not in WALL_CLOCK)
    return next((key for key in keys if before.get(key) != after.get(key)), None)


# A finished run trained again from what its folder recorded, and the two laid side by side.
#
# same config, data? -> threads, device and the step of a limit in minutes as recorded -> a run of
# its own -> metrics, log, weights -> what has changed since, where they differ

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
