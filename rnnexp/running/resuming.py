"""Going on where a run stopped, as if it never had.

newest whole checkpoint -> same config, data, versions, device, threads? -> the log cut back to
the
checkpoint -> training, from the very update -> test, once -> summary
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config, resolved_yaml, settings_of
from rnnexp.errors import CheckpointError, CommandError, Problem
from rnnexp.reading import differences, read_json
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoint_state import newest_whole, odd_state
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.run_folder import RunFolder, break_seal
from rnnexp.running.drift import ALLOW, config_drift, data_drift, environment_drift, told, within
from rnnexp.running.event_files import FOLDER, require_tensorboard
from rnnexp.running.runner import LOG_BYTES, SETTINGS, ending, finish, recorder_of, surroundings
from rnnexp.training.device import keep_freed_memory, out_of_memory
from rnnexp.training.experiment import Experiment, assemble
from rnnexp.training.interrupt import Interrupt
from rnnexp.training.journal import Journal, Observer

__all__ = ["drift_of", "resume"]

EXTENDABLE = (
    "training.epochs",
    "training.max_steps",
    "training.max_minutes",
    "training.early_stopping.patience",
)
"""what may be changed without making another experiment of it"""


@out_of_memory()
def resume(
    run: Path,
    observer: Observer,
    extend: Sequence[str] = (),
    *,
    allow_drift: bool = False,
    fallback: bool = True,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Go on with a run from its newest whole checkpoint; the summary, as in summary.json.

    A finished run is left as it is. extend: overrides that make it longer. allow_drift: go on
    although something else is different now. fallback: where the newest checkpoint is damaged,
    take the one before. tensorboard: leave events for it; where there are some, they go on anyway.

    Raises:
        CheckpointError: there is no whole checkpoint, or something has changed since.
        CommandError: an override that would make another experiment of it.
        BusyError: another process works on the run.
        RnnexpError: as `train`.
    """
    keep_freed_memory()
    tensorboard = tensorboard or (run / FOLDER).is_dir()
    if tensorboard:
        require_tensorboard()
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
        longer = [*differences(checkpoint.state[SETTINGS], settings_of(config))]
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
        if checkpoint.state.get(LOG_BYTES, math.inf) > folder.metrics.size:
            held = f"metrics.jsonl has {folder.metrics.size:,} bytes"
            raise odd_state(checkpoint, LOG_BYTES, held)
        trainer = experiment.trainer()
        recorder = recorder_of(folder, config, best)
        journal = Journal(recorder, observer, config.experiment.training)
        trainer.resume(checkpoint, best, journal)
        with ending(recorder, trainer, fresh=False):
            folder.metrics.cut(checkpoint.state[LOG_BYTES])
            break_seal(run)
            _record(folder, experiment, checkpoint, extend, drift)
            return finish(folder, experiment, trainer, journal, interrupt, tensorboard=tensorboard)


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
    changes = {"extend": list(extend), "drift": [told(problem) for problem in drift]}
    resumes = [*folder.status().get("resumes", ()), {"step": checkpoint.step, **changes}]
    folder.set_status("running", resumes=resumes, error=None)
    folder.log(f"goes on after step {checkpoint.step}" + "".join(f"; {each}" for each in extend))
    for problem in drift:
        folder.log(f"although {told(problem)}")


def _check_extension(before: Config, after: Config, extend: Sequence[str]) -> None:
    """Raises CommandError: an override changes more than how long the run is."""
    for key, _ in differences(settings_of(before), settings_of(after)):
        if not within(key, EXTENDABLE):
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
    """What is not as it was when the checkpoint was taken. Raises CheckpointError."""
    for problem in config_drift(checkpoint.state[SETTINGS], before):
        if not within(problem.key or "", EXTENDABLE):
            yield problem
    yield from data_drift(folder, experiment.dataset)
    yield from environment_drift(folder, experiment)
