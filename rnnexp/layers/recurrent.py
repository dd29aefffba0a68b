"""`rnnexp.RNN`, `rnnexp.LSTM`, `rnnexp.GRU`: torch.nn's layers, same interface, same numbers.

Constructor, forward signature, parameter names, `state_dict`, defaults and exceptions are torch's
own, packed sequences and unbatched input included, because the classes are torch's own. They run
torch's loops; faster paths come in behind `rnnexp.kernels`.
"""

from __future__ import annotations

import torch

__all__ = ["GRU", "LSTM", "RNN"]


class RNN(torch.nn.RNN):
    """h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh); drop-in for `torch.nn.RNN`."""


class LSTM(torch.nn.LSTM):
    """Long short-term memory; drop-in for `torch.nn.LSTM`."""


class GRU(torch.nn.GRU):
    """Gated recurrent unit; drop-in for `torch.nn.GRU`."""
