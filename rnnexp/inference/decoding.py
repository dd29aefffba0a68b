"""From a network's numbers to what a person calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Tokens, Values
from rnnexp.inference.trained import Trained

__all__ = ["class_name", "numbers_of", "written"]


def class_name(outputs: Tokens, i: int) -> str | int:
    """The name of a class, or its id where classes have no names."""
    return outputs.vocabulary.units[i] if outputs.vocabulary else i


def numbers_of(outputs: Values, own_O: NDArray[np.float64]) -> Any:
    """One number, several by name where they have names, or a list."""
    numbers: list[float] = own_O.tolist()
    if len(numbers) == 1:
        return numbers[0]
    return dict(zip(outputs.names, numbers, strict=True)) if outputs.names else numbers


def written(trained: Trained, ids: Sequence[int]) -> Any:
    """A generated sequence up to its end token: a text, or a list of labels or ids."""
    outputs = trained.signature.outputs
    assert isinstance(outputs, Tokens)
    stop = ids.index(outputs.end) if outputs.end in ids else len(ids)
    if outputs.vocabulary is not None and outputs.vocabulary.text is not None:
        return outputs.vocabulary.decode_text(ids[:stop])
    return [class_name(outputs, i) for i in ids[:stop]]
