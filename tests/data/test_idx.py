"""IDX files of images and classes: MNIST itself, small ones by hand, and hostile ones."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnexp.data.dataset import Image, Values

Array = NDArray[Any]
SHARED = Path(os.environ.get("RNNEXP_DATA", Path(__file__).parents[3] / "shared" / "data"))
MNIST = SHARED / "mnist_t10k"
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
N = 20
SPLIT = {"train": 0.6, "val": 0.2, "test": 0.2}


def idx(array: Array) -> bytes:
    """The array as an IDX file has it."""
    dtype = array.dtype.newbyteorder("=").str[1:]
    head = struct.pack(">HBB", 0, CODES[dtype], array.ndim)
    axes = struct.pack(f">{array.ndim}I", *array.shape)
    return head + axes + array.astype(f">{dtype}").tobytes()


IMAGES = np.arange(N * 6, dtype=np.uint8).reshape(N, 2, 3)
LABELS = (np.arange(N) % 4).astype(np.uint8)


@pytest.fixture
def files(tmp_path: Path) -> Any:
    """Write both files; the `data:` section that reads them."""

    def call(images: Any = IMAGES, labels: Any = LABELS, **options: Any) -> dict[str, Any]:
        for name, content in (("x", images), ("y", labels)):
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else idx(content))
        return {"source": "idx", "path": "x", "labels": "y", "split": SPLIT, **options}

    return call


def test_rows_pixels_and_classes(make: Any, files: Any) -> None:
    for view, shape in (("rows", (2, 3)), ("pixels", (6, 1))):
        dataset = make(files(view=view))
        assert dataset.outputs.vocabulary.units == ("0", "1", "2", "3")
        for name in ("train", "val", "test"):
            part = dataset.split(name)
            expected = IMAGES[part.origin].reshape(-1, *shape) / np.float32(255)
            np.testing.assert_array_equal(part.inputs, expected.astype(np.float32))
            np.testing.assert_array_equal(part.targets, LABELS[part.origin])


def test_the_word_of_an_image(make: Any, files: Any) -> None:
    data = files(view="image", words=["ab", "c", "d", "e"])
    flat = make(data, "one_to_many")
    assert flat.inputs == Values(6)
    assert flat.train.inputs.shape == (len(flat.train), 6)
    vocabulary = flat.outputs.vocabulary
    for origin, row, n in zip(flat.test.origin, flat.test.targets, flat.test.lengths, strict=True):
        assert "".join(vocabulary.decode(row[:n])) == data["words"][LABELS[origin]] + "<end>"
    model = {"image_encoder": {"channels": [4], "size": 8}}
    whole = make(data, "one_to_many", model=model)
    assert whole.inputs == Image(1, 2, 3)
    np.testing.assert_array_equal(whole.train.inputs.reshape(-1, 6), flat.train.inputs)


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("i1", [-128, 0, 127], [0, 128 / 255, 1]),
        ("i2", [-32768, 0, 32767], [0, 32768 / 65535, 1]),
        ("i4", [-(2**31), 0, 2**31 - 1], [0, 0.5, 1]),
        ("f4", [0, 0.25, 1], [0, 0.25, 1]),
        ("f8", [0, 0.25, 1], [0, 0.25, 1]),
    ],
)
def test_brightness_by_the_kind_of_number(
    make: Any, files: Any, dtype: str, values: Any, expected: Any
) -> None:
    images = np.zeros((N, 2, 3), dtype)
    images[:, 0] = values
    images[:, 1, 0] = np.linspace(0, 1, N) if dtype.startswith("f") else np.arange(N)
    dataset = make(files(images, LABELS))
    np.testing.assert_allclose(dataset.train.inputs[:, 0], [expected] * 12, atol=1e-7)  # float32


def test_packed_and_plain_are_one(make: Any, files: Any) -> None:
    plain, packed = make(files()), make(files(gzip.compress(idx(IMAGES)), idx(LABELS)))
    np.testing.assert_array_equal(plain.test.inputs, packed.test.inputs)


def test_mnist(make: Any) -> None:
    if not MNIST.is_dir():
        pytest.skip(f"no {MNIST}; RNNEXP_DATA names another folder")
    data = {
        "source": "idx",
        "path": str(MNIST / "t10k-images-idx3-ubyte.gz"),
        "labels": str(MNIST / "t10k-labels-idx1-ubyte.gz"),
        "split": {"train": 0.8, "val": 0.1, "test": 0.1},
    }
    dataset = make(data)
    assert [len(dataset.split(name)) for name in ("train", "val", "test")] == [8000, 1000, 1000]
    assert dataset.train.inputs.shape == (8000, 28, 28)
    assert (dataset.train.inputs.min(), dataset.train.inputs.max()) == (0, 1)
    every = np.concatenate([dataset.split(name).targets for name in ("train", "val", "test")])
    # how often each digit stands in the file, as published
    assert np.bincount(every).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


HEAD = struct.pack(">HBB", 0, 8, 3)
REFUSED = [
    (b"", idx(LABELS), "DAT251", "begins with nothing"),
    (b"\x89PNG" + bytes(100), idx(LABELS), "DAT251", "begins with 89 50 4e 47"),
    (idx(LABELS), idx(LABELS), "DAT251", "it has 1 axes"),
    (idx(IMAGES), idx(IMAGES), "DAT251", "not an IDX file of labels"),
    (struct.pack(">HBB", 0, 0x0A, 3) + bytes(12), idx(LABELS), "DAT251", "00 00 0a 03"),
    (idx(IMAGES)[:-1], idx(LABELS), "DAT244", "claims 120 bytes, file has 135"),
    (idx(IMAGES) + b"\0", idx(LABELS), "DAT244", "claims 120 bytes, file has 137"),
    (HEAD + b"\xff" * 12, idx(LABELS), "DAT244", "claims 79,228,162,458,924,105,385,300,197,375"),
    (HEAD + bytes(12), idx(LABELS), "DAT105", "the axes are 0 x 0 x 0"),
    (idx(IMAGES), idx(LABELS[1:]), "DAT253", "19 labels for 20 images"),
    (idx(IMAGES), idx(LABELS.astype("f4")), "DAT131", "classes are whole"),
    (idx(IMAGES), idx(LABELS.astype("i2") - 1), "DAT131", "label -1 of image 0"),
    (idx(np.full((N, 2, 3), np.nan)), idx(LABELS), "DAT254", "brightness nan at [0, 0, 0]"),
    (idx(np.full((N, 2, 3), 1.5)), idx(LABELS), "DAT254", "brightness 1.5 at [0, 0, 0]"),
    (gzip.compress(idx(IMAGES))[:-9], idx(LABELS), "DAT171", "gzip"),
    (gzip.compress(idx(IMAGES))[:10], idx(LABELS), "DAT171", "gzip"),
    (gzip.compress(HEAD + b"\0\0\xff\xff" * 3), idx(LABELS), "DAT244", "claims 281,4"),
    (gzip.compress(idx(IMAGES) + bytes(10**6)), idx(LABELS), "DAT244", "claims 120 bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("images", "labels", "code", "message"), REFUSED, ids=range(len(REFUSED)))
def test_files_that_do_not_fit(  # noqa: PLR0917
    refused: Any, files: Any, images: bytes, labels: bytes, code: str, message: str
) -> None:
    problem = refused(files(images, labels))
    assert problem.code == code, problem
    assert message in problem.message


def test_a_class_without_a_word(refused: Any, files: Any) -> None:
    problem = refused(files(words=["a", "b", "c"]))
    assert (problem.code, problem.key) == ("DAT131", "data.words")
    assert problem.message == "label 3 of image 3, but data.words has 3"
