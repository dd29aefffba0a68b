"""One image file as an array of brightness: its kind by content, its size before its pixels.

Shape letters: C channels, H height, W width.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from rnnexp.errors import DataError, Position, UnsafeError

if TYPE_CHECKING:
    from PIL.Image import Image as Decoded

__all__ = ["Picture", "open_image"]

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
