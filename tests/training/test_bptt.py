"""Truncated backpropagation: equal to full where nothing is cut, exactly k2 deep where it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Training, Truncated
from rnnexp.data.batches import Batch, Batches
from rnnexp.layers.assembly import build_network
from rnnexp.layers.network import Network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Classification, Regression
from rnnexp.training.bptt import TruncatedUnroller, detach
from rnnexp.training.gradients import Gradients

T = 12
CPU = torch.device("cpu")


@pytest.fixture
def network(make_dataset: Any) -> Network:
    torch.manual_seed(0)
    return build_network(Model(hidden_sizes=(4, 3)), make_dataset("many_to_many", time=T))


@pytest.fixture
def batch(make_dataset: Any) -> Batch:
    return Batches(make_dataset("many_to_many", time=T), "train", 5, 0).take(np.arange(5))


@pytest.mark.parametrize("classes", [None, 3])
def test_one_answer_at_the_end_has_a_single_window(make_dataset: Any, classes: int | None) -> None:
    dataset = make_dataset("many_to_one", classes=classes, time=T, examples=20)
    objective = Regression("mse", None) if classes is None else Classification()
    results = []
    for bptt in ("full", Truncated(k1=T, k2=T)):
        torch.manual_seed(0)
        network = build_network(Model(hidden_sizes=(4,)), dataset)
        gradients = Gradients(Training(bptt=bptt), network, ManyToOneTask(objective), CPU)
        pending = list(gradients.of_epoch(Batches(dataset, "train", 20, 0), 0))
        results.append(([p.loss for p in pending], gradient(network)))
    assert results[0][0] == results[1][0]
    assert torch.equal(results[0][1], results[1][1])


def test_the_place_within_a_batch_is_known_between_updates(network: Network, batch: Batch) -> None:
    unroller, places = TruncatedUnroller(Truncated(k1=5, k2=7)), []
    for _ in unroller.windows(network, batch):
        assert unroller.carried is not None
        places.append((unroller.window, len(unroller.carried.history)))
    assert places == [(1, 2), (2, 2), (3, 2)]
    assert unroller.window == 0


def gradient(network: Network) -> Tensor:
    parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in network.parameters()]
    network.zero_grad()
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("carry_state", [False, True])
def test_k1_k2_t_equal_is_full_backpropagation(
    make_dataset: Any, network: Network, carry_state: bool
) -> None:
    batches = Batches(make_dataset("many_to_many", time=T), "train", 5, 0)
    task, results = ManyToManyTask(Regression("mse", None)), []
    for bptt in ("full", Truncated(k1=T, k2=T, carry_state=carry_state)):
        first = next(Gradients(Training(bptt=bptt), network, task, CPU).of_epoch(batches, 0))
        results.append((first.loss, gradient(network)))
    assert results[0][0] == results[1][0]
    assert torch.equal(results[0][1], results[1][1])


def depths(network: Network, batch: Batch, settings: Truncated) -> list[set[int]]:
    """For every window, the input steps that its losses reach."""
    inputs = batch.inputs.clone().requires_grad_()
    whole = Batch(inputs, batch.targets, batch.rows, batch.count, batch.steps)
    reached = []
    for output, _ in TruncatedUnroller(settings).windows(network, whole):
        (grad,) = torch.autograd.grad(output.square().sum(), inputs)
        reached.append(set(grad.abs().sum((1, 2)).nonzero().flatten().tolist()))
    return reached


@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (3, 3), (3, 5), (4, 12), (5, 7), (1, 6), (12, 12)])
def test_gradient_goes_back_at_most_k2_steps(
    network: Network, batch: Batch, k1: int, k2: int
) -> None:
    reached = depths(network, batch, Truncated(k1=k1, k2=k2))
    for number, steps in enumerate(reached):
        stop = min((number + 1) * k1, T)
        back = k2 - k1
        assert steps == set(range(max(number * k1 - back, 0), stop))


@pytest.mark.parametrize(("k1", "k2"), [(3, 3), (3, 5), (5, 7), (1, 6)])
def test_forward_values_are_those_of_the_whole_sequence(
    network: Network, batch: Batch, k1: int, k2: int
) -> None:
    windows = TruncatedUnroller(Truncated(k1=k1, k2=k2)).windows(network, batch)
    ours = torch.cat([output for output, _ in windows])
    torch.testing.assert_close(ours, network(batch.inputs)[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("k1", "k2"), [(3, 3), (3, 5), (2, 9)])
def test_carried_state_joins_batches_into_one_stream(
    network: Network, batch: Batch, k1: int, k2: int
) -> None:
    unroller, outputs = TruncatedUnroller(Truncated(k1=k1, k2=k2, carry_state=True)), []
    for start in (0, T // 2):
        part = batch.window(start, start + T // 2)
        outputs += [output for output, _ in unroller.windows(network, part)]
    whole = network(batch.inputs)[0]
    torch.testing.assert_close(torch.cat(outputs), whole, atol=1e-6, rtol=0)
    unroller.reset()
    fresh = [output for output, _ in unroller.windows(network, batch.window(0, T // 2))]
    torch.testing.assert_close(torch.cat(fresh), whole[: T // 2], atol=1e-6, rtol=0)


def test_carried_state_follows_rows_that_end(network: Network, batch: Batch) -> None:
    unroller = TruncatedUnroller(Truncated(k1=6, k2=6, carry_state=True))
    list(unroller.windows(network, batch.window(0, 6)))
    shorter = Batch(batch.inputs[6:, :3], batch.targets[6:, :3], batch.rows[:3], 18, 18)
    ((output, _),) = unroller.windows(network, shorter)
    expected = network(batch.inputs)[0][6:, :3]
    torch.testing.assert_close(output, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("k1", "k2"), [(3, 3), (3, 5)])
def test_what_is_carried_does_not_keep_the_batch(
    network: Network, batch: Batch, k1: int, k2: int
) -> None:
    unroller = TruncatedUnroller(Truncated(k1=k1, k2=k2))
    for _ in unroller.windows(network, batch):
        assert unroller.carried is not None and unroller.carried.state is not None
        for part in (unroller.carried.history, *unroller.carried.state[0]):
            assert part.untyped_storage().nbytes() == part.nbytes


def test_windows_without_a_target_are_skipped(network: Network, batch: Batch) -> None:
    mask = torch.ones(T, 5)
    mask[:4] = 0
    masked = Batch(batch.inputs, batch.targets, batch.rows, 40, 60, mask=mask)
    windows = list(TruncatedUnroller(Truncated(k1=4, k2=4)).windows(network, masked))
    assert [window.count for _, window in windows] == [20, 20]


def test_detach_keeps_values_and_drops_history(network: Network, batch: Batch) -> None:
    state = network(batch.inputs)[1]
    free = detach(state)
    assert free is not None
    for old, new in zip(state, free, strict=True):
        for mine, other in zip(old, new, strict=True):
            assert torch.equal(mine, other)
            assert not other.requires_grad
