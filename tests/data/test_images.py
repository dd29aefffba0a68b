"""A folder of images and their captions: real files written here, and hostile ones."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pillow

from rnnexp.data.dataset import Image

Array = NDArray[Any]
N = 10
RGB = np.random.default_rng(0).integers(256, size=(N, 4, 6, 3)).astype(np.uint8)


def encoded(pixels: Array, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def album(tmp_path: Path) -> Any:
    """Write ten images with two captions each; the `data:` section that reads them."""

    def call(rows: list[str] | None = None, **options: Any) -> dict[str, Any]:
        folder = tmp_path / "pictures"
        folder.mkdir(exist_ok=True)
        for number, pixels in enumerate(RGB):
            (folder / f"{number}.png").write_bytes(encoded(pixels))
        if rows is None:
            rows = [f"{i}.png,{way} of {i}" for i in range(N) for way in ("picture", "view")]
        table = "\n".join(["image,caption", *rows, ""])
        (tmp_path / "captions.csv").write_text(table, encoding="utf-8")
        return {"source": "images", "path": "pictures", "captions": "captions.csv", **options}

    return call


@pytest.fixture
def refuse(refused: Any, album: Any, tmp_path: Path) -> Any:
    """The one problem that a first image with these bytes is refused for."""

    def call(raw: bytes | None, exit_code: int = 4, **options: Any) -> Any:
        data = album(**options)
        if raw is not None:
            (tmp_path / "pictures" / "0.png").write_bytes(raw)
        return refused(data, "one_to_many", exit_code=exit_code)

    return call


def test_images_and_captions(make: Any, album: Any) -> None:
    dataset = make(album(unit="word"), "one_to_many")
    assert dataset.inputs == Image(3, 4, 6)
    assert Image.from_json(dataset.inputs.to_json()) == dataset.inputs
    vocabulary, seen = dataset.outputs.vocabulary, []
    for name in ("train", "val", "test"):
        part = dataset.split(name)
        for line, image, row, n in zip(
            part.origin, part.inputs, part.targets, part.lengths or [4] * len(part), strict=True
        ):
            index, way = divmod(int(line) - 2, 2)
            np.testing.assert_allclose(image, RGB[index].transpose(2, 0, 1) / 255, rtol=1e-6)
            first, of, *_, end = vocabulary.decode(row[:n])
            assert (first, of, end) == (("picture", "view")[way], "of", "<end>")
            seen.append((name, index))
    assert len(set(seen)) == N  # both captions of an image are in one split
    assert [name for name, _ in seen].count("train") == 16


def test_gray_resized_and_labels(make: Any, album: Any) -> None:
    dataset = make(album(unit="label", color="gray", size=[2, 3]), "one_to_many")
    assert dataset.inputs == Image(1, 2, 3)
    index = (int(dataset.train.origin[0]) - 2) // 2
    gray = RGB[index].astype(float) @ [0.299, 0.587, 0.114] / 255  # ITU-R 601
    ours = dataset.train.inputs[0, 0]
    assert ours.shape == (2, 3)
    # averages over two by two pixels, more or less: within the rounding to 8 bits and the filter
    np.testing.assert_allclose(ours.mean(), gray.mean(), atol=0.05)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "WEBP", "JPEG"])
def test_kinds_by_content(make: Any, album: Any, tmp_path: Path, kind: str) -> None:
    data = album()
    white = np.full((4, 6, 3), 255, np.uint8)
    (tmp_path / "pictures" / "0.png").write_bytes(encoded(white, kind))
    dataset = make(data, "one_to_many")
    parts = [dataset.split(name) for name in ("train", "val", "test")]
    image = next(p.inputs[p.origin == 2][0] for p in parts if 2 in p.origin)
    assert image.min() > 0.98  # JPEG and WebP lose a little


def test_transparency_and_sixteen_bits(make: Any, album: Any, tmp_path: Path) -> None:
    data = album(color="gray")
    (tmp_path / "pictures" / "0.png").write_bytes(encoded(np.zeros((4, 6, 4), np.uint8)))
    (tmp_path / "pictures" / "1.png").write_bytes(encoded(np.full((4, 6), 0x8000, np.uint16)))
    dataset = make(data, "one_to_many")
    parts = [dataset.split(name) for name in ("train", "val", "test")]
    by_line = {int(line): p.inputs[i] for p in parts for i, line in enumerate(p.origin)}
    assert (by_line[2] == 1).all()  # what is transparent lies on white
    np.testing.assert_allclose(by_line[4], 0x80 / 255)


def test_sizes_that_differ(refuse: Any, make: Any, album: Any, tmp_path: Path) -> None:
    problem = refuse(encoded(RGB[0, :3]))
    assert problem.code == "DAT266"
    assert problem.hint == "data.size: [3, 6] resizes every image"
    assert make(album(size=[3, 6]), "one_to_many").inputs == Image(3, 3, 6)


def chunk(name: bytes, content: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + crc


def test_a_bomb(refuse: Any) -> None:
    """A PNG of a few bytes that says it has many millions of pixels."""
    for side in (10_000, 100_000):
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        bomb = (
            b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
        )
        assert refuse(bomb, exit_code=10).code == "SAF044"


def test_damaged_images(refuse: Any) -> None:
    whole = encoded(RGB[0])
    problem = refuse(whole[: len(whole) // 2])
    assert problem.code == "DAT264"
    assert "captions.csv:2" in str(problem.position)
    assert refuse(whole[:20]).code == "DAT264"
    assert "begins with nothing" in refuse(b"").message
    assert refuse(b"\x00\x00\x01\x00" + bytes(60)).allowed == "PNG, JPEG, BMP, GIF, WebP"
    assert refuse(b"%!PS-Adobe-3.0 EPSF-3.0\n").code == "DAT264"


@pytest.mark.parametrize("name", ["../captions.csv", "/etc/passwd", "a/../../captions.csv", ".."])
def test_a_path_out_of_the_folder(refused: Any, album: Any, name: str) -> None:
    problem = refused(album([f"{name},x"]), "one_to_many", exit_code=10)
    assert problem.code == "SAF043"
    assert problem.position.line == 2


def test_links_and_pipes(refused: Any, album: Any, tmp_path: Path) -> None:
    data = album(["out.png,x"])
    link = tmp_path / "pictures" / "out.png"
    link.symlink_to("0.png")
    assert refused(data, "one_to_many", exit_code=10).code == "SAF044"
    link.unlink()
    link.symlink_to(tmp_path / "captions.csv")
    assert refused(data, "one_to_many", exit_code=10).code == "SAF043"
    link.unlink()
    os.mkfifo(link)
    assert refused(data, "one_to_many").code == "DAT265"


def test_rows_that_do_not_fit(refused: Any, album: Any) -> None:
    problem = refused(album(["0.png,x", "absent.png,y"]), "one_to_many")
    assert (problem.code, problem.position.line) == ("DAT265", 3)
    problem = refused(album(["0.png,x", "1.png,"]), "one_to_many")
    assert (problem.code, problem.position.line) == ("DAT126", 3)
    assert refused(album([]), "one_to_many").code == "DAT105"
    problem = refused(album(caption="captions"), "one_to_many")
    assert (problem.key, problem.suggestion) == ("data.caption", "caption")


def test_no_folder(refused: Any, album: Any) -> None:
    assert refused(album(path="nowhere"), "one_to_many").code == "DAT101"
    assert refused(album(path="captions.csv"), "one_to_many").code == "DAT102"
