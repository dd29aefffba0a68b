"""`source: digits`: scikit-learn's 1,797 handwritten digits, 8x8 pixels (Alpaydin, Kaynak 1998)."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Digits
from rnnexp.data.dataset import Dataset, Ints
from rnnexp.data.image_file import labelled_images, split_images
from rnnexp.errors import EnvironmentMissingError

__all__ = ["WORDS", "load"]

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BRIGHTEST = 16


def load(config: Config, data: Digits) -> Dataset:
    """Images of brightness 0..1 and their class, or (view: image) the English word for it.

    Raises:
        EnvironmentMissingError: scikit-learn is not installed.
    """
    images, classes = _load_digits(config)
    record = {"sha256": hashlib.sha256(images.tobytes() + classes.tobytes()).hexdigest()}
    brightness = (images / BRIGHTEST).astype(np.float32).reshape(-1, 8, 8)
    words = WORDS if data.view == "image" else tuple("0123456789")
    parts = split_images(data, images)
    return labelled_images(config, data, brightness, classes, parts, words, record)


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
