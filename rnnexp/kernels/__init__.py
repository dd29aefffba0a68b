"""The paths that can run a recurrent layer over a whole sequence, and the one place that chooses.

`native/*.h` are the compiled kernels, `native.py` calls them, `bptt.py` stands in for them where
there was no compiler, `operator.py` makes them an operator of torch. Layers ask `available` and run
what it names. The choice depends on the layer's settings, the shapes and the processor, never on a
timing, so results never depend on one either.
"""

from rnnexp.kernels.choice import Path, available, in_use, obstacle, on_device
from rnnexp.kernels.operator import recurrence

__all__ = ["Path", "available", "in_use", "obstacle", "on_device", "recurrence"]
