"""What is about to be trained, for people: facts, and the shape of each layer with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from .table import Column, fact_lines, table
from .text import number, safe

__all__ = ["plan_text", "shape_table"]


def plan_text(run: Path, total: int | None, description: Mapping[str, Any], stream: IO[str]) -> str:
    """Data, size, device, kernel path, then the table of layers."""
    data = description.get("data", {})
    steps = f", {total:,} steps" if total else ""
    facts = {
        "run": safe(run.name),
        "data": ", ".join(f"{safe(str(name))} {number(value)}" for name, value in data.items()),
        "model": f"{number(description.get('parameters'))} parameters{steps}",
        "device": f"{safe(str(description.get('device')))}, "
        f"{_count(description.get('threads'), 'thread')}",
        "kernel": safe(str(description.get("path", ""))),
    }
    shape = description.get("shape", ())
    return fact_lines(facts, stream) + ("\n\n" + shape_table(shape, stream) if shape else "")


def _count(amount: Any, noun: str) -> str:
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"


def shape_table(shape: Sequence[Mapping[str, Any]], stream: IO[str]) -> str:
    """A row a layer: what it reads and returns, whether it returns its sequence, and why."""
    answers: dict[Any, str] = {True: "yes", False: "no"}
    columns = [
        Column("layer"),
        Column("reads"),
        Column("returns"),
        Column("sequence", goes=1),
        Column("because", goes=2, wraps=True),
    ]
    rows = [
        [
            safe(str(layer.get("layer", ""))),
            safe(str(layer.get("in", ""))),
            safe(str(layer.get("out", ""))),
            answers.get(layer.get("return_sequences"), ""),
            safe(str(layer.get("why", ""))),
        ]
        for layer in shape
    ]
    return table(columns, rows, stream)
