"""Files packed by gzip read as what they hold."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnexp.data import memory
from rnnexp.data.reading_files import PIECE, gunzip
from rnnexp.data.sources import text
from rnnexp.errors import DataError

TEXT = b"The quick brown fox, 3 dogs.\n" * 40
DATA = {"source": "text", "path": "a.txt", "window": 8}


@pytest.mark.parametrize("largest", [text.STREAMED, 16])
def test_packed_text_is_the_same_text(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(text, "STREAMED", largest)
    monkeypatch.setenv("RNNEXP_DATA", str(tmp_path / "cache"))
    (tmp_path / "a.txt").write_bytes(TEXT)
    plain = make(DATA, "many_to_many")
    packed = gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])  # two members
    (tmp_path / "a.txt").write_bytes(packed)
    dataset = make(DATA, "many_to_many")
    for name in ("train", "val", "test"):
        ours, theirs = dataset.split(name), plain.split(name)
        assert (np.asarray(ours.inputs) == np.asarray(theirs.inputs)).all()
    digest = hashlib.sha256(packed).hexdigest()
    expected = {"path": str(tmp_path / "a.txt"), "sha256": digest, "bytes": len(packed)}
    assert dataset.record["files"] == [expected]


def test_other_sources_read_it_too(make: Any, tmp_path: Path) -> None:
    rows = "y\n" + "".join(f"{i % 7}\n" for i in range(60))
    lines = "".join(f'{{"inputs": [{i}, 1], "target": {i % 3}}}\n' for i in range(30))
    (tmp_path / "a.csv").write_bytes(gzip.compress(rows.encode()))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert make({"source": "csv", "path": "a.csv", "value": "y", "window": 4}).record["steps"] == 60
    task = {"task": {"target": "classification"}}
    assert len(make({"source": "jsonl", "path": "a.jsonl.gz"}, **task).train) == 24


@pytest.mark.parametrize("cut", [1, 9, -1, -9])
def test_a_file_that_was_cut_is_refused(refused: Any, tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(TEXT)[: cut if cut < 0 else 10 + cut]
    (tmp_path / "a.txt").write_bytes(packed)
    problem = refused(DATA, "many_to_many")
    assert f"from offset {len(packed)} on" in problem.message
    assert (problem.code, problem.position.file) == ("DAT171", str(tmp_path / "a.txt"))


@pytest.mark.parametrize("damage", [lambda p: p[:20] + b"\xff\xff" + p[22:], lambda p: p + b"junk"])
def test_damage_is_refused(refused: Any, tmp_path: Path, damage: Any) -> None:
    (tmp_path / "a.txt").write_bytes(damage(gzip.compress(TEXT)))
    assert "damaged gzip" in refused(DATA, "many_to_many").message


def test_zeros_after_the_last_member_are_padding() -> None:
    packed = gzip.compress(TEXT) + b"\0" * 512
    assert b"".join(gunzip((packed[:50], packed[50:]), "a")) == TEXT


def test_a_bomb_is_refused_before_it_fills_the_memory(
    refused: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 8 * 3 * PIECE)
    bomb = gzip.compress(b"a" * (30 * PIECE))
    assert len(bomb) < PIECE / 20
    (tmp_path / "a.jsonl").write_bytes(bomb)
    problem = refused({"source": "jsonl", "path": "a.jsonl"}, exit_code=9)
    unpacked = int(problem.message.split("(")[1].split(" ")[0].replace(",", ""))
    assert unpacked <= 4 * PIECE  # it stops at the first piece that is too much


def test_pieces_are_small_whatever_they_hold() -> None:
    for piece in gunzip((gzip.compress(b"a" * (5 * PIECE)),), "a"):
        assert len(piece) <= PIECE


def test_an_empty_member() -> None:
    assert b"".join(gunzip((gzip.compress(b""),), "a")) == b""
    with pytest.raises(DataError):
        list(gunzip((), "a"))
