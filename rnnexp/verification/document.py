"""Everything that `rnnexp compare-manual` tells, as one object that JSON can hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from rnnexp.experiment import Experiment
from rnnexp.layers.network import Network
from rnnexp.tasks.task import Task
from rnnexp.verification.condition import encoded
from rnnexp.verification.lags import lags
from rnnexp.verification.lecture import LAST_PLACE, lecture, printed_difference
from rnnexp.verification.plain import plain_network
from rnnexp.verification.probe import Probe
from rnnexp.verification.report import verify
from rnnexp.verification.steps import steps
from rnnexp.verification.words import behind_words

__all__ = ["LONGEST", "SEQUENCES", "compare_experiment", "compare_lecture"]

SEQUENCES, LONGEST = 3, 256
"""how much of the validation part is compared: sequences, and time steps of each"""


def compare_experiment(
    experiment: Experiment,
    sequences: int = SEQUENCES,
    steps_of: int | None = None,
    gates: bool = False,
) -> dict[str, Any]:
    """An experiment's network on a few sequences of its validation part.

    steps_of: also every time step of that layer (from 1), with `gates` those too.
    """
    plain = plain_network(experiment)
    probe = Probe.of(experiment.batches("val"), sequences, LONGEST)
    if experiment.config.experiment.training.teacher_forcing is not None:
        probe = probe.taught(experiment.dataset.outputs)
    network, probe, words = behind_words(plain, probe)
    network, probe, image = encoded(network, probe)
    found = _compare(network, experiment.task, probe, steps_of, gates)
    about = {"of_time_steps": experiment.dataset.time_steps, "not_compared": [*words, *image]}
    return about | found


def compare_lecture(gates: bool = False) -> dict[str, Any]:
    """The lecture's own example, with its printed values beside ours."""
    example = lecture()
    found = _compare(example.network, example.task, example.probe, 1, gates)
    hidden = np.array([step["z_x"] for step in found["steps"]])
    output = np.array([step["by_hand"] for step in found["steps"]])
    difference = printed_difference(hidden, output)
    equal = difference <= LAST_PLACE
    found["printed"] = {"largest": difference, "limit": LAST_PLACE, "passed": equal}
    found["passed"] = found["passed"] and equal
    found["failed"] += [] if equal else ["the lecture's printed values"]
    return found


def _compare(
    network: Network, task: Task, probe: Probe, steps_of: int | None, gates: bool
) -> dict[str, Any]:
    found = verify(network, task, probe).as_json()
    found["shapes"] = {name: list(value.shape) for name, value in network.named_parameters()}
    found["contributions"] = {
        label: [asdict(each) for each in terms]
        for label, terms in lags(network, task, probe).items()
    }
    if steps_of is not None:
        found["layer"] = steps_of
        found["steps"] = steps(network, task, probe, steps_of, gates)
    return found
