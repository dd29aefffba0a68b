"""Images of one class each: read row by row, pixel by pixel, or turned into the class's word.

Shape letters: N examples, H height, W width, T letters of the longest word and the end token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Digits, Idx
from rnnexp.data.dataset import Dataset, Floats, Image, Ints, Sequences, Tokens, Values
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import at_random
from rnnexp.data.units import plain_units

__all__ = ["Parts", "labelled_images", "split_images"]

Parts = tuple[Ints, Ints, Ints]


def split_images(data: Digits | Idx, images: NDArray[Any]) -> Parts:
    """Indices of the images in each split; equal images stay together."""
    return at_random([image.tobytes() for image in images], data.split, data.split_seed)


def labelled_images(  # noqa: PLR0917
    config: Config,
    data: Digits | Idx,
    images: Floats,
    classes: Ints,
    parts: Parts,
    words: Sequence[str],
    record: Mapping[str, Any],
) -> Dataset:
    """Images (N, H, W) of brightness 0..1 and classes (N,) as the data set that `view` asks for.

    words: the name of each class, in view `image` spelled out letter by letter. The images are
    vectors there, unless convolutions are to read them.
    """
    inputs, spec = _viewed(config, data, images)
    if data.view == "image":
        outputs, targets, lengths = _spelled(words)
        unit: str | None = "character"
        make = [Sequences(inputs[p], targets[classes[p]], lengths[classes[p]], origin=p)
                for p in parts]  # fmt: skip
    else:
        outputs = Tokens(len(words), Vocabulary(tuple(words)))
        unit = None
        make = [Sequences(inputs[p], classes[p], origin=p) for p in parts]
    train, val, test = make
    return Dataset(
        data.source,
        config.experiment.task.kind,
        train,
        val,
        test,
        spec,
        outputs,
        record=record,
        units=("number", unit),
    )


def _viewed(config: Config, data: Digits | Idx, images: Floats) -> tuple[Floats, Values | Image]:
    count, height, width = images.shape
    if data.view == "rows":
        return images, Values(width)
    if data.view == "pixels":
        return images.reshape(count, height * width, 1), Values(1)
    if config.experiment.model.image_encoder is None:
        return images.reshape(count, height * width), Values(height * width)
    return images[:, None], Image(1, height, width)


def _spelled(words: Sequence[str]) -> tuple[Tokens, Ints, Ints]:
    """Letter ids (C, T) of each class's word, closed by the end token, and their lengths (C,).

    The letters are known beforehand, so they are not fitted on a training part.
    """
    vocabulary = Vocabulary.fit(
        "".join(words), first=("<end>",), unknown=False, text=plain_units("character")
    )
    lengths = np.array([len(word) + 1 for word in words])
    letters = np.zeros((len(words), lengths.max()), dtype=np.int64)
    for row, word in zip(letters, words, strict=True):
        row[: len(word)] = vocabulary.encode(word)
    return Tokens(len(vocabulary), vocabulary, end=0), letters, lengths
