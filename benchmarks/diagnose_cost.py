"""What the Jacobian curve of `diagnose` costs, in backward passes of torch.

    python -m benchmarks.diagnose_cost

Both norms at every lag (for the LSTM those of h alone, too), T = 200 and H = 64, a batch of 8 at
their initial weights, per sequence; against torch's own backward pass of one such sequence, loss at
its end, in the same precision, float64, on one thread. Medians of 9. Held to: at most 3. Where
hardly a direction of the gradient decays, fewer norms are proven by iteration, and it costs more.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from rnnexp.config.model_settings import Model
from rnnexp.data.dataset import Dataset, Sequences, Values
from rnnexp.gradients.jacobian_curve import jacobian_norms
from rnnexp.gradients.transcribe import transcribe
from rnnexp.layers.assembly import build_network
from rnnexp.layers.network import Network

T, B, H, FEATURES = 200, 8, 64, 8
REPEATS = 9
SCALED = {"recurrent": "spectral_radius"}
MODELS: dict[str, dict[str, Any]] = {
    "rnn orthogonal": {"cell": "rnn"},
    "rnn radius 0.9": {"cell": "rnn", "init": SCALED | {"spectral_radius": 0.9}},
    "rnn radius 1.3": {"cell": "rnn", "init": SCALED | {"spectral_radius": 1.3}},
    "relu identity": {"cell": "rnn", "activation": "relu", "init": {"recurrent": "identity"}},
    "gru": {"cell": "gru"},
    "lstm": {"cell": "lstm"},
    "lstm forget bias 5": {"cell": "lstm", "forget_bias": 5.0},
}  # fmt: skip


def median(run: Callable[[], object]) -> float:
    """Milliseconds."""
    seconds = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds)


def backward(network: Network) -> float:
    """torch's backward pass of one sequence, forward aside."""
    stack: Any = network.stack
    layer = stack.layers[0].forward_reader.rnn
    x_T1I, seconds = torch.randn(T, 1, FEATURES, dtype=torch.float64), []
    for _ in range(REPEATS):
        h_T1H, _ = layer(x_T1I)
        loss = h_T1H[-1].sum()
        began = time.perf_counter()
        loss.backward()
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds)


def main() -> None:
    torch.set_num_threads(1)
    print(f"T={T} H={H}, ms per sequence: curve, one backward pass, ratio")
    for name, settings in MODELS.items():
        values = np.random.default_rng(0).standard_normal((B, T, FEATURES)).astype(np.float32)
        split, read = Sequences(values, values), Values(FEATURES)
        dataset = Dataset("noise", "many_to_many", split, split, split, read, read)
        torch.manual_seed(0)
        network = build_network(Model(hidden_sizes=(H,), **settings), dataset).double()
        written = transcribe(network, np.float64)
        (seen,) = written.forward(values.swapaxes(0, 1)).values[0]
        reader = written.layers[0].readers[0]
        ours = median(lambda reader=reader, seen=seen: jacobian_norms(reader, seen)) / B  # type: ignore[misc]
        theirs = backward(network)
        print(f"{name:<20}{ours:8.1f}{theirs:8.1f}{ours / theirs:8.2f}")


if __name__ == "__main__":
    main()
