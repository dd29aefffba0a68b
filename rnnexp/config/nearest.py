"""Which name did the writer mean?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["nearest", "snake_case"]


def snake_case(name: str) -> str:
    """`hiddenSizes`, `hidden-sizes` and `Hidden Sizes` -> `hidden_sizes`."""
    return re.sub(r"[\s.-]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()


def nearest(name: str, names: Iterable[str], likeness: float = 0.6) -> str | None:
    """The one of `names` that is most like `name`, or None where none is like it.

    likeness: the least that counts, from 0 (any name) to 1 (the same name).
    """
    if len(name) > 100:
        return None
    spelled = {snake_case(known): known for known in names}
    found = difflib.get_close_matches(snake_case(name), spelled, n=1, cutoff=likeness)
    return spelled[found[0]] if found else None
