"""One layer of a stack that feeds its output back: output-to-hidden or output-to-output.

Shape letters: T time, B batch, I input, O output. Everything is time-major.
"""

from __future__ import annotations

from torch import Tensor

from rnnexp.kernels import available
from rnnexp.layers.cells import CellState
from rnnexp.layers.direction import Direction, Teacher
from rnnexp.layers.output_recurrent import (
    OUTPUT_FUNCTIONS,
    OutputRecurrence,
    OutputToHiddenRNN,
    OutputToOutputRNN,
)

__all__ = ["OutputDirection"]

LAYERS: dict[str, type[OutputRecurrence]] = {
    "output_to_hidden": OutputToHiddenRNN,
    "output_to_output": OutputToOutputRNN,
}


class OutputDirection(Direction):
    """Reads x_TBI and returns o_TBO, or with `logits` z_TBO; the state is the last o_BO.

    The weights are those of the layer inside (`rnn.weight_ih_l0`, ...). A top layer is the
    network's output itself: it returns z_t, which the loss reads, and feeds f(z_t) back.
    """

    def __init__(  # noqa: PLR0917
        self,
        recurrence: str,
        input_size: int,
        hidden_size: int,
        output_size: int,
        activation: str = "tanh",
        output_activation: str = "tanh",
        logits: bool = False,
    ) -> None:
        super().__init__()
        self.cell, self.recurrence, self.activation = "rnn", recurrence, activation
        self.hidden_size, self.output_size, self.logits = hidden_size, output_size, logits
        self.recurrent_dropout = 0.0
        self.rnn = LAYERS[recurrence](
            input_size,
            hidden_size,
            output_size,
            nonlinearity=activation,
            output_nonlinearity=output_activation,
        )
        self.available_paths = available(
            self.cell, layer_norm=False, recurrent_dropout=0.0, recurrence=recurrence
        )
        self.path = self.available_paths[0]

    def forward(
        self,
        x_TBI: Tensor,
        state: CellState | None = None,
        teacher: Teacher | None = None,
        lengths_B: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        """Outputs (T, B, O) and the state (o_BO,) after the last step; o_0 is 0."""
        assert lengths_B is None, "an encoder feeds its hidden state back"
        zeros_BO = x_TBI.new_zeros(x_TBI.shape[1], self.output_size)
        start_BO = zeros_BO if state is None else state[0]
        z_TBO, last_BO = self.rnn.scan(x_TBI, start_BO, teacher=teacher)
        f = OUTPUT_FUNCTIONS[self.rnn.output_nonlinearity]
        return z_TBO if self.logits else f(z_TBO), (last_BO,)
