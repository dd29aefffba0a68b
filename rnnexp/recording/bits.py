"""Whether tensors are the same, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["different_tensors"]


def different_tensors(these: Mapping[str, Tensor], those: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors that are not in both, or not the same in both."""
    names = sorted(these.keys() | those.keys())
    return [
        name
        for name in names
        if name not in these or name not in those or not _same(these[name], those[name])
    ]


def _same(this: Tensor, that: Tensor) -> bool:
    """Also of zeros by their sign, and of NaN by its bits, which `torch.equal` does not tell."""
    import torch

    if this.dtype != that.dtype or this.shape != that.shape:
        return False
    ours, theirs = (each.contiguous().reshape(-1).view(torch.uint8) for each in (this, that))
    return torch.equal(ours, theirs)
