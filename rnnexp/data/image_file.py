"""Images of one class each: read row by row, pixel by pixel, or turned into the class's word.

Shape letters: C channels, H height, W width.
Shape letters: N examples, H height, W width, T letters of the longest word and the end token.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Digits, Idx
from rnnexp.data.dataset import Dataset, Floats, Image, Ints, Sequences, Tokens, Values
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.splits import at_random
from rnnexp.data.units import plain_units
from rnnexp.errors import DataError, Position, UnsafeError

if TYPE_CHECKING:
    from PIL.Image import Image as Decoded

__all__ = ["KINDS", "Picture", "labelled_images", "open_image", "split_images"]


# One image file as an array of brightness: its kind by content, its size before its pixels.

KINDS = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP", b"GIF8": "GIF", b"RIFF": "WEBP"}
MOST_BYTES = 64 * 2**20
MOST_PIXELS = 50_000_000
"""an image of more would take hundreds of megabytes to decode, however small its file is"""
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


@dataclass(frozen=True)
class Picture:
    """An image whose size is known and whose pixels are not decoded yet."""

    name: str
    at: Position
    key: str
    image: Decoded

    @property
    def height(self) -> int:
        return self.image.height

    @property
    def width(self) -> int:
        return self.image.width

    def pixels(self, color: Literal["gray", "rgb"], size: tuple[int, int]) -> NDArray[np.float32]:
        """Brightness 0..1 (C, H, W), resized to `size` (H, W); what is transparent lies on white.

        Raises:
            DataError: the file is cut short or damaged.
        """
        from PIL.Image import Resampling

        try:
            image = _flat(self.image).convert("L" if color == "gray" else "RGB")
        except DAMAGED as error:
            _damaged(self.name, self.at, self.key, str(error))
        height, width = size
        if (self.height, self.width) != size:
            image = image.resize((width, height), Resampling.BILINEAR)
        values = np.asarray(image, dtype=np.float32).reshape(height, width, -1) / 255
        return np.ascontiguousarray(values.transpose(2, 0, 1))


def open_image(path: Path, at: Position, key: str) -> Picture:
    """Read a PNG, JPEG, BMP, GIF (its first picture) or WebP file, without decoding it yet.

    at, key: where the file is named, for messages.

    Raises:
        DataError: no such file, or no image of these kinds.
        UnsafeError: a symbolic link, or an image of too many pixels or bytes.
    """
    from PIL import Image, UnidentifiedImageError

    raw = _read(path, at, key)
    kind = next((kind for magic, kind in KINDS.items() if raw.startswith(magic)), None)
    if kind is None:
        first = raw[:4].hex(" ") or "nothing"
        raise DataError(
            f"{path} is no image that can be read: it begins with {first}",
            code="DAT264", position=at, key=key, allowed="PNG, JPEG, BMP, GIF, WebP",
        )  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large images; they are refused below
            image = Image.open(io.BytesIO(raw), formats=[kind])
    except Image.DecompressionBombError:
        _refuse(path, at, key, "has far too many pixels")
    except (UnidentifiedImageError, *DAMAGED) as error:
        _damaged(str(path), at, key, str(error).partition(" <")[0])
    if image.width * image.height > MOST_PIXELS:
        size = f"{image.height:,} x {image.width:,}"
        _refuse(path, at, key, f"has {size} pixels, more than {MOST_PIXELS:,}")
    return Picture(str(path), at, key, image)


def _read(path: Path, at: Position, key: str) -> bytes:
    """The bytes of a regular file that is no link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            _refuse(path, at, key, "is a symbolic link")
        reason = "no such image" if isinstance(error, FileNotFoundError) else error.strerror
        message = f"{reason}: {path}"
        raise DataError(message, code="DAT265", position=at, key=key, value=path.name) from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            message = f"{path} is not a regular file"
            raise DataError(message, code="DAT265", position=at, key=key)
        if status.st_size > MOST_BYTES:
            _refuse(path, at, key, f"has {status.st_size:,} bytes, more than {MOST_BYTES:,}")
        return file.read(MOST_BYTES)


def _flat(image: Decoded) -> Decoded:
    """Eight bits a channel, and white where the image is transparent."""
    from PIL import Image

    image.load()
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA"))


def _refuse(path: Path, at: Position, key: str, why: str) -> NoReturn:
    raise UnsafeError(f"the image {path} is refused: it {why}", code="SAF044", position=at, key=key)


def _damaged(name: str, at: Position, key: str, why: str) -> NoReturn:
    raise DataError(
        f"the image {name} cannot be decoded: {why or 'damaged'}",
        code="DAT264", position=at, key=key,
    )  # fmt: skip


# Images of one class each: read row by row, pixel by pixel, or turned into the class's word.

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
