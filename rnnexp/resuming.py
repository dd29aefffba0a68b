"""Going on where a run stopped, as if it never had.

newest whole checkpoint -> same config, data, versions, device, threads? -> the log cut back to the
checkpoint -> training, from the very update -> test, once -> summary
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.load import load_config, resolved_yaml, settings_of
from rnnexp.data.dataset import Dataset
from rnnexp.errors import CheckpointError, CommandError, Problem
from rnnexp.experiment import Experiment, assemble
from rnnexp.recording import checkpoints
from rnnexp.recording.best import newest_whole
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.recorder import LOG_BYTES, SETTINGS
from rnnexp.recording.run_folder import RunFolder
from rnnexp.recording.seal import break_seal
from rnnexp.recording.text_files import read_json
from rnnexp.runner import ending, finish, recorder_of, surroundings
from rnnexp.training.device import keep_freed_memory, out_of_memory
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal
from rnnexp.training.observer import Observer

__all__ = ["EXTENDABLE", "drift_of", "resume"]

EXTENDABLE = (
    "training.epochs",
    "training.max_steps",
    "training.max_minutes",
    "training.early_stopping.patience",
)
"""what may be changed without making another experiment of it"""
FIXED = ("data", "task", "model", "training.optimizer.name", "training.bptt", "training.clip")
"""what the state in a checkpoint belongs to"""
COMPARED = ("versions", "cpu", "cpu_capability", "cuda", "device", "threads")
"""what of env.json the bits of a result can depend on"""
ALLOW = "put it back as it was; or --allow-drift goes on all the same, and says so in the run"


@out_of_memory()
def resume(
    run: Path,
    observer: Observer,
    extend: Sequence[str] = (),
    *,
    allow_drift: bool = False,
    fallback: bool = True,
) -> dict[str, Any]:
    """Go on with a run from its newest whole checkpoint; the summary, as in summary.json.

    A finished run is left as it is. extend: overrides that make it longer. allow_drift: go on
    although something else is different now. fallback: where the newest checkpoint is damaged,
    take the one before.

    Raises:
        CheckpointError: there is no whole checkpoint, or something has changed since.
        CommandError: an override that would make another experiment of it.
        BusyError: another process works on the run.
        RnnexpError: as `train`.
    """
    keep_freed_memory()
    with Interrupt() as interrupt, RunFolder.reopen(run) as folder:
        checkpoints.recover(folder.checkpoints)
        checkpoint, best, notes = newest_whole(folder, fallback)
        for note in notes:
            observer.noted(note)
            folder.log(note)
        before = load_config(run / "resolved.yaml")
        config = load_config(run / "resolved.yaml", extend)
        _check_extension(before, config, extend)
        if SETTINGS not in checkpoint.state:
            raise CheckpointError(
                f"{run} was trained by an earlier rnnexp, which did not keep all that it takes",
                code="CKP113",
                hint=f"train again: rnnexp train {run / 'config.yaml'}",
            )
        longer = [*_differences(checkpoint.state[SETTINGS], settings_of(config))]
        finished = read_json(run / "summary.json")
        if finished is not None and checkpoint.state["ended"] and not longer:
            done = f"already finished at epoch {finished.get('epochs', '?')}"
            observer.noted(f"{done}; for more: --extend training.epochs=N")
            observer.finished(finished)
            return finished
        experiment = assemble(config)
        drift = [*drift_of(folder, experiment, before, checkpoint)]
        if drift and not (allow_drift and all(problem.hint == ALLOW for problem in drift)):
            raise CheckpointError(drift)
        trainer = experiment.trainer()
        recorder = recorder_of(folder, config, best)
        with ending(recorder, trainer, fresh=False):
            journal = Journal(recorder, observer, config.experiment.training)
            trainer.resume(checkpoint, best, journal)
            folder.metrics.cut(checkpoint.state[LOG_BYTES])
            break_seal(run)
            _record(folder, experiment, checkpoint, extend, drift)
            return finish(folder, experiment, trainer, journal, interrupt)


def _record(
    folder: RunFolder,
    experiment: Experiment,
    checkpoint: Checkpoint,
    extend: Sequence[str],
    drift: Sequence[Problem],
) -> None:
    """Write down that, from where and with which changes the run goes on."""
    if extend:
        folder.write_text("resolved.yaml", resolved_yaml(experiment.config))
    if drift:
        folder.write_json("env.json", surroundings(experiment))
        folder.write_json("data.json", experiment.dataset.record)
    changes = {"extend": list(extend), "drift": [_told(problem) for problem in drift]}
    resumes = [*folder.status().get("resumes", ()), {"step": checkpoint.step, **changes}]
    folder.set_status("running", resumes=resumes, error=None)
    folder.log(f"goes on after step {checkpoint.step}" + "".join(f"; {each}" for each in extend))
    for problem in drift:
        folder.log(f"although {_told(problem)}")


def _told(problem: Problem) -> str:
    return f"{problem.key}: {problem.message}" if problem.key else problem.message


def _check_extension(before: Config, after: Config, extend: Sequence[str]) -> None:
    """Raises CommandError: an override changes more than how long the run is."""
    for key, _ in _differences(settings_of(before), settings_of(after)):
        if not _within(key, EXTENDABLE):
            raise CommandError(
                f"{key} would make another experiment of this run",
                code="CMD130",
                key="--extend",
                value=", ".join(extend),
                allowed=", ".join(EXTENDABLE),
                hint=f"train another: rnnexp train {before.path} ...",
            )


def drift_of(
    folder: RunFolder, experiment: Experiment, before: Config, checkpoint: Checkpoint
) -> Iterator[Problem]:
    """What is not as it was when the checkpoint was taken."""
    for key, (then, now) in _differences(checkpoint.state[SETTINGS], settings_of(before)):
        if not _within(key, EXTENDABLE):
            message = f"{then!r} when trained, {now!r} now"
            hint = f"put {before.path} back as it was" if _within(key, FIXED) else ALLOW
            yield Problem("CKP110", message, before.where(key), key=key, hint=hint)
    yield from _data_drift(folder, experiment.dataset)
    recorded, current = read_json(folder.path / "env.json") or {}, surroundings(experiment)
    for name in COMPARED:
        then, now = ({name: env.get(name)} for env in (recorded, current))
        for key, (was, is_now) in _differences(then, now):
            message = f"{was!r} when trained, {is_now!r} now"
            yield Problem("CKP112", message, key=key, hint=ALLOW)


def _data_drift(folder: RunFolder, dataset: Dataset) -> Iterator[Problem]:
    trained = json.loads((folder.path / "data.json").read_text(encoding="utf-8"))
    now = {file["path"]: file["sha256"] for file in dataset.record.get("files", ())}
    for file in trained.get("files", ()):
        if now.get(file["path"]) != file["sha256"]:
            yield Problem(
                "CKP111",
                f"{file['path']} has changed since the run was trained",
                value=now.get(file["path"]),
                allowed=f"SHA-256 {file['sha256']}",
                hint=ALLOW,
            )


def _within(key: str, names: Sequence[str]) -> bool:
    """Whether a key is one of these, stands in one of them, or holds one of them."""
    return any(f"{key}.".startswith(f"{name}.") or name.startswith(f"{key}.") for name in names)


def _differences(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Dotted keys of all that two trees do not share, with both values."""
    for key in {**before, **after}:
        then, now = before.get(key), after.get(key)
        if isinstance(then, Mapping) and isinstance(now, Mapping):
            yield from _differences(then, now, f"{prefix}{key}.")
        elif then != now:
            yield f"{prefix}{key}", (then, now)
