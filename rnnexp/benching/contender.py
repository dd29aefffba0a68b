"""Who runs against whom, and the surroundings that each of them gets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rnnexp.libraries import SETTINGS

__all__ = ["CONTENDERS", "KEPT", "OURS", "TORCH", "Contender", "cores_for", "environment_for"]

Library = Literal["rnnexp", "torch", "jax", "keras"]


@dataclass(frozen=True)
class Contender:
    """One side of the comparison.

    keeps_memory: freed blocks stay with the process, as `rnnexp train` has it; otherwise the
    allocator is as it comes. peer: it may live in another environment than ours.
    """

    name: str
    library: Library
    keeps_memory: bool = False
    peer: bool = False


OURS = Contender("rnnexp", "rnnexp", keeps_memory=True)
TORCH = Contender("torch", "torch")
KEPT = Contender("kept", "torch", keeps_memory=True)
PEERS = (Contender("jax", "jax", peer=True), Contender("keras", "keras", peer=True))
CONTENDERS = (OURS, TORCH, KEPT, *PEERS)


def environment_for(contender: Contender, threads: int) -> dict[str, str]:
    """The variables of a worker. XLA sizes its pool by the cores that the worker is pinned to."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    flags = "--xla_cpu_multi_thread_eigen=false" if threads == 1 else ""
    cpu_only = {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2"}
    own = SETTINGS if contender == OURS else {}
    as_given = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return as_given | own | limits | cpu_only | {"XLA_FLAGS": flags}


def cores_for(threads: int) -> tuple[int, ...]:
    """The cores that a worker is pinned to, none of them two threads of one; () where none can be.

    All workers get the same, the last ones: they run in turn, and interrupts keep to the first.
    """
    if not hasattr(os, "sched_getaffinity"):
        return ()
    physical: dict[str, int] = {}
    for core in sorted(os.sched_getaffinity(0)):
        physical.setdefault(_siblings(core), core)
    apart = sorted(physical.values())
    return tuple(apart[-threads:]) if len(apart) >= threads else ()


def _siblings(core: int) -> str:
    """What the logical cores of one physical core have in common."""
    listed = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    try:
        return listed.read_text(encoding="ascii")
    except OSError:
        return str(core)
