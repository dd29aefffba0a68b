"""Images and labels in IDX files, the form of MNIST."""

from __future__ import annotations

import struct
from pathlib import Path

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.examples import check_enough
from rnnexp.drafting.first_model import Start, classifier, writer
from rnnexp.drafting.place import Place
from rnnexp.drafting.rows import BASELINES, task_keys
from rnnexp.drafting.sample import Sample
from rnnexp.errors import DataError

__all__ = ["draft_idx", "is_idx"]

NUMBERS = (0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E)


def is_idx(raw: bytes) -> bool:
    """Whether the first bytes are those of an IDX file."""
    return len(raw) > 8 and raw[:2] == b"\0\0" and raw[2] in NUMBERS and 1 <= raw[3] <= 4


def draft_idx(sample: Sample, asked: Asked, place: Place) -> Draft:
    """A network that names images, row by row; or, one_to_many, spells the name of an image.

    Raises:
        CommandError: an option that has no meaning here.
        DataError: no images, or no labels beside them.
    """
    asked.refuse_but("IDX files", ("target",))
    asked.check_task("IDX files", ("many_to_one", "one_to_many"))
    if sample.raw[3] != 3:
        raise DataError(
            f"{sample.name} has {sample.raw[3]} axes: not images, which have three",
            code="DAT251",
            position=sample.at(),
            hint="name the file of the images; that of the labels is --target",
        )
    count, height, width = struct.unpack(">3I", sample.raw[4:16])
    check_enough(sample.name, count)
    labels = Path(asked.target) if asked.target else _labels_beside(place)
    spelled = asked.task == "one_to_many"
    start = Start(int(0.8 * count), height)
    model, training = writer(start, True) if spelled else classifier(start, tokens=False)
    if spelled:
        model = (*model, Key("image_encoder", {"channels": [16, 32], "size": 128}))
    shape = "one_to_many" if spelled else "many_to_one"
    return Draft(
        title=f"Names the images of {sample.short_name}.",
        found={"images": f"{count:,}", "pixels": f"{height} x {width}"},
        data=(
            Key("source", "idx", "images and labels as MNIST has them"),
            Key("path", place.written, "relative to this file"),
            Key("labels", place.written_beside(labels)),
            *_view(spelled, height, width),
            Key("split", {"train": 0.8, "val": 0.1, "test": 0.1}),
        ),
        task=task_keys(shape, regression=False),
        model=model,
        training=training,
        baselines=BASELINES[shape],
        choices=(
            Choice("data.labels", place.written_beside(labels), "by its name", "--target FILE"),
        ),
    )


def _view(spelled: bool, height: int, width: int) -> tuple[Key, ...]:
    if spelled:
        return (Key("view", "image", "the whole image, whose class is spelled out"),)
    rows = Key("view", "rows", f"{height} steps of {width} pixels")
    return rows, offer("view", "pixels", f"{height * width} steps of one pixel: long, and slow")


def _labels_beside(place: Place) -> Path:
    """`t10k-images-idx3-ubyte` -> `t10k-labels-idx1-ubyte`."""
    name = place.path.name.replace("images", "labels").replace("idx3", "idx1")
    beside = place.path.with_name(name)
    if name == place.path.name or not beside.is_file():
        raise DataError(
            f"the labels of {place.given} are not beside it",
            code="DAT307",
            hint="--target FILE names them",
        )
    return beside
