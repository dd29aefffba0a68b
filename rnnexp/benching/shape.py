"""What is measured: cells, shapes, and the arithmetic of one training step.

Shape letters: B batch, T time, I input, H hidden, L layers, G gates. Standard library alone: the
workers of peers read this with a Python that need not have our packages.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

__all__ = ["CELLS", "GATES", "GRID", "LARGEST", "SMALL_GRID", "Shape", "flops_of_step"]

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
CELLS = tuple(GATES)
LARGEST = (65_536, 1_000_000, 65_536, 16_384, 64)
"""of B, T, I, H and L"""


@dataclass(frozen=True)
class Shape:
    """The sizes of a stack of equal layers and of what it reads."""

    B: int
    T: int
    I: int  # noqa: E741
    H: int
    L: int

    @classmethod
    def of(cls, text: str) -> Shape:
        """From `32,100,2,64,1`. Raises ValueError for anything but five numbers in range."""
        sizes = [int(part) for part in text.split(",")]
        if not all(1 <= size <= most for size, most in zip(sizes, LARGEST, strict=True)):
            raise ValueError(f"out of range: {text}")
        return cls(*sizes)

    def __str__(self) -> str:
        return ",".join(map(str, astuple(self)))


GRID = (
    Shape(32, 100, 2, 64, 1),
    Shape(32, 100, 2, 64, 2),
    Shape(64, 50, 128, 256, 2),
    Shape(20, 35, 200, 200, 2),
    Shape(16, 784, 1, 128, 1),
)
SMALL_GRID = (GRID[0], GRID[3])


def flops_of_step(cell: str, shape: Shape) -> int:
    """Floating point operations of the matrix products of one training step, head aside.

    A layer multiplies by W_ih and W_hh once forward and twice backward: for the gradient of the
    weight and for that of what was multiplied. The first layer's input needs none.
    """
    total = 0
    for layer in range(shape.L):
        read, passes = (shape.H, 3) if layer else (shape.I, 2)
        total += passes * read + 3 * shape.H
    return 2 * shape.B * shape.T * GATES[cell] * shape.H * total
