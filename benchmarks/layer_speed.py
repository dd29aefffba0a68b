"""Training steps of rnnexp's layers against torch, JAX and Keras over the whole grid of shapes.

    make bench-peers
    python -m benchmarks.layer_speed [--peers PYTHON] [--rounds 9] [--markdown | --json]

It is `rnnexp bench` with the peers in the versions of benchmarks/peers.txt, which live in an
environment of their own, .venv-peers. `--markdown` prints the tables of docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rnnexp.benching.measure import Plan, Silent, measure
from rnnexp.benching.results import Row
from rnnexp.benching.shape import SMALL_GRID
from rnnexp.recording.environment import cpu_model, usable_cores

PEERS = Path(".venv-peers/bin/python")


class Told(Silent):
    """Says on stderr what is measured."""

    def measured(self, row: Row) -> None:
        ratios = " ".join(f"{name} {ratio:.2f}x" for name, ratio in row.ratios.items())
        print(
            f"{row.shape} {row.cell} threads {row.threads}: {ratios}", file=sys.stderr, flush=True
        )


def markdown(found: Mapping[str, Any]) -> Iterator[str]:
    """The tables of the page: every row, then the means over the shapes, then where it was."""
    names = list(dict.fromkeys(mean["contender"] for mean in found["means"]))
    yield from _heading("B,T,I,H,L", "cell", "threads", "rnnexp ms", "torch ms", *names,
                        "GFLOP/s", "of best product", "path")  # fmt: skip
    for row in found["rows"]:
        ms = [f"{row['ms'][name]:.2f}" for name in ("rnnexp", "torch")]
        ratios = [_ratio(row["ratios"].get(name)) for name in names]
        yield _line(row["shape"], row["cell"], row["threads"], *ms, *ratios,
                    f"{row['gflops']:.0f}", f"{row['share_of_best_product']:.0%}",
                    row["path"]["name"])  # fmt: skip
    yield ""
    yield from _heading("cell", "threads", *(f"{name}, mean (least)" for name in names))
    means = {(m["threads"], m["cell"], m["contender"]): m for m in found["means"]}
    for threads, cell in dict.fromkeys((m["threads"], m["cell"]) for m in found["means"]):
        own = [means.get((threads, cell, name)) for name in names]
        told = [f"{_ratio(m['ratio'])} ({_ratio(m['least'])})" if m else "" for m in own]
        yield _line(cell, threads, *told)
    yield ""
    yield _place(found)


def _heading(*names: object) -> Iterator[str]:
    yield _line(*names)
    yield _line(*("---" for _ in names))


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}x"


def _place(found: Mapping[str, Any]) -> str:
    best = "; ".join(
        f"{product['gflops']:.0f} GFLOP/s with {threads} ({product['by']})"
        for threads, product in found["best_product"].items()
    )
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    machine = found["machine"]
    absent = "".join(f" {name} absent: {why}." for name, why in found["absent"].items())
    return (
        f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, load before"
        f" {machine['load']:.1f}; {versions}; {found['rounds']} rounds. Best product of matrices by"
        f" threads: {best}.{absent}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=Path, default=PEERS if PEERS.exists() else None)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--quick", action="store_true", help="the small shapes alone")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    peers = None if options.peers is None else options.peers.absolute()
    threads = (1, 2) if usable_cores() > 1 else (1,)
    plan = Plan(threads=threads, rounds=options.rounds, peers=peers)
    if options.quick:
        plan = replace(plan, shapes=SMALL_GRID, seconds=0.05)
    machine = {"cpu": cpu_model(), "cores": usable_cores(), "load": os.getloadavg()[0],
               "date": time.strftime("%Y-%m-%d")}  # fmt: skip
    found = measure(plan, Told()).to_json() | {"rounds": plan.rounds, "machine": machine}
    if options.json:
        print(json.dumps(found))
    elif options.markdown or not options.json:
        print("\n".join(markdown(found)))


if __name__ == "__main__":
    main()
