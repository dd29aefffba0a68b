"""`source: images`: a folder of images and a table of their captions, one caption a row.

Shape letters: N captions, C channels, H height, W width.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import Images
from rnnexp.data.dataset import Dataset, Floats, Image, Sequences
from rnnexp.data.image_file import Picture, open_image
from rnnexp.data.memory import check_memory
from rnnexp.data.reading_files import list_folder, read_file
from rnnexp.data.records.examples import Example
from rnnexp.data.records.records import Part, dataset_of
from rnnexp.data.sources.csv_file import CsvFile, empty_table, find_columns, open_csv
from rnnexp.errors import DataError, Position, UnsafeError

__all__ = ["as_images", "load", "part_of"]

Pixels = NDArray[np.float32]


def load(config: Config, data: Images) -> Dataset:
    """Read every image that has a caption; equal images go to the same split. As `part_of`."""
    part, shape = part_of(config, data)
    dataset = dataset_of(config, data, [part])
    train, val, test = (as_images(dataset.split(name), shape) for name in ("train", "val", "test"))
    return replace(dataset, train=train, val=val, test=test, inputs=shape)


def part_of(config: Config, data: Images) -> tuple[Part, Image]:
    """The images as vectors with their captions, and what shape the images have.

    Raises:
        DataError: an image that is missing, damaged or of another size, an empty caption.
        UnsafeError: a path out of the folder, a symbolic link, an image too large to decode.
        MemoryExceededError: the images would not fit in memory.
    """
    file = read_file(config, "data.captions")
    table = open_csv(file, (data.image, data.caption), 1)
    rows = _rows(config, data, table)
    if not rows:
        raise empty_table(file, table.line, "only a header", 1)
    pictures = _Album(config, data, len(rows))
    examples = []
    for line, name, caption in rows:
        inputs = pictures.take(name, file.at(line))
        target = caption.split() if data.unit == "label" else caption
        examples.append(Example(file.name, line, inputs, target))
    return Part(examples, (file.record(),)), pictures.shape


def _rows(config: Config, data: Images, table: CsvFile) -> list[tuple[int, str, str]]:
    """Line, image and caption of every row."""
    (image,) = find_columns(table, (data.image,), config.where("data.image"), "data.image")
    (caption,) = find_columns(table, (data.caption,), config.where("data.caption"), "data.caption")
    return [(line, row[image], row[caption]) for line, row in table.rows()]


class _Album:
    """The images that were read, each once, as vectors (1, C * H * W) of brightness 0..1."""

    def __init__(self, config: Config, data: Images, captions: int) -> None:
        self.config, self.data, self.captions = config, data, captions
        self.folder = config.file("data.path")
        list_folder(self.folder, config, "data.path")  # is it one?
        self.pixels: dict[str, Pixels] = {}
        self.first: tuple[str, Image] | None = None

    @property
    def shape(self) -> Image:
        assert self.first is not None
        return self.first[1]

    def take(self, name: str, at: Position) -> Pixels:
        if name not in self.pixels:
            picture = open_image(self._inside(name, at), at, self.data.image)
            self._check_size(name, picture, at)
            size = self.data.size or (picture.height, picture.width)
            self.pixels[name] = picture.pixels(self.data.color, size).reshape(1, -1)
        return self.pixels[name]

    def _inside(self, name: str, at: Position) -> Path:
        """The file in the folder that a row names."""
        path = Path(name)
        out = path.is_absolute() or ".." in path.parts or "\0" in name
        if out or not (self.folder / path).resolve().is_relative_to(self.folder.resolve()):
            raise UnsafeError(
                f"the image {name!r} leads out of the folder {self.folder}",
                code="SAF043",
                position=at,
                key=self.data.image,
                value=name,
                hint="name the images relative to data.path",
            )
        return self.folder / path

    def _check_size(self, name: str, picture: Picture, at: Position) -> None:
        """The first image sets the size, unless the config does, and asks for memory for all."""
        size = self.data.size or (picture.height, picture.width)
        image = Image(1 if self.data.color == "gray" else 3, *size)
        if self.first is None:
            self.first = name, image
            needed = 3 * 4 * self.captions * image.size  # read, parted and encoded, in float32
            what = f"{self.captions:,} images of {size[0]} x {size[1]} pixels"
            check_memory(needed, what, self.config.where("data.captions"), "data.captions")
        other, expected = self.first
        if image != expected:
            raise DataError(
                f"{name} has {picture.height} x {picture.width} pixels, but {other} has "
                f"{expected.height} x {expected.width}",
                code="DAT266",
                position=at,
                key="data.size",
                hint=f"data.size: [{expected.height}, {expected.width}] resizes every image",
            )


def as_images(split: Sequences, image: Image) -> Sequences:
    """The same with its conditions as images (N, C, H, W)."""
    inputs: Floats = np.asarray(split.inputs, dtype=np.float32)
    shape = (len(split), image.channels, image.height, image.width)
    return replace(split, inputs=inputs.reshape(shape))
