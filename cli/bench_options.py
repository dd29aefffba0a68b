"""What `bench` is asked for, checked before anything is measured. All raise CommandError."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnnexp.errors import CommandError

if TYPE_CHECKING:
    from rnnexp.benching.shape import Shape

__all__ = ["cells_of", "check_plot", "python_of", "shapes_of", "threads_of"]

FORMATS = (".png", ".svg", ".pdf")


def cells_of(given: str | None) -> tuple[str, ...]:
    """The cells named; all where none is."""
    from rnnexp.benching.shape import CELLS
    from rnnexp.config.nearest import nearest

    named = CELLS if given is None else tuple(dict.fromkeys(given.lower().split(",")))
    for name in named:
        if name not in CELLS:
            raise CommandError(
                "no such cell",
                code="BEN101",
                key="--cells",
                value=name,
                allowed=", ".join(CELLS),
                suggestion=nearest(name, CELLS),
            )
    return named


def threads_of(given: str | None) -> tuple[int, ...]:
    """The numbers of threads; one, and two where there are cores for them."""
    from rnnexp.recording.environment import usable_cores

    cores = usable_cores()
    if given is None:
        return (1, 2) if cores > 1 else (1,)
    counts = [int(part) if part.isdecimal() and len(part) < 6 else 0 for part in given.split(",")]
    if not all(1 <= count <= cores for count in counts):
        raise CommandError(
            "out of range",
            code="BEN102",
            key="--threads",
            value=given,
            allowed=f"numbers from 1 to {cores}, the cores that this process may use",
        )
    return tuple(dict.fromkeys(counts))


def shapes_of(given: Sequence[str] | None, quick: bool) -> tuple[Shape, ...]:
    """The shapes spelt; the grid, or its small ones, where none is."""
    from rnnexp.benching.shape import GRID, SMALL_GRID

    if given:
        return tuple(dict.fromkeys(map(_shape, given)))
    return SMALL_GRID if quick else GRID


def _shape(given: str) -> Shape:
    from rnnexp.benching.shape import LARGEST, Shape

    try:
        return Shape.of(given)
    except ValueError:
        most = ", ".join(f"{name} {size:,}" for name, size in zip("BTIHL", LARGEST, strict=True))
        raise CommandError(
            "not a shape",
            code="BEN103",
            key="--shapes",
            value=given,
            allowed=f"B,T,I,H,L: five whole numbers, from 1 to {most}",
            hint="for example --shapes 32,100,2,64,1",
        ) from None


def python_of(given: Path) -> Path:
    """The program as it is named: a link to it is how it knows its environment."""
    if not (given.is_file() and os.access(given, os.X_OK)):
        raise CommandError(
            "no program is there",
            code="BEN104",
            key="--peers",
            value=str(given),
            hint="for example --peers .venv-peers/bin/python",
        )
    return given.absolute()


def check_plot(plot: Path) -> None:
    """Whether a picture can go there, as far as that is known before."""
    folder, wrong = plot.absolute().parent, ""
    if plot.suffix.lower() not in FORMATS:
        wrong = "not a format for pictures"
    elif plot.is_dir():
        wrong = "is a folder"
    elif not folder.is_dir():
        wrong = f"no such folder: {folder}"
    if wrong:
        allowed = "a file that ends in " + ", ".join(FORMATS)
        raise CommandError(wrong, code="BEN105", key="--plot", value=str(plot), allowed=allowed)
