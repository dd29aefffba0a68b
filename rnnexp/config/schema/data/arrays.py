"""`data:` arrays of numbers: saved arrays, images and the like."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rnnexp.config.schema.data.records import Records, SplitFiles
from rnnexp.config.schema.data.split import Seed, Split
from rnnexp.config.schema.section import FilePath, Section

__all__ = ["Digits", "Idx", "Images", "Npz"]

Word = Annotated[str, Field(min_length=1, max_length=1000)]
Pixels = Annotated[int, Field(ge=1, le=4096)]


class Npz(SplitFiles):
    """Arrays of numbers with the examples along their first axis, in .npz or .safetensors."""

    source: Literal["npz"]
    """`npz`: named arrays of a .npz or .safetensors file"""
    inputs: str = "inputs"
    """array of the inputs: (N, T) or (N, T, I); in one_to_many (N, C) features or (N,) classes"""
    target: str = "target"
    """array of the targets: one a sequence, (N,) or (N, O), or one a step, (N, T) or (N, T, O)"""
    lengths: str | None = None
    """array (N,) of the valid steps of each sequence; without it every sequence is as long as T"""
    unit: Literal["number", "id"] = "number"
    """one input step: number(s) or a token id"""
    target_unit: Literal["number", "id"] | None = None
    """the same for the target; derived from the task where it is left out"""


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


class Idx(Section):
    """Images and their classes in IDX files, as MNIST and its kin come, plain or gzipped."""

    source: Literal["idx"]
    """`idx`: images and labels in IDX files (MNIST), plain or .gz"""
    path: FilePath
    """the file of the images, relative to the config that names it"""
    labels: FilePath
    """the file of their classes, which count from 0"""
    view: Literal["rows", "pixels", "image"] = "rows"
    """T=H rows of W pixels, T=H*W single pixels, or the whole image, for one_to_many"""
    words: Annotated[tuple[Word, ...], Field(min_length=2, max_length=10_000)] | None = None
    """a word for each class (default: its number); with view: image it is spelled out by letter"""
    split: Split = Split()
    """shares of the examples, shuffled once by `split_seed`"""
    split_seed: Seed = 0
    """seed of the split"""


class Images(Records):
    """A folder of images and a table of their captions, for one_to_many."""

    source: Literal["images"]
    """`images`: a folder of images and a CSV file of their captions"""
    path: FilePath
    """the folder, relative to the config that names it"""
    captions: FilePath
    """the CSV or TSV file that has an image and a caption of it in each row"""
    image: str = "image"
    """column of the image's file name, relative to the folder"""
    caption: str = "caption"
    """column of the caption"""
    unit: Literal["character", "word", "label"] = "character"
    """one step of a caption: a character, a word, or a label (whatever blanks keep apart)"""
    color: Literal["gray", "rgb"] = "rgb"
    """one channel of brightness, or red, green and blue"""
    size: tuple[Pixels, Pixels] | None = None
    """[H, W] that every image is resized to; needed where their sizes differ"""

    @property
    def inputs(self) -> str:
        """What the input side is called in messages."""
        return self.image

    @property
    def target(self) -> str:
        """What the target side is called in messages."""
        return self.caption
