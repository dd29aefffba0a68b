"""`data:` arrays of numbers: images and the like."""

from __future__ import annotations

from typing import Literal

from rnnexp.config.schema.data.split import Seed, Split
from rnnexp.config.schema.section import Section

__all__ = ["Digits"]


class Digits(Section):
    """scikit-learn's 1,797 handwritten digits, 8x8 pixels (extra `datasets`)."""

    source: Literal["digits"]
    """`digits`: scikit-learn's 8x8 handwritten digits (extra `datasets`)"""
    view: Literal["rows", "pixels", "image"] = "rows"
    """T=8 rows of 8 pixels, T=64 single pixels, or the whole image, for one_to_many"""
    split: Split = Split()
    """shares of the examples, shuffled once by `split_seed`"""
    split_seed: Seed = 0
    """seed of the split"""
