"""The paths that can run a recurrent layer over a whole sequence, and the one place that chooses.

Layers ask `choose` and run what it names; faster paths are added here and nowhere else. The choice
depends on the layer's own settings, never on a timing, so results never depend on it either.
"""

from rnnexp.kernels.choice import Path, available, choose

__all__ = ["Path", "available", "choose"]
