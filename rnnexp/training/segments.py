"""Full backpropagation through time in little memory: one segment's activations at a time.

Shape letters: T time, B batch, C condition, H hidden, O output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnexp.config.training_settings import Backpropagation, Checkpointed
from rnnexp.layers.direction import Teacher
from rnnexp.layers.encoder_decoder import AnyNetwork
from rnnexp.layers.network import Network
from rnnexp.layers.padding import pool
from rnnexp.layers.stack import StackState
from rnnexp.training.device import autocast_as_now

__all__ = ["Segments", "in_segments", "replayed"]


# Activation checkpointing: what a stretch of computation kept is computed again going back.
#
# Griewank and Walther 2000; Chen, Xu, Zhang, Guestrin 2016. Not `torch.utils.checkpoint`: without
# re-entry it still holds a node of the graph, and Python objects, for every operation of a loop
# over time, which for small layers is as much as the activations; with it, parameters get their
# gradients behind the back of whoever asks for them.

Run = Callable[..., tuple[Tensor, ...]]


def replayed(run: Run, parameters: Sequence[Tensor], *given: Tensor | None) -> tuple[Tensor, ...]:
    """run(*given), of which nothing but `given` is kept until the gradient comes back.

    parameters: whatever else `run` reads that is trained. Coins that `run` tosses (dropout) fall
    the same way again. There is no second derivative.
    """
    results: tuple[Tensor, ...] = _Replayed.apply(run, len(given), *given, *parameters)  # type: ignore[no-untyped-call]
    return results


class _Replayed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, run: Run, count: int, *tensors: Tensor | None) -> tuple[Tensor, ...]:
        device = next(tensor.device for tensor in tensors if tensor is not None)
        ctx.run, ctx.count, ctx.autocast = run, count, autocast_as_now(device)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        coins = _Coins(device)
        results = tuple(map(_alone, run(*tensors[:count])))
        ctx.coins = coins if coins.tossed() else None
        return results

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        saved: tuple[Tensor | None, ...] = ctx.saved_tensors
        given = tuple(map(_leaf, saved[: ctx.count]))
        with torch.enable_grad(), ctx.autocast(), _again(ctx.coins):
            results = ctx.run(*given)
        sources = (*given, *saved[ctx.count :])
        return None, None, *_gradients(results, gradients, sources)


def _gradients(
    results: Sequence[Tensor], gradients: Sequence[Tensor | None], sources: Sequence[Tensor | None]
) -> Iterator[Tensor | None]:
    """The gradient of each source; None where there is none."""
    needs = [source is not None and source.requires_grad for source in sources]
    wanted = [each for each, need in zip(sources, needs, strict=True) if each is not None and need]
    # The slope of sum(r * g) is that of r against g; `grad_outputs` would import sympy for it.
    with torch.enable_grad():
        slopes = [(r * g).sum() for r, g in zip(results, gradients, strict=True) if g is not None]
        total = sum(slopes)
    found: Iterator[Tensor | None] = iter(())
    if isinstance(total, Tensor):
        found = iter(torch.autograd.grad(total, wanted, allow_unused=True))
    for need in needs:
        yield next(found, None) if need else None


def _leaf(tensor: Tensor | None) -> Tensor | None:
    """The same values at the beginning of a graph of their own."""
    return None if tensor is None else tensor.detach().requires_grad_(tensor.requires_grad)


def _alone(result: Tensor) -> Tensor:
    """A view would keep all that it looks into."""
    whole = result.untyped_storage().nbytes()
    return result.clone() if whole > result.nbytes else result


class _Coins:
    """Where torch's random generators stand."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.states = device, _states(device)

    def tossed(self) -> bool:
        """Whether they have moved since."""
        return not all(map(torch.equal, self.states, _states(self.device)))


def _states(device: torch.device) -> tuple[Tensor, ...]:
    cpu = torch.get_rng_state()
    return (cpu, torch.cuda.get_rng_state(device)) if device.type == "cuda" else (cpu,)


@contextmanager
def _again(coins: _Coins | None) -> Iterator[None]:
    """Toss the same coins; the generators stand where they stood afterwards."""
    if coins is None:
        yield
        return
    devices = [coins.device] if coins.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.set_rng_state(coins.states[0])
        for device, state in zip(devices, coins.states[1:], strict=True):
            torch.cuda.set_rng_state(state, device)
        yield


# Full backpropagation through time in little memory: one segment's activations at a time.
#
# |---- every ----|---- every ----|---- every ----|--> time
# ^               ^               ^
# states that are kept, beside the answers; the rest of a segment is computed again when the
# gradient comes to it


def in_segments(network: AnyNetwork, bptt: Backpropagation) -> AnyNetwork:
    """The network as `training.bptt` has it run: in one go, or segment by segment."""
    if not isinstance(bptt, Checkpointed):
        return network
    assert isinstance(network, Network), "was not checked"
    return Segments(network, bptt.checkpoint_every)


class Segments(Network):
    """The modules of a network, which read `every` time steps at a time.

    Outputs are those of the network to rounding, and so are gradients; what is dropped is drawn
    anew for every segment. Pooling keeps what the top layer returns at every step.
    """

    def __init__(self, network: Network, every: int) -> None:
        super().__init__(
            network.encode,
            network.stack,
            network.head,
            network.encode_condition,
            network.bridge,
            network.pooling,
            network.dropouts,
        )
        self.every = every
        self.answers_each_step = network.stack.return_sequences and network.pooling == "last"
        self.trained = [each for each in self.parameters() if each.requires_grad]
        self.train(network.training)

    def forward(
        self,
        inputs: Tensor,
        state: StackState | None = None,
        lengths_B: Tensor | None = None,
        condition: Tensor | None = None,
        teacher: Teacher | None = None,
    ) -> tuple[Tensor, StackState]:
        """As the network's. A batch no longer than a segment is run as the network runs it."""
        if len(inputs) <= self.every:
            return super().forward(inputs, state, lengths_B, condition, teacher)
        state, appended_BC = self.told(state, condition)
        found: list[Tensor] = []
        for start in range(0, len(inputs), self.every):
            stop = start + self.every
            run = partial(self._run, _within(lengths_B, start, stop), _part(teacher, start, stop))
            h, state = self._segment(run, inputs[start:stop], appended_BC, state)
            if self.stack.return_sequences:
                found.append(h)
            else:
                found = [_newer(h, found, lengths_B, start)]
        assert state is not None
        return self._joined(found, lengths_B), state

    def _segment(
        self, run: Run, inputs: Tensor, appended_BC: Tensor | None, state: StackState | None
    ) -> tuple[Tensor, StackState]:
        parts = () if state is None else tuple(part for layer in state for part in layer)
        if torch.is_grad_enabled():
            h, *last = replayed(run, self.trained, inputs, appended_BC, *parts)
        else:
            h, *last = run(inputs, appended_BC, *parts)
        return h, self._by_layer(tuple(last))

    def _run(
        self,
        lengths_B: Tensor | None,
        teacher: Teacher | None,
        inputs: Tensor,
        appended_BC: Tensor | None,
        *parts: Tensor,
    ) -> tuple[Tensor, ...]:
        """What a segment is asked for, and the parts of its last state."""
        state = self._by_layer(parts) if parts else None
        h, last = self.read(inputs, state, lengths_B, appended_BC, teacher)
        asked = self.answer(h) if self.answers_each_step else h
        return asked, *(part for layer in last for part in layer)

    def _by_layer(self, parts: tuple[Tensor, ...]) -> StackState:
        count = len(parts) // len(self.stack.layers)
        return tuple(parts[i : i + count] for i in range(0, len(parts), count))

    def _joined(self, found: list[Tensor], lengths_B: Tensor | None) -> Tensor:
        """Answers (T, B, O), or the one answer (B, O)."""
        if self.answers_each_step:
            return torch.cat(found)
        h = found[0] if self.pooling == "last" else pool(torch.cat(found), lengths_B, self.pooling)
        return self.answer(h)


def _within(lengths_B: Tensor | None, start: int, stop: int) -> Tensor | None:
    """How many steps of a segment each sequence has, one where it has none."""
    return None if lengths_B is None else (lengths_B - start).clamp(1, stop - start)


def _part(teacher: Teacher | None, start: int, stop: int) -> Teacher | None:
    return None if teacher is None else (teacher[0][start:stop], teacher[1][start:stop])


def _newer(h_BH: Tensor, found: list[Tensor], lengths_B: Tensor | None, start: int) -> Tensor:
    """The state after each sequence's last step so far."""
    if lengths_B is None or not found:
        return h_BH
    return torch.where((lengths_B > start).unsqueeze(1), h_BH, found[0])
