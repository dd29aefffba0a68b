"""What a comparison that failed says: one problem for each tensor that is off."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from rnnexp.data.batches import Batch
from rnnexp.errors import CheckFailedError, Problem
from rnnexp.gradients.comparison import by_layers, symbol_of, verify
from rnnexp.gradients.probe import Probe, behind_words, encoded, loss_by_hand, plain_network
from rnnexp.gradients.transcribe import transcribe
from rnnexp.layers.direction import HiddenDirection
from rnnexp.layers.network import Network
from rnnexp.layers.stack import RecurrentLayer, Stack
from rnnexp.manual.hand_cells import Array, Values
from rnnexp.manual.hand_network import ReaderSum
from rnnexp.manual.through_time import Contribution, contributions
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.objective import Regression
from rnnexp.tasks.task import Task
from rnnexp.training.experiment import Experiment

__all__ = [
    "HIDDEN",
    "OUTPUT",
    "checked",
    "compare_experiment",
    "compare_lecture",
    "failure",
    "lecture",
    "printed_difference",
]


# One layer read step by step: what goes in, every gate, what comes out by hand and by layer.


def steps(
    network: Network, task: Task, probe: Probe, layer: int = 1, gates: bool = False
) -> list[dict[str, Any]]:
    """The time steps of the probe's first sequence in one layer (from 1), in float32.

    Keys: `t` (from 1), `x`, `z_x` (W_xh x_t + b_xh) and `z_h` (W_hh h_{t-1} + b_hh) where the cell
    has them, with `gates` each gate and c, then `by_hand` and `layer`: h_t or o_t by each.
    """
    single = copy.deepcopy(network).to(torch.float32).eval()
    ours = by_layers(single, task, probe.to(torch.float32))
    written = transcribe(single, np.float32)
    sequence = next(probe.sequences(np.float32))
    run = written.forward(sequence.inputs, sequence.condition, sequence.teacher)
    reader, values = written.layers[layer - 1].readers[0], run.values[layer - 1][0]
    found = ours.forward[f"layer {layer} {symbol_of(reader.cell)}"][0]
    shown = ["x", "z_x", "z_h", *(_gates(values) if gates else ())]
    return [
        {"t": t + 1}
        | {symbol: values[symbol][t].tolist() for symbol in shown if symbol in values}
        | {"by_hand": values["y"][t].tolist(), "layer": found[t].tolist()}
        for t in range(len(found))
    ]


def _gates(values: Values) -> list[str]:
    """The gates and states that a step computes, in the order of the equations."""
    named = ("h",) if "z_o" in values else ("i", "f", "g", "o", "c", "r", "z", "n")
    return [symbol for symbol in named if symbol in values]


# The gradient of each layer's recurrent matrix, split by how far back it comes from.


def lags(network: Network, task: Task, probe: Probe) -> dict[str, list[Contribution]]:
    """For `layer 1 W_hh` and so on, the contribution of every lag, in float64."""
    written = transcribe(copy.deepcopy(network).to(torch.float64), np.float64)
    sums: dict[str, list[ReaderSum]] = {}
    for sequence in probe.sequences(np.float64):
        run = written.forward(sequence.inputs, sequence.condition, sequence.teacher)
        assert run.output is not None
        _, d_output = loss_by_hand(task.objective, run.output, sequence)
        for each in _flat(written.layer_sums(run, d_output / probe.batch.count)):
            sums.setdefault(f"{each.place} {each.reader.cell.recurrent}", []).append(each)
    return {label: contributions(sums[label]) for label in sorted(sums)}


def _flat(layers: Iterator[list[ReaderSum]]) -> Iterator[ReaderSum]:
    for layer in layers:
        yield from layer


# The lecture's own example: `nn.RNN(5, 2)` with seed 1 on ones, twos and threes.

HIDDEN = ((-0.4701929, 0.5863904), (-0.88883156, 1.2364397), (-1.3074701, 1.886489))
OUTPUT = ((-0.3519801, 0.52525216), (-0.68424344, 0.76074266), (-0.8649416, 0.90466356))
"""W_xh x_t + b_xh and h_t as the lecture prints them"""
LAST_PLACE = 4e-7
"""what the last printed digit of float32 may differ by from one CPU to another"""


@dataclass(frozen=True)
class Lecture:
    """The layer with a loss on top, mean h^2, so that it has gradients to compare."""

    network: Network
    task: Task
    probe: Probe


def lecture() -> Lecture:
    """The example, the same on every machine; torch's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        layer = nn.RNN(input_size=5, hidden_size=2, num_layers=1, batch_first=True)
        direction = HiddenDirection("rnn", 5, 2)
    direction.rnn.load_state_dict(layer.state_dict())
    stack = Stack([RecurrentLayer(direction, None, "concat", return_sequences=True)])
    network = Network(nn.Identity(), stack, nn.Identity())
    x_T1I = torch.tensor([[1.0] * 5, [2.0] * 5, [3.0] * 5]).unsqueeze(1)
    batch = Batch(x_T1I, torch.zeros(3, 1, 2), np.arange(1), count=3, steps=3)
    return Lecture(network, ManyToManyTask(Regression("mse", None)), Probe(batch, stepwise=True))


def printed_difference(hidden: Array, output: Array) -> float:
    """The largest difference between values (T, H) and those that the lecture prints."""
    pairs = ((hidden, HIDDEN), (output, OUTPUT))
    return max(float(np.abs(np.asarray(ours) - np.array(theirs)).max()) for ours, theirs in pairs)


# Everything that `rnnexp compare-manual` tells, as one object that JSON can hold.

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


# What a comparison that failed says: one problem for each tensor that is off.


def checked(experiment: Experiment) -> dict[str, Any]:
    """The comparison of an experiment's network with the equations.

    Raises:
        CheckFailedError: a tensor is further away than the limit.
    """
    result = compare_experiment(experiment)
    error = failure(result)
    if error is not None:
        raise error
    return result


def failure(result: dict[str, Any]) -> CheckFailedError | None:
    """The error that a comparison ends in, None where everything is equal."""
    if result["passed"]:
        return None
    worst: dict[str, Problem] = {}
    for comparison in result["comparisons"]:
        for row in comparison["rows"]:
            if not row["passed"]:
                worst.setdefault(row["tensor"], _problem(row, comparison))
    for each in result["finite_differences"]:
        if not each["passed"]:
            message = f"finite differences lie {each['relative']:.1e} of its largest value away"
            problem = Problem(code="CHK102", key=each["tensor"], message=message)
            worst.setdefault(each["tensor"], problem)
    if not worst:
        message = f"the values that the lecture prints are {result['printed']['largest']:.1e} away"
        worst["printed"] = Problem(code="CHK103", message=message)
    return CheckFailedError(worst.values())


def _problem(row: dict[str, Any], comparison: dict[str, Any]) -> Problem:
    what = "gradient" if row["kind"] == "gradient" else "value"
    gate = f", gate {row['gate']}" if row["gate"] else ""
    step = f", from time step {row['step']}" if row["step"] else ""
    return Problem(
        code="CHK101",
        key=row["tensor"],
        message=f"its {what} by the layers is {row['relative']:.1e} of the largest value away from"
        f" the one by hand ({comparison['precision']}, path {comparison['path']}{gate}{step})",
        allowed=f"at most {row['limit']:.1e}",
    )
