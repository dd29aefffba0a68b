"""A sweep from its folder to its end: held, checked against what was frozen, conducted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rnnexp.config.load import load_config
from rnnexp.config.metrics import larger_is_better
from rnnexp.errors import CheckpointError, RnnexpError
from rnnexp.sweeps.conduct import Result, Watcher, conduct, settle
from rnnexp.sweeps.definition import Definition
from rnnexp.sweeps.engine import Engine
from rnnexp.sweeps.folder import SweepFolder
from rnnexp.sweeps.holding import held, refuse_other_code
from rnnexp.sweeps.local import LocalEngine
from rnnexp.sweeps.search import Search
from rnnexp.sweeps.trials import Trial, best_trials

__all__ = ["EngineMaker", "definition_of", "local", "run_sweep"]

EngineMaker = Callable[[SweepFolder], Engine]


def local(workers: int) -> EngineMaker:
    """Makes an engine of so many processes on this machine."""

    def make(folder: SweepFolder) -> Engine:
        return LocalEngine(workers, folder.path, folder.lock_descriptor)

    return make


def run_sweep(
    folder: SweepFolder,
    engine: EngineMaker,
    watcher: Watcher,
    *,
    fail_fast: bool = False,
    retry_failed: bool = False,
    allow_drift: bool = False,
) -> Result:
    """Run what the sweep in `folder` lacks. Raises as `conduct`, and BusyError, CheckpointError."""
    folder = SweepFolder.open(folder.path)
    with held(folder):
        if folder.record().get("state") != "finished" or retry_failed:
            for text in refuse_other_code(folder, allow_drift):
                watcher.noted(text)
        try:
            return conduct(
                folder,
                engine(folder),
                watcher,
                _search(folder, definition_of(folder)),
                fail_fast=fail_fast,
                retry_failed=retry_failed,
            )
        except RnnexpError:
            if folder.record().get("state") == "new":  # nothing was trained
                folder.discard()
            raise


def definition_of(folder: SweepFolder) -> Definition:
    """What was asked for. Raises CheckpointError: sweep.json is damaged."""
    record = folder.record()
    try:
        return Definition.from_json(record["name"], folder.path / "base.yaml", record["definition"])
    except (KeyError, TypeError):
        raise CheckpointError(f"{folder.path / 'sweep.json'} is damaged", code="SWP114") from None


def _search(folder: SweepFolder, definition: Definition) -> Search | None:
    if definition.method.name != "tpe":
        return None
    from rnnexp.sweeps.tpe import Suggested

    settings = load_config(folder.path / "base.yaml").experiment
    trials = best_trials(folder.trials)
    training = settings.training
    return Suggested(
        definition,
        settings.seed,
        (training.mode or ("max" if larger_is_better(training.monitor) else "min")) == "max",
        training.monitor,
        folder.points(),
        _values(folder, trials),
        folder.add_point,
    )


def _values(folder: SweepFolder, trials: Mapping[int, Trial]) -> dict[int, float | None]:
    """What came of the points that are done."""
    done = settle(folder, trials).settled
    return {number: trials[number].value if number in trials else None for number in done}
