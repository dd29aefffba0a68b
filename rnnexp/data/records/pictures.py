"""Image files as inputs of a network that writes a sequence for an image.

Shape letters: C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from rnnexp.data.dataset import Image
from rnnexp.data.image_file import open_image
from rnnexp.data.records.questions import Question
from rnnexp.errors import Position

__all__ = ["PICTURES", "PictureReader"]

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


class PictureReader:
    """Reads images of any size, resized to that of training; (1, C, H, W), brightness 0..1."""

    def __init__(self, image: Image) -> None:
        self.image = image

    def of(self, path: Path, at: Position, key: str) -> Question:
        """The question that an image asks; `at` and `key` say where it is named.

        Raises:
            DataError: no such file, or no image.
            UnsafeError: a symbolic link, or an image too large to decode.
        """
        picture = open_image(path, at, key)
        color: Literal["gray", "rgb"] = "gray" if self.image.channels == 1 else "rgb"
        pixels = picture.pixels(color, (self.image.height, self.image.width))
        return Question(at.line or 1, str(path), pixels[None])

    def of_lines(
        self, lines: Iterable[tuple[int, str]], name: str, folder: Path
    ) -> Iterator[Question]:
        """The image that each line names, relative to a folder."""
        for number, line in lines:
            yield self.of(folder / line.strip(), Position(name, number), "image")
