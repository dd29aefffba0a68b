"""The process that times one library: `python -m rnnexp.benching.step_worker ...`.

It is asked for bursts of training steps of a cell and a shape (`burst`) or for this machine's
best
matrix product (`product`). Nothing is imported before it is pinned to its cores.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator

from rnnexp.benching.measure import Record, claim_stdout, serve
from rnnexp.benching.shape import Shape

__all__ = []

WARM_UP, RETURN = 3, 1
"""steps that do not count: the first of a shape, and of every later burst of it"""
LEAST, MOST = 3, 1000
"""steps of a burst"""


Made = tuple[Callable[[], float], tuple[str, str] | None]
"""a training step that returns its loss, and which path runs our layer and why"""
Make = Callable[[str, Shape], Made]


class Bursts:
    """Makes the training step of what is asked for, and keeps it until something else is."""

    def __init__(self, library: str) -> None:
        self.make = _factory(library)
        self.asked: tuple[str, Shape] | None = None
        self.step: Callable[[], float] = float
        self.path: tuple[str, str] | None = None

    def run(self, cell: str, shape: Shape, seconds: float) -> Record:
        """Seconds of each step of a burst that lasts about so long, and the path that ran it."""
        idle = RETURN
        if self.asked != (cell, shape):
            self.step = float  # the old one's memory goes first
            self.step, self.path = self.make(cell, shape)
            self.asked, idle = (cell, shape), WARM_UP
        for _ in range(idle):
            self.step()
        return {"seconds": list(self._timed(seconds)), "path": self.path}

    def _timed(self, seconds: float) -> Iterator[float]:
        began = time.perf_counter()
        for number in range(1, MOST + 1):
            before = time.perf_counter()
            self.step()
            now = time.perf_counter()
            yield now - before
            if number >= LEAST and now - began >= seconds:
                return


def _factory(library: str) -> Make:
    """Raises ImportError where the library, or what its step needs, is not installed."""
    if library == "jax":
        from rnnexp.benching.jax_step import make_step as make_jax

        return lambda cell, shape: (make_jax(cell, shape), None)
    if library == "keras":
        from rnnexp.benching.keras_step import make_step as make_keras

        return lambda cell, shape: (make_keras(cell, shape), None)
    from rnnexp.benching.torch_step import make_step

    return lambda cell, shape: make_step(cell, shape, ours=library == "rnnexp")


def _product(seconds: float) -> Record:
    from rnnexp.benching.torch_step import best_product

    return best_product(seconds)


def main(library: str, keeps: str, threads: str, cores: str) -> None:
    """Pin, import, say so, and answer."""
    say = claim_stdout()
    if cores:
        os.sched_setaffinity(0, map(int, cores.split(",")))
    try:
        bursts = Bursts(library)
    except ImportError as error:
        say({"missing": str(error)})
        return
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(int(threads))
    if keeps == "keeps":
        from rnnexp.training.device import keep_freed_memory

        keep_freed_memory()

    def answer(asked: Record) -> Record:
        if asked["do"] == "product":
            return _product(asked["seconds"])
        return bursts.run(asked["cell"], Shape.of(asked["shape"]), asked["seconds"])

    say({"ready": _versions()})
    serve(say, answer)


def _versions() -> dict[str, str]:
    """Of what has been imported; Keras says on what it stands."""
    loaded = [name for name in ("torch", "jax", "optax", "keras") if name in sys.modules]
    found: dict[str, str] = {name: str(sys.modules[name].__version__) for name in loaded}
    if "keras" in found:
        found["keras"] += f" on {sys.modules['keras'].backend.backend()}"
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
