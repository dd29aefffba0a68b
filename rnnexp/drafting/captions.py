"""A folder of images with a table of their captions: a caption is written for an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnnexp.data.image_file import open_image
from rnnexp.drafting.asked import Asked
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.examples import check_enough
from rnnexp.drafting.field import Field, described
from rnnexp.drafting.first_model import Start, writer
from rnnexp.drafting.place import Place
from rnnexp.drafting.rows import BASELINES, task_keys
from rnnexp.drafting.sample import take_sample
from rnnexp.drafting.sides import WORDS
from rnnexp.drafting.table import Table, read_csv
from rnnexp.errors import DataError, EnvironmentMissingError, Position

__all__ = ["draft_captions"]

SIDE = 32
"""images are resized to so many pixels, where they are not as small"""
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


def draft_captions(place: Place, tables: Sequence[Path], asked: Asked) -> Draft:
    """A network that reads an image and writes its caption; the table lies in the folder.

    Raises:
        CommandError: an option that has no meaning here.
        DataError: no table of captions, or none of its columns names the images.
    """
    asked.refuse_but("images with captions", ("target",))
    asked.check_task("a folder of images", ("one_to_many",))
    if len(tables) != 1:
        raise DataError(
            f"{place.given} holds images, and {len(tables) or 'no'} tables beside them",
            code="DAT307",
            hint="captions.csv in that folder says what each image shows: a header image,caption "
            "and a row for each image",
        )
    table = read_csv(take_sample(tables[0], str(tables[0])))
    asked.check_known(table.names)
    image, caption = _columns(table, asked)
    check_enough(table.sample.name, table.rows)
    unit = "word" if caption.mean_words >= WORDS else "character"
    model, training = writer(Start(int(0.8 * table.rows), 20), tokens=True)
    shape = _size(place.path / str(image.present[0]), place)
    encoder = Key("image_encoder", {"channels": [16, 32], "size": 128}, "convolutions that read it")
    return Draft(
        title=f"Writes a caption for an image of {place.path.name}.",
        found={
            "captions": table.count,
            "first image": f"{shape[0]} x {shape[1]}",
            "columns": described(table.fields),
        },
        data=(
            Key("source", "images", "a row of the table is an image and its caption"),
            Key("path", place.written, "the folder, relative to this file"),
            Key("captions", place.written_beside(tables[0]), "the table"),
            Key("image", image.name, "column of the file name"),
            Key("caption", caption.name, "what is written"),
            Key("unit", unit, f"a step is a {unit}"),
            Key("color", "rgb"),
            offer("color", "gray"),
            Key("size", [min(SIDE, side) for side in shape], "[H, W] that every image is made"),
        ),
        task=task_keys("one_to_many", regression=False),
        model=(*model, encoder),
        training=training,
        baselines=BASELINES["one_to_many"],
        choices=(Choice("data.caption", caption.name, caption.words, "--target COLUMN"),),
        after=f"rnnexp generate latest --image {image.present[0]}",
    )


def _columns(table: Table, asked: Asked) -> tuple[Field, Field]:
    """The column of file names, and that of captions."""
    image = next((field for field in table.fields if _names_images(field)), None)
    texts = [f for f in table.fields if f is not image and f.kind in ("text", "label")]
    if asked.target:
        texts = [table.field(asked.target)]
    if image is None or not texts:
        raise DataError(
            f"{table.sample.name} has no column of "
            + ("file names such as cat.png" if image is None else "texts"),
            code="DAT307",
            position=table.sample.at(1),
        )
    return image, max(texts, key=lambda field: field.mean_words)


def _names_images(field: Field) -> bool:
    texts = [value for value in field.present if isinstance(value, str)]
    return bool(texts) and all(text.lower().endswith(ENDINGS) for text in texts)


def _size(path: Path, place: Place) -> tuple[int, int]:
    """(H, W) of an image."""
    try:
        import PIL  # noqa: F401
    except ImportError:
        raise EnvironmentMissingError(
            "images are read by Pillow, which is not installed",
            code="ENV101",
            hint="pip install pillow",
        ) from None
    picture = open_image(path, Position(place.given), "image")
    return picture.height, picture.width
