"""Events for TensorBoard beside a run (extra `tensorboard`), by TensorBoard's own writer.

Scalars are the lines of metrics.jsonl; histograms of weights, and of the gradients of the update
before, come at each validation; settings and test scores at the end. Nothing of it touches the
training: what is kept of a gradient is the tensor that the update has done with.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from rnnexp.errors import EnvironmentMissingError
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.training.experiment import Experiment
from rnnexp.training.journal import Observer, Silent

__all__ = ["FOLDER", "require_tensorboard", "with_events"]

FOLDER = "tensorboard"
PLACE = ("step", "epoch")
"""where a line of the log stands; the rest of it are scalars"""


def require_tensorboard() -> None:
    """Raises EnvironmentMissingError: the extra is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise EnvironmentMissingError(
            "events for TensorBoard need tensorboard, which is not installed",
            code="ENV011",
            hint="pip install 'rnnexp[tensorboard]'; or leave --tensorboard out",
        )


@contextmanager
def with_events(
    observer: Observer,
    run: Path,
    experiment: Experiment,
    settings: Mapping[str, Any],
    done: int = 0,
) -> Iterator[Observer]:
    """The observer, and an events file in the run that hears the same.

    done: updates made already; events of later ones, which a process left that was stopped, go.
    """
    events = _Events(run / FOLDER, experiment.network, settings, done)
    try:
        yield _Both(observer, events)
    finally:
        events.close()


class _Events(Silent):
    def __init__(
        self, folder: Path, network: AnyNetwork, settings: Mapping[str, Any], done: int
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.network, self.settings = network, settings
        self.writer = SummaryWriter(str(folder), purge_step=done + 1 if done else None)
        self.gradients: dict[str, Tensor] = {}
        self._hooks = [
            parameter.register_post_accumulate_grad_hook(self._keeping(name))  # type: ignore[no-untyped-call]
            for name, parameter in network.named_parameters()
            if parameter.requires_grad
        ]

    def _keeping(self, name: str) -> Any:
        def keep(parameter: Tensor) -> None:
            if parameter.grad is not None:
                self.gradients[name] = parameter.grad

        return keep

    def logged(self, record: Mapping[str, Any]) -> None:
        step, validated = record["step"], False
        for name, value in record.items():
            if name not in PLACE and isinstance(value, int | float):
                self.writer.add_scalar(name, value, step)
                validated = validated or name.startswith("val/")
        if validated:
            self._histograms(step)
            self.writer.flush()

    def finished(self, summary: Mapping[str, Any]) -> None:
        """The settings, the metrics that they led to, and the test scores, at the last step."""
        from torch.utils.tensorboard.summary import hparams

        writer: Any = self.writer.file_writer
        metrics = {k: v for k, v in summary["metrics"].items() if isinstance(v, int | float)}
        for record in hparams(dict(_flat(self.settings)), metrics):  # type: ignore[no-untyped-call]
            writer.add_summary(record)
        for name, value in metrics.items():
            if name.startswith("test/"):
                self.writer.add_scalar(name, value, summary["steps"])

    def close(self) -> None:
        for hook in self._hooks:
            hook.remove()
        self.writer.close()

    def _histograms(self, step: int) -> None:
        """Of what is finite: TensorBoard refuses the rest."""
        weights = {name: value.detach() for name, value in self.network.named_parameters()}
        for kind, tensors in (("weights", weights), ("gradients", self.gradients)):
            for name, tensor in tensors.items():
                if tensor.numel() and bool(tensor.isfinite().all()):
                    self.writer.add_histogram(f"{kind}/{name}", tensor, step)


class _Both:
    """Two observers, told everything one after the other."""

    def __init__(self, first: Observer, second: Observer) -> None:
        self.observers = (first, second)

    def started(self, run: Path, total_steps: int | None, description: Mapping[str, Any]) -> None:
        for observer in self.observers:
            observer.started(run, total_steps, description)

    def logged(self, record: Mapping[str, Any]) -> None:
        for observer in self.observers:
            observer.logged(record)

    def stepped(self, step: int, loss: float) -> None:
        for observer in self.observers:
            observer.stepped(step, loss)

    def noted(self, text: str) -> None:
        for observer in self.observers:
            observer.noted(text)

    def finished(self, summary: Mapping[str, Any]) -> None:
        for observer in self.observers:
            observer.finished(summary)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and plain values; lists as JSON; what is not set is left out."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            plain = isinstance(value, bool | int | float | str)
            yield prefix + name, value if plain else json.dumps(value)
