"""rnnexp: one YAML file is one experiment with a recurrent neural network.

`rnnexp.RNN`, `rnnexp.LSTM` and `rnnexp.GRU` are drop-in replacements for the layers of the same
names in `torch.nn`; `rnnexp.OutputToHiddenRNN` and `rnnexp.OutputToOutputRNN` have the same
interface and feed their output back. All resolve on first use: `import rnnexp` imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnexp.layers.output_recurrence import OutputToHiddenRNN, OutputToOutputRNN
    from rnnexp.layers.recurrent import GRU, LSTM, RNN

__version__ = "0.1.0"
__all__ = ["GRU", "LSTM", "RNN", "OutputToHiddenRNN", "OutputToOutputRNN", "__version__"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'rnnexp' has no attribute {name!r}")
    from rnnexp.layers import output_recurrence, recurrent

    return getattr(output_recurrence if name.startswith("Output") else recurrent, name)


def __dir__() -> list[str]:
    return sorted(__all__)
