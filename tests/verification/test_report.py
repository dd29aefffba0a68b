"""Every cell, stacked, in both directions, padded or not, is what its equations say."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from rnnexp.config.model_settings import Model
from rnnexp.data.batches import Batches
from rnnexp.gradients.comparison import Report, verify
from rnnexp.gradients.probe import Probe, behind_words
from rnnexp.layers import direction as layer_module
from rnnexp.layers.assembly import build_network
from rnnexp.layers.cells import lstm_step
from rnnexp.layers.direction import HiddenDirection
from rnnexp.manual import unroll as manual_unroll
from rnnexp.tasks.many_to_many import ManyToManyTask
from rnnexp.tasks.objective import Classification
from tests.kernels.problem import path_here

CELLS: dict[str, dict[str, Any]] = {
    "tanh": {"cell": "rnn"},
    "relu": {"cell": "rnn", "activation": "relu"},
    "lstm": {"cell": "lstm"},
    "gru": {"cell": "gru"},
    "output_to_hidden": {"cell": "rnn", "recurrence": "output_to_hidden"},
    "output_to_output": {"cell": "rnn", "recurrence": "output_to_output"},
}
STACKS = {1: (5,), 3: (5, 4, 6)}


def everything() -> list[Any]:
    return [
        pytest.param(cell, layers, both, ragged, id=f"{cell}-{layers}-{both}-{ragged}")
        for cell, layers, both, ragged in product(CELLS, STACKS, ("one", "two"), ("full", "masked"))
        if not (cell.startswith("output") and both == "two")
    ]


def assert_equal(report: Report) -> None:
    assert report.passed, report.failed
    for comparison in report.comparisons:
        limit = 1e-10 if comparison.precision == "float64" else 1e-5
        for row in comparison.rows:
            assert row.relative <= limit, (comparison.path, comparison.precision, row)
    for difference in report.differences:
        assert difference.relative <= 1e-6
        assert difference.tried > difference.unresolved


@pytest.mark.parametrize(("cell", "layers", "both", "ragged"), everything())
def test_every_cell(
    make_parts: Callable[..., Any], cell: str, layers: int, both: str, ragged: str
) -> None:
    model = CELLS[cell] | {"hidden_sizes": STACKS[layers], "bidirectional": both == "two"}
    for shape in ("many_to_one", "many_to_many"):
        sizes = {"classes": 3, "vocabulary": 5} if shape == "many_to_many" else {}
        parts = make_parts(shape, model, time=9, ragged=ragged == "masked", **sizes)
        report = verify(*parts)
        assert_equal(report)
        standard = not cell.startswith("output")
        paths = list(dict.fromkeys((path_here(cell), "torch", "equations")))
        assert [path.name for path in report.paths] == (paths if standard else ["equations"])


@pytest.mark.parametrize(
    "model",
    [
        {"cell": "rnn", "layer_norm": True, "initial_state": "learned"},
        {"cell": "lstm", "layer_norm": True, "initial_state": "learned", "bidirectional": True},
        {"cell": "gru", "layer_norm": True, "dropout": 0.5, "recurrent_dropout": 0.3},
        {"cell": "lstm", "bidirectional": True, "merge": "sum", "embedding": 3},
        {"cell": "gru", "bidirectional": True, "merge": "mean"},
        {"cell": "lstm", "embedding": 4, "tied_embedding": True},
    ],
)
def test_every_knob(make_parts: Callable[..., Any], model: dict[str, Any]) -> None:
    sizes = {"classes": 5, "vocabulary": 5, "ragged": True}
    parts = make_parts("many_to_many", {"hidden_sizes": (5, 4)} | model, **sizes)
    assert_equal(verify(*parts))


@pytest.mark.parametrize("conditioning", ["initial_state", "every_step"])
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_one_to_many(make_parts: Callable[..., Any], cell: str, conditioning: str) -> None:
    model = {"cell": cell, "hidden_sizes": (5, 4)}
    for sizes in ({}, {"classes": 4, "vocabulary": 3, "ragged": True}):
        parts = make_parts("one_to_many", model, conditioning, **sizes)
        assert_equal(verify(*parts))


@pytest.mark.parametrize("recurrence", ["output_to_hidden", "output_to_output"])
@pytest.mark.parametrize("sizes", [{}, {"classes": 4, "vocabulary": 3}])
def test_teacher_forcing(
    make_parts: Callable[..., Any], recurrence: str, sizes: dict[str, int]
) -> None:
    from rnnexp.data.dataset import Tokens, Values

    model = {"cell": "rnn", "hidden_sizes": (5, 4), "recurrence": recurrence}
    network, task, probe = make_parts("many_to_many", model, **sizes)
    taught = probe.taught(Tokens(4) if sizes else Values(2))
    assert taught.batch.forced is not None and 0 < float(taught.batch.forced.sum()) < 24
    assert_equal(verify(network, task, taught))


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_every_loss(make_parts: Callable[..., Any], loss: str) -> None:
    assert_equal(verify(*make_parts("many_to_one", {"hidden_sizes": (4,)}, loss=loss)))


def test_class_weights(make_parts: Callable[..., Any]) -> None:
    network, task, probe = make_parts("many_to_one", {"hidden_sizes": (4,)}, classes=3)
    task.objective = Classification(torch.tensor([0.5, 1.0, 3.0]))
    assert_equal(verify(network, task, probe))


@pytest.mark.parametrize("weights", [None, torch.tensor([0.5, 1.0, 3.0])])
def test_label_smoothing(make_parts: Callable[..., Any], weights: Tensor | None) -> None:
    network, task, probe = make_parts("many_to_one", {"hidden_sizes": (4,)}, classes=3)
    task.objective = Classification(weights, label_smoothing=0.2)
    assert_equal(verify(network, task, probe))


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("cell", ["tanh", "relu", "lstm", "gru"])
def test_pools(make_parts: Callable[..., Any], cell: str, pooling: str) -> None:
    for more in ({}, {"bidirectional": True, "merge": "concat"}):
        model = CELLS[cell] | {"hidden_sizes": (5, 4), "pooling": pooling} | more
        assert_equal(verify(*make_parts("many_to_one", model, time=9, ragged=True, classes=3)))


def test_a_pool_by_hand_that_counts_wrong_is_found(
    make_parts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rnnexp.manual import hand_network as manual_network

    monkeypatch.setattr(manual_network, "pooled_gradient", lambda y, d, _: y * 0 + d)
    parts = make_parts("many_to_one", {"hidden_sizes": (4,), "pooling": "mean"})
    assert "layer 1 W_hh" in verify(*parts).failed


def test_a_frozen_embedding_is_left_out(make_parts: Callable[..., Any]) -> None:
    model = {"hidden_sizes": (4,), "embedding": 3, "pretrained": {"path": "v", "frozen": True}}
    report = verify(*make_parts("many_to_many", model, classes=3, vocabulary=5))
    assert_equal(report)
    assert "embedding" not in {row.tensor for row in report.comparisons[0].rows}


@pytest.mark.parametrize("knob", ["input_dropout", "output_dropout"])
def test_dropouts_are_left_out(make_parts: Callable[..., Any], knob: str) -> None:
    assert_equal(verify(*make_parts("many_to_one", {"hidden_sizes": (4,), knob: 0.5})))


def test_words_are_taken_as_they_were_read(make_words: Any) -> None:
    """Behind the word encoder everything is compared; in front of it nothing, and that is said."""
    model = {"hidden_sizes": (5,), "embedding": 3, "characters": {}, "word_dropout": 0.5}
    dataset = make_words()
    network = build_network(Model.model_validate(model), dataset)
    probe = Probe.of(Batches(dataset, "val", 4, seed=0), 4)
    behind, numbers, left_out = behind_words(network, probe)
    assert set(left_out) == {n for n, _ in network.named_parameters() if n.startswith("encode.")}
    assert_equal(verify(behind, ManyToManyTask(Classification()), numbers))
    expected = network.eval()(probe.batch.inputs, None, probe.batch.lengths)[0]
    output = behind(numbers.batch.inputs, None, numbers.batch.lengths)[0]
    torch.testing.assert_close(output, expected)


def test_the_network_is_left_alone(make_parts: Callable[..., Any]) -> None:
    network, task, probe = make_parts("many_to_one", {"hidden_sizes": (4, 3), "dropout": 0.5})
    before = {name: value.clone() for name, value in network.state_dict().items()}
    verify(network, task, probe)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert network.stack.dropout.p == 0.5


@pytest.mark.parametrize(("activation", "scale"), [("tanh", 6.0), ("relu", 30.0)])
def test_chaos_and_overflow_are_told_from_a_difference(
    make_parts: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    activation: str,
    scale: float,
) -> None:
    """Where rounding grows without bound, fewer steps are compared, and errors in them found."""
    model = {"cell": "rnn", "activation": activation, "hidden_sizes": (20,)}
    network, task, probe = make_parts("many_to_many", model, time=120)
    with torch.no_grad():
        network.stack.layers[0].forward_reader.rnn.weight_hh_l0.mul_(scale)
    report = verify(network, task, probe, entries=0)
    assert report.passed, report.failed
    assert report.cut and 1 < report.time_steps < 120
    transpose(monkeypatch)
    assert "layer 1 h" in verify(network, task, probe, entries=0).failed


# -- sabotage: each must be found and named ---------------------------------------------------


def swap_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Input gate and forget gate change places."""
    right = lstm_step

    def wrong(zx: Tensor, state: Any, recur: Any, norm_c: Any) -> Any:
        def swapped(z: Tensor) -> Tensor:
            i, f, g, o = z.chunk(4, -1)
            return torch.cat([f, i, g, o], -1)

        return right(swapped(zx), state, lambda h: swapped(recur(h)), norm_c)

    monkeypatch.setattr(layer_module, "lstm_step", wrong)


def change_weights(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[tuple[Tensor, ...]], tuple[Tensor, ...]]
) -> None:
    right: Any = vars(HiddenDirection)["weights"].fget
    monkeypatch.setattr(HiddenDirection, "weights", property(lambda d: change(right(d))))


def drop_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    change_weights(monkeypatch, lambda w: (w[0], w[1], w[2], torch.zeros_like(w[3])))


def transpose(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(w: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        H = w[1].shape[1]
        return w[0], torch.cat([block.t() for block in w[1].chunk(len(w[1]) // H)]), w[2], w[3]

    change_weights(monkeypatch, turned)


def cut_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer's gradient does not pass the third step."""
    right, seen = lstm_step, {"step": 0}

    def wrong(zx: Tensor, state: Any, recur: Any, norm_c: Any) -> Any:
        seen["step"] = 1 if not state[0].any() else seen["step"] + 1
        if seen["step"] == 3:
            state = tuple(s.detach() for s in state)
        return right(zx, state, recur, norm_c)

    monkeypatch.setattr(layer_module, "lstm_step", wrong)


def forget_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """The double sum by hand leaves out t - k = 2."""
    right = manual_unroll.by_lag
    monkeypatch.setattr(
        manual_unroll, "by_lag", lambda *a: (term for term in right(*a) if term.lag != 2)
    )


@pytest.mark.parametrize(
    ("sabotage", "tensor", "step"),
    [
        (swap_gates, "layer 1 W_xh", 1),
        (drop_bias, "layer 1 b_hh", 1),
        (transpose, "layer 1 W_hh", 2),
        (cut_gradient, "layer 1 W_hh", 3),
        (forget_lag, "layer 1 W_hh", 4),
    ],
)
def test_sabotage_is_found_and_named(
    make_parts: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    sabotage: Callable[[pytest.MonkeyPatch], None],
    tensor: str,
    step: int,
) -> None:
    model = {"cell": "lstm", "hidden_sizes": (4, 3)}
    network, task, probe = make_parts("many_to_many", model, time=7)
    assert verify(network, task, probe).passed
    sabotage(monkeypatch)
    report = verify(network, task, probe, entries=0)
    assert not report.passed
    assert tensor in report.failed
    rows = [row for c in report.comparisons for row in c.failed if row.tensor == tensor]
    assert {row.step for row in rows} == {step}


def test_finite_differences_find_a_wrong_gradient_by_hand(
    make_parts: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = make_parts("many_to_one", {"cell": "gru", "hidden_sizes": (4,)}, time=7)
    forget_lag(monkeypatch)
    off = [each.tensor for each in verify(*parts).differences if not each.passed]
    assert "layer 1 W_hh" in off
