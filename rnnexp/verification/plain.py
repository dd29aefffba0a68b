"""The networks that the equations by hand describe, and which do not belong to them."""

from __future__ import annotations

from rnnexp.errors import CommandError
from rnnexp.experiment import Experiment
from rnnexp.layers.network import Network

__all__ = ["plain_network"]


def plain_network(experiment: Experiment) -> Network:
    """The network of an experiment, where it is one stack with an output layer on top.

    Raises:
        CommandError: it is an encoder-decoder.
    """
    if isinstance(experiment.network, Network):
        return experiment.network
    config = experiment.config
    raise CommandError(
        "the equations by hand are those of one stack, not of an encoder-decoder",
        code="CMD108",
        position=config.where("task.alignment"),
        key="task.alignment",
        value="delayed",
        allowed="aligned, or another task.kind",
        hint=f"the same cell alone: rnnexp compare-manual or diagnose "
        f"configs/many_to_many/delayed_echo.yaml model.cell={config.experiment.model.cell}",
    )
