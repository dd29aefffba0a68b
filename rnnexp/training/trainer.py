"""The training loop: read `fit` from top to bottom.

The order of batches is a pure function of seed and epoch; what cannot be derived (weights,
optimizer, random state, running means, carried state) goes into every checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

import torch

from rnnexp.config.training_settings import Training, Truncated
from rnnexp.data.batches import Batches
from rnnexp.data.signature import Signature
from rnnexp.errors import DivergedError, InterruptedRunError
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.recording.checkpoint_state import odd_state, progress_of
from rnnexp.recording.checkpoints import Checkpoint
from rnnexp.tasks.task import Task
from rnnexp.training.bptt import Carried, rows
from rnnexp.training.clipping import build_clipper
from rnnexp.training.deferred import Deferred, Held, Place, can_defer
from rnnexp.training.evaluation import evaluate
from rnnexp.training.gradients import Gradients, Pending
from rnnexp.training.interrupt import Interrupt, Interrupted
from rnnexp.training.journal import Journal
from rnnexp.training.monitor import Monitor, larger_is_better
from rnnexp.training.optimizers import LearningRate, build_optimizer
from rnnexp.training.segments import in_segments
from rnnexp.training.snapshot import (
    carried_state,
    check_tensors,
    check_weights,
    model_weights,
    random_state,
    restore,
    set_random_state,
    snapshot,
)
from rnnexp.training.update import Applied, Updater

__all__ = ["Outcome", "Trainer", "updates_per_epoch"]


@dataclass(frozen=True)
class Outcome:
    """How a training ended; the network holds the weights of `best_step` again.

    stopped_by: epochs, max_steps, max_minutes or early_stopping.
    """

    stopped_by: str
    steps: int
    epochs: int
    seconds: float
    best_step: int
    best_metrics: Mapping[str, float]


class Trainer:
    """Fits a network to the training part of a data set, judging it on the validation part only.

    deferred: whether losses and norms are read many at once, which changes no number; by default on
        a GPU, where it can be.
    strike: in place of the clock: a limit of so many minutes ends training at this step (infinity:
        never).
    """

    def __init__(  # noqa: PLR0917
        self,
        config: Training,
        network: AnyNetwork,
        task: Task,
        train: Batches,
        val: Batches,
        device: torch.device,
        deferred: bool | None = None,
    ) -> None:
        self.config, self.network, self.task = config, network, task
        self.train, self.val, self.device = train, val, device
        self.signature = Signature.of(train.dataset).to_json()
        self.optimizer = build_optimizer(config.optimizer, network.parameters())
        self.clipper = build_clipper(config.clip)
        self.updater = Updater(network, self.optimizer, self.clipper)
        wanted = device.type != "cpu" if deferred is None else deferred
        self.deferred: Deferred | None = None
        if wanted and can_defer(self.updater):
            self.deferred = Deferred(self.updater, device)
        self.gradients = Gradients(config, network, task, device)
        self.monitor = build_monitor(config)
        planned = config.epochs * updates_per_epoch(config, train)
        self.total_steps = min(planned, config.max_steps or planned)
        self.schedule = LearningRate(config.optimizer.lr, config.schedule, self.total_steps)
        self.step = self.epoch = self.best_step = 0
        self.best_metrics: Mapping[str, float] = {}
        self.best: Checkpoint | None = None
        self.stopped_by: str | None = None
        self.ended = self._in_mid_epoch = False
        self.strike: tuple[float, float] | None = None

    def fit(self, journal: Journal, interrupt: Interrupt) -> Outcome:
        """Train until epochs, steps, minutes or patience run out.

        Raises:
            DivergedError: a loss or gradient is not finite; nothing of it reached a weight.
            InterruptedRunError: a signal asked to stop; a checkpoint was left.
        """
        if self.best is None:
            self.best = self._snapshot(journal)
            journal.checkpoint(self.best, True, True)
        while not self.ended:
            self._train_epoch(journal, interrupt)
            self._end_epoch(journal, interrupt)
        self.network.load_state_dict(model_weights(self.best))
        return Outcome(
            self.stopped_by or "epochs",
            self.step,
            self.epoch + self._in_mid_epoch,
            journal.seconds,
            self.best_step,
            self.best_metrics,
        )

    def resume(self, checkpoint: Checkpoint, best: Checkpoint, journal: Journal) -> None:
        """Stand where a checkpoint was taken, as if training had never stopped.

        best: the checkpoint that validated best until then.

        Raises:
            CheckpointError: one of them is not of this training.
        """
        self.check(checkpoint)
        check_weights(self.network, best)
        state, cursor = checkpoint.state, checkpoint.state["cursor"]
        restore(self.network, self.optimizer, checkpoint)
        self.step, self.epoch = checkpoint.step, cursor["epoch"]
        self.gradients.batch, self._in_mid_epoch = cursor["batch"], cursor["in_mid_epoch"]
        if self.gradients.unroller is not None:
            self.gradients.unroller.window = cursor["window"]
            self.gradients.unroller.carried = carried_state(checkpoint, self.device)
        for part, name in ((self.monitor, "stopping"), (self.schedule, "schedule")):
            part.restore(state[name])
        self.clipper.restore(state["clipping"])
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule.at(max(self.step - 1, 0), self.epoch)
        journal.restore(state["journal"])
        self.strike = tuple(state["strike"]) if state.get("strike") else None
        self.best, self.best_step = best, state["best_step"]
        self.best_metrics = state["best_metrics"]
        self.stopped_by, self.ended = state["stopped_by"], state["ended"]
        if self.ended and not self._still_over(journal.seconds):
            self.stopped_by, self.ended = None, False

    def check(self, checkpoint: Checkpoint) -> None:
        """Hold state and tensors against what this training needs, before any of it is used.

        Raises:
            CheckpointError: naming the file, and the key or the tensor.
        """
        state, cursor = checkpoint.state, progress_of(checkpoint).cursor
        if cursor.batch > len(self.train):
            most = f"{len(self.train):,} batches"
            raise odd_state(checkpoint, "cursor.batch", f"an epoch has {most}")
        if state["clipping"].keys() != self.clipper.state().keys():
            raise odd_state(checkpoint, "clipping", f"not what {type(self.clipper).__name__} keeps")
        if state["best_metrics"] and self.monitor.name not in state["best_metrics"]:
            raise odd_state(checkpoint, "best_metrics", f"{self.monitor.name} is missing")
        if cursor.window and self.gradients.unroller is None:
            raise odd_state(checkpoint, "cursor.window", "this training has no windows")
        carried = self._could_carry(checkpoint)
        check_tensors(self.network, self.optimizer, checkpoint, carried)

    def _could_carry(self, checkpoint: Checkpoint) -> Carried | None:
        """The longest history and the fewest rows with which its next window could begin."""
        unroller, cursor = self.gradients.unroller, checkpoint.state["cursor"]
        if unroller is None:
            return None
        batch, window = min(cursor["batch"], len(self.train) - 1), cursor["window"]
        read = next(self.train.epoch(cursor["epoch"], batch)).to(self.device)
        if (window - 1) * unroller.k1 >= len(read.inputs):
            raise odd_state(checkpoint, "cursor.window", "a batch has fewer windows")
        goes_on = window > 0 or (unroller.carry_state and cursor["batch"] > 0)
        if not goes_on and "carried/history" not in checkpoint.tensors:
            return None
        count = read.inputs.shape[1] if goes_on else 0
        history = read.inputs.new_zeros((unroller.back, count, *read.inputs.shape[2:]))
        seen = window * unroller.k1 + unroller.carry_state * cursor["batch"] * len(read.inputs)
        if "carried/state/0/0" not in checkpoint.tensors and (not goes_on or seen <= unroller.back):
            return Carried(history, None)  # all that was read so far is history
        return Carried(history, rows(self.gradients.first_state(read), count))

    def _still_over(self, seconds: float) -> bool:
        """Whether what ended the training still does; a limit may have been moved since."""
        over = self._limit_reached(seconds) is not None or self.monitor.exhausted
        return over or self.epoch >= self.config.epochs

    def _train_epoch(self, journal: Journal, interrupt: Interrupt) -> None:
        """The updates of an epoch, or what is left of them."""
        self.network.train()
        from_start, self._in_mid_epoch = not self._in_mid_epoch, True
        if self.stopped_by is not None:  # a limit struck at the very step that a signal ended
            return
        updates = self.gradients.of_epoch(self.train, self.epoch, from_start=from_start)
        for pending in updates:
            self._update(pending, journal)
            self.stopped_by = self._limit_reached(journal.seconds)
            if signal_number := interrupt.pending():
                self._leave(journal, interrupt, signal_number)
            if self.stopped_by is not None:
                return
            if journal.checkpoint_due(self.step):
                journal.checkpoint(self._snapshot(journal), False, False)

    def _end_epoch(self, journal: Journal, interrupt: Interrupt) -> None:
        """Validate; keep a checkpoint; go to the next epoch, or end."""
        self._settle(journal)
        lr = self.optimizer.param_groups[0]["lr"]
        journal.flush(self.step, self.epoch, lr, self.clipper.in_force())
        try:
            with interrupt.scoring():
                network = in_segments(self.network, self.config.bptt)
                result = evaluate(network, self.task, self.val, self.device)
        except Interrupted as stop:
            self._leave(journal, interrupt, stop.number)
        improved = self._validated(journal, result.metrics)
        self.schedule.epoch_ended(improved)
        if self.stopped_by is None:
            self.gradients.rewind()
            self.epoch, self._in_mid_epoch = self.epoch + 1, False
            if self.monitor.exhausted:
                self.stopped_by = "early_stopping"
            elif self.epoch >= self.config.epochs:
                self.stopped_by = "epochs"
        self.ended = self.stopped_by is not None
        checkpoint = self._snapshot(journal)
        self.best = checkpoint if improved else self.best
        journal.checkpoint(checkpoint, improved, self.ended)

    def _update(self, pending: Pending, journal: Journal) -> None:
        learning_rate = self.schedule.at(self.step, self.epoch)
        if self.deferred is not None:
            self.deferred.step(pending, learning_rate, self._place())
            self.step += 1
            if self.deferred.full or self.step % journal.log_every == 0:
                self._settle(journal)
            return
        try:
            applied = self.updater.step(pending.loss, learning_rate)
        except DivergedError as error:
            self._keep_last_good(journal)
            raise self._placed(error, pending) from None
        self.step += 1
        self._count(applied, pending, learning_rate, self.step, self.epoch, journal)

    def _count(  # noqa: PLR0917
        self,
        applied: Applied,
        pending: Pending,
        learning_rate: float,
        step: int,
        epoch: int,
        journal: Journal,
    ) -> None:
        journal.statistics.add(*applied, pending.tokens)
        journal.updated(step, epoch, learning_rate, self.clipper.in_force(), applied.loss)

    def _settle(self, journal: Journal) -> None:
        """Count the updates that have not been read; stand before the first that was held back."""
        if self.deferred is None:
            return
        try:
            for made, applied in self.deferred.read():
                step, epoch = made.place.step + 1, made.place.epoch
                self._count(applied, made.pending, made.learning_rate, step, epoch, journal)
        except Held as held:
            self._stand_at(held.made.place)
            self._keep_last_good(journal)
            raise self._placed(held.error, held.made.pending) from None

    def _place(self) -> Place:
        unroller, batch = self.gradients.unroller, self.gradients.batch
        window, carried = (0, None) if unroller is None else (unroller.window, unroller.carried)
        return Place(self.step, self.epoch, batch, window, carried, random_state())

    def _stand_at(self, place: Place) -> None:
        self.step, self.epoch, self.stopped_by = place.step, place.epoch, None
        self.gradients.batch = place.batch
        if self.gradients.unroller is not None:
            unroller = self.gradients.unroller
            unroller.window, unroller.carried = place.window, place.carried
        set_random_state(place.random)

    def _limit_reached(self, seconds: float) -> str | None:
        if self.config.max_steps is not None and self.step >= self.config.max_steps:
            return "max_steps"
        return "max_minutes" if self._minutes_are_over(seconds) else None

    def _minutes_are_over(self, seconds: float) -> bool:
        limit = self.config.max_minutes
        if self.strike is not None and self.strike[0] == limit:
            return self.step >= self.strike[1]
        return limit is not None and seconds >= 60 * limit

    def _validated(self, journal: Journal, found: Mapping[str, float]) -> bool:
        """Log the epoch; whether the monitored metric improved."""
        metrics = {f"val/{name}": value for name, value in found.items()}
        journal.validated(self.step, self.epoch, metrics)
        if not math.isfinite(metrics[self.monitor.name]):
            self._keep_last_good(journal)
            raise DivergedError(
                f"epoch {self.epoch}, step {self.step}: {self.monitor.name} is"
                f" {metrics[self.monitor.name]}",
                code="DIV003",
                hint="a lower training.optimizer.lr or a clip; or look for extreme values in the"
                " validation part",
            )
        improved = self.monitor.improved(metrics)
        if improved:
            self.best_step, self.best_metrics = self.step, metrics
        return improved

    def _first_bad_weight(self) -> str | None:
        """The name of a weight that is not finite, None where all are."""
        named = self.network.named_parameters()
        return next((name for name, value in named if not bool(value.isfinite().all())), None)

    def _snapshot(self, journal: Journal) -> Checkpoint:
        """What a checkpoint holds. Raises DivergedError: a weight is not finite."""
        self._settle(journal)
        bad = self._first_bad_weight()
        if bad is not None:
            raise DivergedError(
                f"epoch {self.epoch}, step {self.step}: the update made a weight infinite or NaN;"
                f" the first is {bad}",
                code="DIV004",
                hint="lower training.optimizer.lr; the last checkpoint stands",
            )
        unroller = self.gradients.unroller
        state = {
            "cursor": {
                "epoch": self.epoch,
                "batch": self.gradients.batch,
                "window": 0 if unroller is None else unroller.window,
                "in_mid_epoch": self._in_mid_epoch,
            },
            "stopped_by": self.stopped_by,
            "ended": self.ended,
            "strike": self.strike,
            "monitor": self.monitor.latest,
            "best_step": self.best_step if self.best_metrics else self.step,
            "best_metrics": dict(self.best_metrics),
            "stopping": self.monitor.state(),
            "schedule": self.schedule.state(),
            "clipping": self.clipper.state(),
            "journal": journal.state(),
            "signature": self.signature,
        }
        carried = None if unroller is None else unroller.carried
        return snapshot(self.network, self.optimizer, carried, self.step, state)

    def _leave(self, journal: Journal, interrupt: Interrupt, signal_number: int) -> NoReturn:
        interrupt.in_hand()
        journal.checkpoint(self._snapshot(journal), False, True)
        raise InterruptedRunError(
            f"stopped by a signal after step {self.step}; a checkpoint was saved", signal_number
        )

    def _keep_last_good(self, journal: Journal) -> None:
        """The weights are those before the bad update; what was written of it is its gradient.

        Weights that an earlier update made infinite are not saved: the last checkpoint stands.
        """
        self.optimizer.zero_grad(set_to_none=True)
        if self.step and self._first_bad_weight() is None:
            journal.checkpoint(self._snapshot(journal), False, True)

    def _placed(self, error: DivergedError, pending: Pending) -> DivergedError:
        """The same error with the place in the training and the rows of the batch."""
        rows = ", ".join(str(row) for row in list(pending.rows)[:8])
        more = ", ..." if len(pending.rows) > 8 else ""
        problem = error.problems[0]
        where = f"epoch {self.epoch}, step {self.step + 1}, training rows {rows}{more}"
        return DivergedError(f"{where}: {problem.message}", code=problem.code, hint=problem.hint)


def build_monitor(config: Training) -> Monitor:
    """The metric that `training.monitor` names, and the patience of early stopping."""
    stopping = config.early_stopping
    return Monitor(
        config.monitor,
        config.mode or ("max" if larger_is_better(config.monitor) else "min"),
        stopping.min_delta if stopping else 0.0,
        stopping.patience if stopping else None,
    )


def updates_per_epoch(config: Training, train: Batches) -> int:
    """How many updates an epoch makes (at most, where sequences differ in length).

    A truncated window in which no target counts makes none.
    """
    dataset = train.dataset
    if not isinstance(config.bptt, Truncated) or dataset.shape == "many_to_one":
        return math.ceil(len(train) / config.accumulate)
    counted_T, k1 = dataset.counted_steps("train"), config.bptt.k1
    windows = range(0, len(counted_T), k1)
    return len(train) * sum(bool(counted_T[t : t + k1].any()) for t in windows)
