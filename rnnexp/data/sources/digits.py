"""`source: digits`: scikit-learn's 1,797 handwritten digits, 8x8 pixels (Alpaydin, Kaynak 1998)."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Digits
from rnnexp.data.dataset import Dataset, Floats, Ints, Sequences, Tokens, Values
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import at_random
from rnnexp.errors import EnvironmentMissingError

__all__ = ["WORDS", "load"]

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BRIGHTEST = 16
SHAPES = {"rows": (8, 8), "pixels": (64, 1), "image": (64,)}


def load(config: Config, data: Digits) -> Dataset:
    """Images of brightness 0..1 and their class, or (view: image) the English word for it.

    Raises:
        EnvironmentMissingError: scikit-learn is not installed.
    """
    images, classes = _load_digits(config)
    digest = hashlib.sha256(images.tobytes() + classes.tobytes()).hexdigest()
    rows = (images / BRIGHTEST).astype(np.float32).reshape(-1, *SHAPES[data.view])
    to_word = data.view == "image"
    parts = at_random([image.tobytes() for image in images], data.split, data.split_seed)
    make = _spelled if to_word else _classified
    train, val, test = (make(rows[part], classes[part], part) for part in parts)
    return Dataset(
        data.source,
        "one_to_many" if to_word else "many_to_one",
        train,
        val,
        test,
        inputs=Values(SHAPES[data.view][-1]),
        outputs=_letters() if to_word else Tokens(10, Vocabulary(tuple("0123456789"))),
        record={"sha256": digest},
        units=(None, "character" if to_word else None),
    )


def _load_digits(config: Config) -> tuple[NDArray[np.uint8], Ints]:
    """Images (N, 64) with brightness 0..16, and classes (N,)."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise EnvironmentMissingError(
            "the digits come with scikit-learn, which is not installed",
            code="ENV101",
            position=config.where("data.source"),
            key="data.source",
            value="digits",
            hint='pip install "rnnexp[datasets]"',
        ) from None
    images, classes = load_digits(return_X_y=True)
    return images.astype(np.uint8), classes.astype(np.int64)


def _classified(images: Floats, classes: Ints, origin: Ints) -> Sequences:
    return Sequences(images, classes, origin=origin)


def _spelled(images: Floats, classes: Ints, origin: Ints) -> Sequences:
    """The word of each image, letter by letter, closed by the end token."""
    vocabulary, most = _letters().vocabulary, max(map(len, WORDS)) + 1
    assert vocabulary is not None
    words = np.zeros((len(WORDS), most), dtype=np.int64)
    for row, word in zip(words, WORDS, strict=True):
        row[: len(word)] = vocabulary.encode(word)
    lengths = np.array([len(word) + 1 for word in WORDS])
    return Sequences(images, words[classes], lengths[classes], origin=origin)


def _letters() -> Tokens:
    """The letters of the ten words: known beforehand, so not fitted on a training part."""
    vocabulary = Vocabulary.fit("".join(WORDS), first=("<end>",), unknown=False)
    return Tokens(len(vocabulary), vocabulary, end=0)
