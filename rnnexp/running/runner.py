"""Running an experiment in a run folder, and bringing it back from there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config, resolved_yaml, settings_of
from rnnexp.data.dataset import Dataset
from rnnexp.data.signature import Signature
from rnnexp.errors import (
    CheckpointError,
    CommandError,
    DivergedError,
    InterruptedRunError,
    StorageError,
)
from rnnexp.reading import read_json
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoint_state import best_checkpoint
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.recording.environment import environment
from rnnexp.recording.run_folder import TRIAL, RunFolder, State, seal
from rnnexp.running.event_files import require_tensorboard, with_events
from rnnexp.tasks.confusion import absent_classes
from rnnexp.training.device import keep_freed_memory, out_of_memory
from rnnexp.training.experiment import Experiment, assemble, describe
from rnnexp.training.interrupt import Interrupt, Interrupted
from rnnexp.training.journal import Journal, Observer, Pruned
from rnnexp.training.snapshot import load_weights
from rnnexp.training.trainer import Trainer

__all__ = [
    "LOG_BYTES",
    "SETTINGS",
    "RunRecorder",
    "ending",
    "finish",
    "recorder_of",
    "refuse_changed_data",
    "restore",
    "surroundings",
    "train",
    "train_assembled",
    "trained_files",
]


# Puts a training's log lines and checkpoints into its run folder.

SECONDS_BETWEEN = 5.0
LAST_KEPT = 2
LOG_BYTES, SETTINGS = "log_bytes", "settings"


class RunRecorder:
    """Keeps the best checkpoint and the last two.

    Each also says which settings it was trained with, and how long metrics.jsonl was. Epochs can be
    shorter than a write to disk takes: a checkpoint that follows another within five seconds waits
    in memory, and is written by a later one's turn or at the end.
    """

    def __init__(
        self, run: RunFolder, settings: Mapping[str, Any], best: Checkpoint | None = None
    ) -> None:
        self.run, self.settings = run, dict(settings)
        self._best = best
        self._waiting: list[Checkpoint] = []
        self._wrote_at = time.monotonic()

    def record(self, record: Mapping[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        self.run.metrics.append(record)

    def checkpoint(self, checkpoint: Checkpoint, best: bool, last: bool) -> None:
        """Keep a checkpoint; `best` makes it the best so far, `last` writes what still waits."""
        place = {LOG_BYTES: self.run.metrics.size, SETTINGS: self.settings}
        kept = replace(checkpoint, state=checkpoint.state | place)
        if best or self._best is None:
            self._best = kept
        # Of one step the later one counts: it may know of a validation.
        before = [each for each in self._waiting if each.step != kept.step]
        self._waiting = [*before, kept][-LAST_KEPT:]
        if last or time.monotonic() - self._wrote_at > SECONDS_BETWEEN:
            self.flush()

    def flush(self) -> None:
        """Write what still waits in memory."""
        folder = self.run.checkpoints
        self.run.metrics.sync()
        present = set(checkpoints.steps(folder))
        wanted = {each.step: each for each in self._waiting}
        if self._best is not None and self._best.step not in present | wanted.keys():
            wanted[self._best.step] = self._best
        for step in sorted(wanted):
            checkpoints.save(folder, wanted[step])
        recent = sorted(present | wanted.keys())[-LAST_KEPT:]
        keep = {*recent, *([self._best.step] if self._best else [])}
        checkpoints.prune(folder, keep)
        self._waiting, self._wrote_at = [], time.monotonic()


# Running an experiment in a run folder, and bringing it back from there.
#
# assemble -> run folder -> training -> test, once -> summary, predictions, plots


@out_of_memory()
def train(
    config: Config,
    runs: Path,
    observer: Observer,
    verified: bool = False,
    *,
    trial: Mapping[str, Any] | None = None,
    data: Mapping[str, str] | None = None,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Run the experiment in a new folder under `runs`; the summary, as in summary.json.

    verified: first hold the network against the equations, as `rnnexp compare-manual` does.
    trial: the point of a sweep that this is; it goes into trial.json. data: the SHA-256 that its
    files must have. tensorboard: leave events for it, too.

    Raises:
        CheckFailedError: it is not what the equations say; nothing was trained.
        DivergedError: a loss or gradient was not finite; the run folder stays.
        InterruptedRunError: a signal asked to stop; the run folder stays, with a checkpoint.
        RnnexpError: anything else; before the first step no folder is left behind.
    """
    keep_freed_memory()
    if tensorboard:
        require_tensorboard()
    experiment = assemble(config)
    _refuse_other_data(experiment.dataset, data or {})
    comparison = _compared(experiment) if verified else None
    beside = {TRIAL: trial, "compare_manual.json": comparison}
    trainer = experiment.trainer()
    return train_assembled(experiment, trainer, runs, observer, beside, tensorboard=tensorboard)


def train_assembled(  # noqa: PLR0917
    experiment: Experiment,
    trainer: Trainer,
    runs: Path,
    observer: Observer,
    beside: Mapping[str, Mapping[str, Any] | None],
    status: Mapping[str, Any] | None = None,
    *,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """The same of an experiment that is in memory and has not begun.

    beside: further JSON files of the run. status: what status.json says besides.
    """
    config = experiment.config
    with (
        Interrupt() as interrupt,
        RunFolder.create(runs, config.experiment.name) as run,
        ending(recorder := recorder_of(run, config), trainer, fresh=True),
    ):
        if status:
            run.set_status("running", **status)
        for file, record in beside.items():
            if record is not None:
                run.write_json(file, record)
        _write_inputs(run, experiment)
        journal = Journal(recorder, observer, config.experiment.training)
        for note in _notes(experiment.dataset):
            run.log(note)
        return finish(run, experiment, trainer, journal, interrupt, tensorboard=tensorboard)


def _compared(experiment: Experiment) -> dict[str, Any]:
    from rnnexp.gradients.comparison_document import (
        checked,  # where nobody asks it is not waited for
    )

    return checked(experiment)


def recorder_of(run: RunFolder, config: Config, best: Checkpoint | None = None) -> RunRecorder:
    """What keeps the log and the checkpoints of a run. best: its best checkpoint so far."""
    return RunRecorder(run, settings_of(config), best)


def finish(
    run: RunFolder,
    experiment: Experiment,
    trainer: Trainer,
    journal: Journal,
    interrupt: Interrupt,
    *,
    tensorboard: bool = False,
) -> dict[str, Any]:
    """Train from where the trainer stands to the end, and conclude; the summary."""
    settings = settings_of(experiment.config)
    with ExitStack() as stack:
        if tensorboard:
            events = with_events(journal.observer, run.path, experiment, settings, trainer.step)
            journal.observer = stack.enter_context(events)
        observer = journal.observer
        about = describe(experiment) | {"done": trainer.step}
        observer.started(run.path, trainer.total_steps, about)
        for note in _notes(experiment.dataset):
            observer.noted(note)
        outcome = trainer.fit(journal, interrupt)
        from rnnexp.running.conclusion import (
            conclude,  # not before: the first step waits for no import
        )

        try:
            with interrupt.scoring():
                summary, classes = conclude(run, experiment, outcome)
        except Interrupted as stop:
            message = "stopped by a signal while the test part was scored; training itself is done"
            raise InterruptedRunError(message, stop.number) from None
        seal(run.path)
        observer.finished(summary | {"classes": classes})
        return summary


def _notes(dataset: Dataset) -> Iterator[str]:
    """What a person should know of the data before training."""
    yield from dataset.notes
    if vectors := dataset.record.get("pretrained"):
        yield f"{vectors['found']:,} of {vectors['of']:,} tokens start from {vectors['path']}"
    if absent := absent_classes(dataset):
        yield absent


def restore(run: Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a run as its best checkpoint left it.

    Raises:
        CommandError: an override changes the network, the task or the data.
        CheckpointError: there is no checkpoint yet, it is damaged, or the data have changed.
        RnnexpError: the experiment cannot be put together on this machine.
    """
    folder = RunFolder.open(run)
    checkpoint = best_checkpoint(folder)
    config = load_config(run / "resolved.yaml", overrides)
    if overrides:
        _refuse_another_network(load_config(run / "resolved.yaml"), config)
    experiment = assemble(config)
    refuse_changed_data(folder, experiment.dataset)
    load_weights(experiment.network, checkpoint, config)
    return experiment


@contextmanager
def ending(recorder: RunRecorder, trainer: Trainer, *, fresh: bool) -> Iterator[None]:
    """Leave the right state in the run folder, or no folder if it is fresh and nothing trained."""
    run = recorder.run
    try:
        yield
    except BaseException as error:
        if fresh and trainer.step == 0:
            run.discard()
            raise
        state: State = "failed"
        if isinstance(error, DivergedError):
            state = "diverged"
        elif isinstance(error, InterruptedRunError):
            state = "interrupted"
        elif isinstance(error, Pruned):
            state = "pruned"
        with suppress(StorageError):  # a full disk is why it ends; the last checkpoint stands
            recorder.flush()
            run.set_status(state, step=trainer.step, error=str(error))
        raise
    run.set_status("finished", step=trainer.step)


def _write_inputs(run: RunFolder, experiment: Experiment) -> None:
    config = experiment.config
    run.write_together(
        {
            "config.yaml": config.text,
            "resolved.yaml": resolved_yaml(config),
            "overrides.txt": "".join(f"{given}\n" for given in config.overrides),
            "env.json": surroundings(experiment),
            "data.json": experiment.dataset.record,
            "encoding.json": Signature.of(experiment.dataset).to_json(),
        }
    )
    run.log(f"{config.experiment.name}: training starts on {experiment.device}")


def surroundings(experiment: Experiment) -> dict[str, Any]:
    """What env.json says: versions and machine, and where this experiment runs on it."""
    placed = {"device": str(experiment.device), "threads": experiment.threads}
    return environment() | placed


def _refuse_another_network(trained: Config, changed: Config) -> None:
    """The weights of a run belong to its own network, task and data.

    Raises:
        CommandError: an override changes one of them.
    """
    for section in ("data", "task", "model"):
        if getattr(trained.experiment, section) != getattr(changed.experiment, section):
            raise CommandError(
                f"a run's {section} is what was trained; only training can be changed",
                code="CMD107",
                key=section,
                hint="give the config instead of the run, or train again: rnnexp train "
                + str(trained.path),
            )


def _refuse_other_data(dataset: Dataset, frozen: Mapping[str, str]) -> None:
    """Raises CheckpointError: a file is not what it was when the sweep was frozen."""
    for file in dataset.record.get("files", ()):
        expected = frozen.get(file["path"], file["sha256"])
        if file["sha256"] != expected:
            raise CheckpointError(
                f"{file['path']} has changed since the sweep was frozen",
                code="CKP102",
                value=file["sha256"],
                allowed=f"SHA-256 {expected}",
                hint="put the old file back, or sweep anew under another name",
            )


def refuse_changed_data(run: RunFolder, dataset: Dataset) -> None:
    """A score of other data than the run's own would carry the run's name.

    Raises:
        CheckpointError: a file is not what it was when the run was trained.
    """
    now = {file["path"]: file["sha256"] for file in dataset.record.get("files", ())}
    for path, sha256 in trained_files(run):
        if now.get(path) != sha256:
            raise CheckpointError(
                f"{path} has changed since the run was trained",
                code="CKP102",
                value=now.get(path),
                allowed=f"SHA-256 {sha256}",
                hint="put the old file back, or train again: rnnexp train "
                + str(run.path / "resolved.yaml"),
            )


def trained_files(run: RunFolder) -> list[tuple[str, str]]:
    """Path and SHA-256 of each data file. Raises CheckpointError: data.json is damaged."""
    record = read_json(run.path / "data.json")
    with suppress(KeyError, TypeError):
        if record is not None:
            return [(str(file["path"]), str(file["sha256"])) for file in record.get("files", ())]
    raise CheckpointError(
        f"{run.path / 'data.json'} is missing or damaged",
        code="CKP114",
        hint="rnnexp runs verify tells what else is",
    )
