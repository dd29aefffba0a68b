"""CONFIG or RUN: what a command that looks into a network is pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnexp.training.experiment import Experiment

__all__ = ["Subject", "load_subject"]


@dataclass(frozen=True)
class Subject:
    """An experiment and, where it comes from a run, its folder and the step of its weights."""

    experiment: Experiment
    run: Path | None = None
    step: int | None = None

    @property
    def name(self) -> str:
        return self.run.name if self.run else self.experiment.config.experiment.name

    @property
    def weights(self) -> str:
        return "initial weights" if self.step is None else f"checkpoint of step {self.step:,}"


def load_subject(subject: str, overrides: Sequence[str], runs: Path | None) -> Subject:
    """A YAML file is a config, at its initial weights; anything else names a run, at its best.

    Raises:
        RnnexpError: no such file or run, or it cannot be put together.
    """
    if subject.endswith((".yaml", ".yml")) or Path(subject).is_file():
        from rnnexp.config.loading import load_config

        config = load_config(Path(subject), overrides)

        from rnnexp.training.experiment import assemble

        return Subject(assemble(config))
    from rnnexp.reports.run_index import find_run, runs_folder

    run = find_run(subject, runs_folder(runs))

    from rnnexp.recording.checkpoint_state import best_checkpoint
    from rnnexp.recording.run_folder import RunFolder
    from rnnexp.running.runner import restore

    return Subject(restore(run, overrides), run, best_checkpoint(RunFolder.open(run)).step)
