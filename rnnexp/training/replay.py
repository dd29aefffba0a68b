"""Activation checkpointing: what a stretch of computation kept is computed again going back.

Griewank and Walther 2000; Chen, Xu, Zhang, Guestrin 2016. Not `torch.utils.checkpoint`: without
re-entry it still holds a node of the graph, and Python objects, for every operation of a loop over
time, which for small layers is as much as the activations; with it, parameters get their gradients
behind the back of whoever asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rnnexp.training.device import autocast_as_now

__all__ = ["Run", "replayed"]

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
