"""Backpropagation in segments: the numbers of the whole, in a fraction of its memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rnnexp.config.gallery import find
from rnnexp.config.loading import load_config
from rnnexp.config.model_settings import Model
from rnnexp.config.training_settings import Checkpointed, TeacherForcing, Training
from rnnexp.data.batches import Batch, Batches, condition_of, teacher_of
from rnnexp.data.dataset import Dataset
from rnnexp.layers.assembly import build_network
from rnnexp.layers.network import Network
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.many_to_one import ManyToOneTask
from rnnexp.tasks.objective import Regression
from rnnexp.training import segments
from rnnexp.training.device import autocast
from rnnexp.training.evaluation import evaluate
from rnnexp.training.experiment import assemble
from rnnexp.training.gradients import Gradients
from rnnexp.training.segments import Segments
from rnnexp.training.teacher import Teacher

from .live_bytes import LiveBytes

T, CPU = 11, torch.device("cpu")
EVERY = (1, 3, 5, 10)  # 11 steps: many segments, and a short one at the end


def sections(**fields: Any) -> Model:
    return Model.model_validate({"hidden_sizes": (5, 4), **fields})


CASES: dict[str, tuple[Model, dict[str, Any], str | None]] = {
    "rnn": (sections(cell="rnn"), {"shape": "many_to_many"}, None),
    "gru, ragged": (sections(cell="gru"), {"shape": "many_to_many", "ragged": True}, None),
    "lstm, tokens": (
        sections(cell="lstm", embedding=3),
        {"shape": "many_to_many", "vocabulary": 7, "classes": 3},
        None,
    ),
    "one answer": (sections(cell="gru"), {"shape": "many_to_one"}, None),
    "one answer, ragged": (sections(cell="lstm"), {"shape": "many_to_one", "ragged": True}, None),
    "one layer, ragged": (
        sections(cell="rnn", hidden_sizes=(4,)),
        {"shape": "many_to_one", "ragged": True},
        None,
    ),
    "mean": (sections(pooling="mean"), {"shape": "many_to_one", "ragged": True}, None),
    "max": (sections(pooling="max"), {"shape": "many_to_one"}, None),
    "layer norm": (
        sections(cell="lstm", layer_norm=True, initial_state="learned"),
        {"shape": "many_to_one", "ragged": True},
        None,
    ),
    "first state": (
        sections(cell="gru"),
        {"shape": "one_to_many", "ragged": True},
        "initial_state",
    ),
    "every step": (
        sections(cell="lstm", embedding=3),
        {"shape": "one_to_many", "classes": 5},
        "every_step",
    ),
    "output to hidden": (
        sections(cell="rnn", recurrence="output_to_hidden"),
        {"shape": "many_to_many", "ragged": True},
        None,
    ),
    "output to output": (
        sections(cell="rnn", recurrence="output_to_output"),
        {"shape": "many_to_many", "classes": 3},
        None,
    ),
}


@pytest.fixture
def in_float64() -> Iterator[None]:
    """Everything that a test makes, so that only the order of the sums can be seen."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def first_batch(dataset: Dataset, forcing: bool) -> Batch:
    batch = Batches(dataset, "train", 8, 0).take(np.arange(8))
    if forcing:
        torch.manual_seed(3)
        batch = Teacher(TeacherForcing(start=0.5), dataset.outputs).attach(batch, 0)
    return batch


def forward(network: Network, batch: Batch) -> Tensor:
    """The batch in the precision of the network."""
    dtype = torch.get_default_dtype()

    def cast(part: Any) -> Any:
        return part.to(dtype) if isinstance(part, Tensor) and part.is_floating_point() else part

    teacher = teacher_of(batch)
    output, _ = network(
        cast(batch.inputs),
        None,
        batch.lengths,
        cast(condition_of(batch)),
        None if teacher is None else (cast(teacher[0]), cast(teacher[1])),
    )
    assert isinstance(output, Tensor)
    return output


def gradients(network: Network, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """The output, and the gradient of a loss that weighs each valid part of it differently."""
    network.zero_grad()
    output = forward(network, batch)
    weights = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
    if batch.lengths is not None and output.dim() == 3:
        weights = weights * (torch.arange(len(output)).unsqueeze(1) < batch.lengths).unsqueeze(-1)
    torch.autograd.backward((output * output * weights).sum())
    found = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    return output.detach(), found


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("every", EVERY)
@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_are_those_of_the_whole(
    make_dataset: Any, name: str, every: int
) -> None:
    model, data, conditioning = CASES[name]
    dataset = make_dataset(time=T, **data)
    torch.manual_seed(0)
    network = build_network(model, dataset, conditioning)
    batch = first_batch(dataset, model.recurrence != "hidden_to_hidden")
    theirs, expected = gradients(network, batch)
    ours, found = gradients(Segments(network, every), batch)
    # In float64: weights are shared over time, and their gradient is summed in another order.
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)
    assert found.keys() == expected.keys()
    for weight, value in expected.items():
        assert value.abs().max() > 0, weight
        torch.testing.assert_close(found[weight], value, rtol=1e-10, atol=1e-12)


def test_a_batch_of_one_segment_is_run_as_ever(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one", time=T, ragged=True)
    network = build_network(sections(cell="lstm"), dataset)
    batch = first_batch(dataset, forcing=False)
    theirs, expected = gradients(network, batch)
    ours, found = gradients(Segments(network, T), batch)
    assert torch.equal(ours, theirs)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("shape", ["many_to_one", "many_to_many"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_coins_fall_the_same_way_again(
    make_dataset: Any, monkeypatch: pytest.MonkeyPatch, cell: str, shape: str
) -> None:
    dataset = make_dataset(shape, time=T, ragged=True, vocabulary=7)
    drops = {"dropout": 0.4, "input_dropout": 0.3, "output_dropout": 0.2}
    network = build_network(sections(cell=cell, embedding=4, **drops), dataset)
    batch, found = first_batch(dataset, forcing=False), []
    for run_again in (True, False):
        if not run_again:  # the same segments, all of it kept
            monkeypatch.setattr(segments, "replayed", lambda run, _, *given: run(*given))
        torch.manual_seed(5)
        found.append((*gradients(Segments(network, 4), batch), torch.get_rng_state()))
    (ours, again, after), (theirs, kept, expected) = found
    assert torch.equal(ours, theirs)
    assert torch.equal(after, expected), "the coins of what comes next"
    assert ours.std() > 0
    for name, value in kept.items():
        # The order in which the steps of a segment are summed may differ, and nothing else.
        torch.testing.assert_close(again[name], value, rtol=1e-5, atol=1e-6)


def test_accumulated_batches_add_up(make_dataset: Any) -> None:
    dataset, found = make_dataset("many_to_one", time=T, ragged=True), []
    task = ManyToOneTask(Regression("mse", None))
    for bptt in ("full", {"full": True, "checkpoint_every": 3}):
        torch.manual_seed(0)
        network = build_network(sections(cell="gru"), dataset)
        config = Training.model_validate({"bptt": bptt, "batch_size": 5, "accumulate": 3})
        pending = next(
            Gradients(config, network, task, CPU).of_epoch(Batches(dataset, "train", 5, 0), 0)
        )
        found.append((float(pending.loss), [p.grad for p in network.parameters()]))
    # float32 keeps 24 bits; a handful of sums in another order cost a few of them
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-6)
    for ours, theirs in zip(found[1][1], found[0][1], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_bfloat16_is_in_force_again(make_dataset: Any, monkeypatch: Any, cell: str) -> None:
    dataset, found = make_dataset("many_to_many", time=T), []
    network = build_network(sections(cell=cell), dataset)
    batch = first_batch(dataset, forcing=False)
    for run_again in (True, False):
        if not run_again:
            monkeypatch.setattr(segments, "replayed", lambda run, _, *given: run(*given))
        network.zero_grad()
        with autocast(CPU, "bfloat16"):
            output = forward(Segments(network, 4), batch)
        assert output.dtype == torch.bfloat16
        torch.autograd.backward(output.float().square().sum())
        found.append([p.grad.clone() for p in network.parameters() if p.grad is not None])
    for ours, theirs in zip(*found, strict=True):
        # bfloat16 keeps 8 bits; computed again in float32, most would differ by more
        torch.testing.assert_close(ours, theirs, rtol=2e-2, atol=1e-2 * float(theirs.abs().max()))


def test_scoring_runs_in_segments_too(make_dataset: Any) -> None:
    for shape, task in (("many_to_one", ManyToOneTask), ("many_to_many", ManyToManyTask)):
        dataset = make_dataset(shape, time=T, ragged=True)
        network = build_network(sections(cell="gru", dropout=0.5), dataset).eval()
        val, scored = Batches(dataset, "val", 5, 0), []
        for judged in (network, Segments(network, 4)):
            found = evaluate(judged, task(Regression("mse", None)), val, CPU)
            scored.append(found.metrics["mse"])
            assert not network.stack.training
        # sums of products in another order, in float32
        assert scored[0] == pytest.approx(scored[1], rel=1e-6)


def peak(config: Any, every: int | None) -> int:
    """Bytes of tensors alive at once above those before, over one update."""
    given = [] if every is None else [f"training.bptt={{full: true, checkpoint_every: {every}}}"]
    experiment = assemble(load_config(config.path, [*config_overrides(config), *given]))
    trainer = experiment.trainer()
    trainer.network.train()
    updates = trainer.gradients.of_epoch(trainer.train, 0)
    live = LiveBytes()
    with live:
        next(updates)
    return live.peak


def config_overrides(entry: Any) -> list[str]:
    few = ["data.train=64", "data.val=16", "data.test=16", "training.batch_size=16"]
    return [*few, "data.length=256", "training.threads=1"]


@pytest.mark.parametrize("name", ["adding_lstm", "adding_irnn", "temporal_order_tanh"])
def test_configs_of_the_gallery_need_a_fraction_of_the_memory(name: str) -> None:
    entry = find(f"long_range/{name}")
    whole, cut = peak(entry, None), peak(entry, 16)
    # 16 steps of 256 with their graph, and 16 states: an eighth, with the batch itself on top
    assert cut < whole / 3, (cut, whole)


def test_memory_grows_with_the_segment_and_with_the_borders(make_dataset: Any) -> None:
    dataset = make_dataset("many_to_one", time=400, examples=8)
    model, task = sections(cell="gru", hidden_sizes=(64,)), ManyToOneTask(Regression("mse", None))
    network, found = build_network(model, dataset), {}
    for every in (2, 20, 200):
        config = Training(bptt=Checkpointed(checkpoint_every=every))
        updates = Gradients(config, network, task, CPU).of_epoch(Batches(dataset, "train", 8, 0), 0)
        live = LiveBytes()
        with live:
            next(updates)
        found[every] = live.peak
    assert found[20] < found[2]
    assert found[20] < found[200] / 3


def test_nothing_heavy_is_loaded_on_the_way_back() -> None:
    """torch's compiler takes 60 MiB and a second, sympy, which gradients may ask for, 30 MiB."""
    code = """
import sys, torch
from rnnexp.training.segments import replayed
w = torch.ones(2, requires_grad=True)
replayed(lambda x: (x * w,), [w], torch.ones(2))[0].sum().backward()
assert w.grad.tolist() == [1, 1]
assert not {"torch._dynamo", "sympy"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
