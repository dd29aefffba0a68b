"""`source: idx`: images and their classes in IDX files, the form of MNIST (LeCun 1998).

Two zero bytes, a byte for the kind of number, one for how many axes, the axes as big-endian 32-bit
numbers, then the numbers. Shape letters: N examples, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Idx
from rnnexp.data.arrays.array_file import check_claim
from rnnexp.data.dataset import Dataset, Floats, Ints
from rnnexp.data.image_file import labelled_images, split_images
from rnnexp.data.memory import check_memory
from rnnexp.data.reading_files import SourceFile, read_file
from rnnexp.errors import DataError

__all__ = ["load"]

NUMBERS = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def load(config: Config, data: Idx) -> Dataset:
    """Images of brightness 0..1 and their class, or (view: image) the word for it, by letters.

    Raises:
        DataError: a file is not IDX, is cut short, or the two do not fit each other.
        MemoryExceededError: the images would not fit in memory.
    """
    image_file, label_file = read_file(config, "data.path"), read_file(config, "data.labels")
    images = _read("data.path", image_file, ("images", "height", "width"))
    labels = _read("data.labels", label_file, ("labels",))
    classes = _classes(config, label_file, labels, len(images))
    needed = images.size * np.dtype(np.float32).itemsize * 2  # and their copies in the splits
    check_memory(needed, f"{len(images):,} images", config.where("data.path"), "data.path")
    brightness = _brightness(image_file, images)
    parts = split_images(data, images)
    words = data.words or tuple(map(str, range(int(classes[parts[0]].max(initial=1)) + 1)))
    _check_range(config, label_file, classes, words, data.words is not None)
    record = {"files": [image_file.record(), label_file.record()]}
    return labelled_images(config, data, brightness, classes, parts, words, record)


def _read(key: str, file: SourceFile, axes: tuple[str, ...]) -> NDArray[Any]:
    """The array of an IDX file, with as many axes as there are names for them."""
    header = 4 + 4 * len(axes)
    raw = file.raw
    kind = NUMBERS.get(raw[2]) if len(raw) >= header and raw[:2] == b"\0\0" else None
    if kind is None or raw[3] != len(axes):
        raise _not_idx(file, key, raw, axes)
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", count=len(axes), offset=4))
    if 0 in shape:
        sizes = " x ".join(map(str, shape))
        raise DataError(f"0 {axes[0]}: the axes are {sizes}", code="DAT105", position=file.at())
    dtype = np.dtype(kind)
    check_claim(file.at(), "the array", shape, dtype, len(raw), header)
    return np.frombuffer(raw, dtype, offset=header).reshape(shape)


def _not_idx(file: SourceFile, key: str, raw: bytes, axes: tuple[str, ...]) -> DataError:
    idx = len(raw) >= 4 and raw[:2] == b"\0\0" and raw[2] in NUMBERS
    found = f"it has {raw[3]} axes" if idx else f"it begins with {raw[:4].hex(' ') or 'nothing'}"
    return DataError(
        f"not an IDX file of {axes[0]} with axes ({', '.join(axes)}): {found}",
        code="DAT251",
        position=file.at(),
        key=key,
        hint="data.path names the images, data.labels their classes",
    )


def _classes(config: Config, file: SourceFile, labels: NDArray[Any], images: int) -> Ints:
    """The labels as class numbers, one for each image."""
    if len(labels) != images:
        raise DataError(
            f"{len(labels):,} labels for {images:,} images",
            code="DAT253",
            position=config.where("data.labels"),
            key="data.labels",
        )
    if labels.dtype.kind == "f":
        message = f"the labels are decimal numbers ({labels.dtype}); classes are whole ones"
        raise DataError(message, code="DAT131", position=file.at(), key="data.labels")
    return labels.astype(np.int64)


def _check_range(
    config: Config, file: SourceFile, classes: Ints, words: Sequence[str], given: bool
) -> None:
    wrong = np.flatnonzero((classes < 0) | (classes >= len(words)))
    if not len(wrong):
        return
    known = (
        f"data.words has {len(words)}" if given
        else f"the training part has only 0..{len(words) - 1}"
    )  # fmt: skip
    raise DataError(
        f"label {classes[wrong[0]]} of image {wrong[0]:,}, but {known}",
        code="DAT131",
        position=config.where("data.words") if given else file.at(),
        key="data.words" if given else "data.labels",
        value=int(classes[wrong[0]]),
        allowed=f"0..{len(words) - 1}",
    )


def _brightness(file: SourceFile, images: NDArray[Any]) -> Floats:
    """0..1: whole numbers by the range of their kind, decimal ones as they are."""
    if images.dtype.kind == "f":
        wrong = np.argwhere(~((images >= 0) & (images <= 1)))
        if len(wrong):
            place = ", ".join(map(str, wrong[0]))
            raise DataError(
                f"brightness {images[tuple(wrong[0])]} at [{place}]; decimal numbers must be 0..1",
                code="DAT254",
                position=file.at(),
                allowed="0..1",
            )
        return images.astype(np.float32)
    limits = np.iinfo(images.dtype)
    scaled = (images.astype(np.float32) - limits.min) / (float(limits.max) - limits.min)
    return np.asarray(scaled, dtype=np.float32)
