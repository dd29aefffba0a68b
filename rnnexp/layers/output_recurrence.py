"""One layer of a stack that feeds its output back: output-to-hidden or output-to-output.

Shape letters: T time, B batch, I input, O output. Everything is time-major.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from rnnexp.kernels import available
from rnnexp.layers.cells import CellState, output_to_hidden_step, output_to_output_step
from rnnexp.layers.direction import Direction, Teacher
from rnnexp.layers.padding import reverse, take_last

__all__ = ["OutputDirection", "OutputRecurrence", "OutputToHiddenRNN", "OutputToOutputRNN"]


# `rnnexp.OutputToHiddenRNN` and `rnnexp.OutputToOutputRNN`: layers that feed their output back.
#
# The interface is that of `torch.nn.RNN` with one more size, the output's. Shape letters: T time,
# B batch, I input, H hidden, O output, D directions, L layers.
#
# output_to_hidden:  h_t = act(W_xh x_t + b_xh + W_oh o_{t-1} + b_oh),  o_t = f(W_ho h_t + b_o)
# output_to_output:  h_t = act(W_xh x_t + b_xh),  o_t = f(W_ho h_t + b_o + W_oo o_{t-1})
#
# o_0 is 0. Source: Jordan 1986; Goodfellow, Bengio, Courville 2016, section 10.2.

Function = Callable[[Tensor], Tensor]

HIDDEN_FUNCTIONS: dict[str, Function] = {"tanh": torch.tanh, "relu": torch.relu}
OUTPUT_FUNCTIONS: dict[str, Function] = HIDDEN_FUNCTIONS | {
    "identity": lambda z: z,
    "softmax": lambda z: z.softmax(-1),
}


class OutputRecurrence(nn.Module, ABC):
    """What both layers have in common: everything but the equations.

    nonlinearity: act, tanh or relu. output_nonlinearity: f, tanh, relu, identity or softmax.
    Parameters carry torch's names and suffixes (`weight_ih_l0`, `bias_ih_l1_reverse`) and its
    uniform(-1/sqrt(H), 1/sqrt(H)) start.

    Raises:
        ValueError, TypeError: as torch.nn.RNN does for sizes, dropout and nonlinearities.
    """

    def __init__(  # noqa: PLR0917
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        output_nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        _check(hidden_size, output_size, num_layers, dropout, nonlinearity, output_nonlinearity)
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.nonlinearity, self.output_nonlinearity = nonlinearity, output_nonlinearity
        self.dropout, self.bidirectional = float(dropout), bidirectional
        width = output_size * (2 if bidirectional else 1)
        for layer in range(num_layers):
            size = input_size if layer == 0 else width
            for suffix in self._suffixes(layer):
                for name, shape in self._shapes(size).items():
                    empty = torch.empty(shape, device=device, dtype=dtype)
                    self.register_parameter(f"{name}_{suffix}", nn.Parameter(empty))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw every parameter from uniform(-1/sqrt(H), 1/sqrt(H))."""
        bound = self.hidden_size**-0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(
        self, input: Tensor | PackedSequence, hx: Tensor | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Outputs (T, B, D*O) and the last o of every layer and direction (L*D, B, O).

        input (T, B, I), (B, T, I) with batch_first, unbatched (T, I), or packed; hx, o_0, is
        (L*D, B, O), unbatched (L*D, O), zeros where it is left out.

        Raises:
            ValueError, RuntimeError: as torch.nn.RNN does for shapes.
        """
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        if input.dim() not in (2, 3):
            name = type(self).__name__
            raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}D instead")
        if input.dim() == 2:
            start = None if hx is None else hx.unsqueeze(1)
            output, last = self._layers(input.unsqueeze(1), start, None)
            return output.squeeze(1), last.squeeze(1)
        time_major = input.transpose(0, 1) if self.batch_first else input
        output, last = self._layers(time_major, hx, None)
        return output.transpose(0, 1) if self.batch_first else output, last

    def scan(
        self,
        x_TBI: Tensor,
        o_BO: Tensor,
        suffix: str = "l0",
        teacher: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """z_TBO, the outputs before f, and the last o_BO, of one direction of one layer.

        teacher: the true previous outputs (T, B, O), and 1 where they are read in place of the
        layer's own (T, B, 1); no gradient flows back through an output that was replaced.
        """
        f, outputs = OUTPUT_FUNCTIONS[self.output_nonlinearity], []
        for t, step in enumerate(self._steps(x_TBI, suffix)):
            if teacher is not None:
                truth_TBO, forced_TB1 = teacher
                o_BO = torch.where(forced_TB1[t] > 0, truth_TBO[t].to(o_BO.dtype), o_BO)
            z_BO = step(o_BO)
            outputs.append(z_BO)
            o_BO = f(z_BO)
        return torch.stack(outputs), o_BO

    @abstractmethod
    def _steps(self, x_TBI: Tensor, suffix: str) -> Iterator[Function]:
        """For each time step the function from o_{t-1} to z_t; what does not recur is done."""

    @abstractmethod
    def _shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        """Name -> shape of the parameters of one direction, biases left out with bias=False."""

    def _get(self, suffix: str, *names: str) -> list[Tensor | None]:
        found: list[Tensor | None] = [getattr(self, f"{name}_{suffix}", None) for name in names]
        return found

    def _suffixes(self, layer: int) -> list[str]:
        return [f"l{layer}", f"l{layer}_reverse"][: 2 if self.bidirectional else 1]

    def _layers(
        self, x_TBI: Tensor, hx: Tensor | None, lengths_B: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        self._check_input(x_TBI, hx)
        f, last = OUTPUT_FUNCTIONS[self.output_nonlinearity], []
        directions = 2 if self.bidirectional else 1
        if hx is None:
            hx = x_TBI.new_zeros(self.num_layers * directions, x_TBI.shape[1], self.output_size)
        for layer in range(self.num_layers):
            if layer and self.dropout:
                x_TBI = F.dropout(x_TBI, self.dropout, self.training)
            outputs = []
            for index, suffix in enumerate(self._suffixes(layer)):
                source = reverse(x_TBI, lengths_B) if index else x_TBI
                z_TBO, _ = self.scan(source, hx[layer * directions + index], suffix)
                o_TBO = f(z_TBO)
                last.append(take_last(o_TBO, lengths_B))
                outputs.append(reverse(o_TBO, lengths_B) if index else o_TBO)
            x_TBI = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        return x_TBI, torch.stack(last)

    def _packed(self, packed: PackedSequence, hx: Tensor | None) -> tuple[PackedSequence, Tensor]:
        x_TBI, lengths_B = pad_packed_sequence(packed)
        output, last = self._layers(x_TBI, hx, lengths_B.to(x_TBI.device))
        unsorted = packed.sorted_indices is not None
        return pack_padded_sequence(output, lengths_B, enforce_sorted=not unsorted), last

    def _check_input(self, x_TBI: Tensor, hx: Tensor | None) -> None:
        if x_TBI.shape[-1] != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size},"
                f" got {x_TBI.shape[-1]}"
            )
        directions = 2 if self.bidirectional else 1
        expected = (self.num_layers * directions, x_TBI.shape[1], self.output_size)
        if hx is not None and tuple(hx.shape) != expected:
            raise RuntimeError(f"Expected hidden size {expected}, got {list(hx.shape)}")

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}, {self.output_size}"


class OutputToHiddenRNN(OutputRecurrence):
    """h_t = act(W_xh x_t + b_xh + W_oh o_{t-1} + b_oh), o_t = f(W_ho h_t + b_o)."""

    def _shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        H, O = self.hidden_size, self.output_size  # noqa: E741
        weights = {"weight_ih": (H, input_size), "weight_oh": (H, O), "weight_ho": (O, H)}
        biases = {"bias_ih": (H,), "bias_oh": (H,), "bias_o": (O,)}
        return {**weights, **(biases if self.bias else {})}

    def _steps(self, x_TBI: Tensor, suffix: str) -> Iterator[Function]:
        W_xh_HI, W_oh_HO, W_ho_OH = self._get(suffix, "weight_ih", "weight_oh", "weight_ho")
        b_xh_H, b_oh_H, b_o_O = self._get(suffix, "bias_ih", "bias_oh", "bias_o")
        assert W_xh_HI is not None and W_oh_HO is not None and W_ho_OH is not None
        W_oh, W_ho, act = W_oh_HO, W_ho_OH, HIDDEN_FUNCTIONS[self.nonlinearity]

        def recur(o_BO: Tensor) -> Tensor:
            return F.linear(o_BO, W_oh, b_oh_H)

        def read(z_BH: Tensor) -> Tensor:
            return F.linear(act(z_BH), W_ho, b_o_O)

        for zx_BH in F.linear(x_TBI, W_xh_HI, b_xh_H).unbind(0):
            yield partial(output_to_hidden_step, zx_BH, recur=recur, read=read)


class OutputToOutputRNN(OutputRecurrence):
    """h_t = act(W_xh x_t + b_xh), o_t = f(W_ho h_t + b_o + W_oo o_{t-1}): no W_hh at all."""

    def _shapes(self, input_size: int) -> dict[str, tuple[int, ...]]:
        H, O = self.hidden_size, self.output_size  # noqa: E741
        weights = {"weight_ih": (H, input_size), "weight_ho": (O, H), "weight_oo": (O, O)}
        biases = {"bias_ih": (H,), "bias_o": (O,)}
        return {**weights, **(biases if self.bias else {})}

    def _steps(self, x_TBI: Tensor, suffix: str) -> Iterator[Function]:
        W_xh_HI, W_ho_OH, W_oo_OO = self._get(suffix, "weight_ih", "weight_ho", "weight_oo")
        b_xh_H, b_o_O = self._get(suffix, "bias_ih", "bias_o")
        assert W_xh_HI is not None and W_ho_OH is not None and W_oo_OO is not None
        W_oo = W_oo_OO
        h_TBH = HIDDEN_FUNCTIONS[self.nonlinearity](F.linear(x_TBI, W_xh_HI, b_xh_H))

        def recur(o_BO: Tensor) -> Tensor:
            return F.linear(o_BO, W_oo)

        for zh_BO in F.linear(h_TBH, W_ho_OH, b_o_O).unbind(0):
            yield partial(output_to_output_step, zh_BO, recur=recur)


def _check(  # noqa: PLR0917
    hidden_size: Any,
    output_size: Any,
    num_layers: Any,
    dropout: Any,
    nonlinearity: str,
    output_nonlinearity: str,
) -> None:
    sizes = {"hidden_size": hidden_size, "output_size": output_size, "num_layers": num_layers}
    for name, size in sizes.items():
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if isinstance(dropout, bool) or not 0 <= dropout <= 1:
        raise ValueError("dropout should be a number in range [0, 1]")
    if dropout > 0 and num_layers == 1:
        warnings.warn("dropout acts between layers: no effect with num_layers=1", stacklevel=3)
    if nonlinearity not in HIDDEN_FUNCTIONS:
        raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
    if output_nonlinearity not in OUTPUT_FUNCTIONS:
        allowed = ", ".join(OUTPUT_FUNCTIONS)
        raise ValueError(
            f"Unknown output_nonlinearity '{output_nonlinearity}'. Select from {allowed}."
        )


# One layer of a stack that feeds its output back: output-to-hidden or output-to-output.

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
