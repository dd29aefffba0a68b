"""A text that is streamed gives what the same text held whole gives, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnnexp import storage
from rnnexp.data import corpus, reading_files
from rnnexp.data.batches import Batches
from rnnexp.data.dataset import Dataset, Tokens
from rnnexp.data.sources import text
from rnnexp.errors import DataError, StorageError
from rnnexp.tasks.baselines import baselines

TEXT = "Der Fluß, naïve ΟΔΟΣ café –\r\nein 日本 😀 fox's 3.5 dogs ΣΑΣ.\n" * 60
SETTINGS: list[dict[str, Any]] = [
    {},
    {"lowercase": True},
    {"unit": "word", "max_vocabulary": 9},
    {"unit": "word", "lowercase": True},
    {"unit": "bpe", "pieces": 290},
]
Load = Callable[..., Dataset]


@pytest.fixture
def load(make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """The data set of TEXT or `raw`; with `piece` streamed in pieces of so many bytes."""
    monkeypatch.setenv("RNNEXP_DATA", str(tmp_path / "cache"))

    def call(raw: bytes = TEXT.encode(), piece: int | None = None, **data: Any) -> Dataset:
        (tmp_path / "a.txt").write_bytes(raw)
        options = {"source": "text", "path": "a.txt", "window": 7, **data}
        with monkeypatch.context() as patched:
            if piece is not None:
                patched.setattr(text, "STREAMED", 16)
                patched.setattr(reading_files, "PIECE", piece)
            dataset: Dataset = make(options, "many_to_many")
        return dataset

    return call


@pytest.fixture
def cached(tmp_path: Path) -> Callable[[str], Path]:
    """The one file of the cache with this ending."""

    def find(ending: str) -> Path:
        (path,) = (tmp_path / "cache" / "encoded").glob(f"*.{ending}")
        return path

    return find


def batches(dataset: Dataset, split: str, carry: bool) -> Iterator[torch.Tensor]:
    found = Batches(dataset, split, 4, seed=1, carry=carry)
    for batch in (*found.epoch(2), *found.in_order()):
        some = (batch.inputs, batch.targets, batch.lengths, batch.mask)
        yield from (tensor for tensor in some if tensor is not None)
        yield torch.from_numpy(np.asarray(batch.rows))


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("piece", [1, 7, 64, 100_000])
def test_the_same_batches_vocabulary_and_baselines(
    load: Load, settings: dict[str, Any], piece: int
) -> None:
    """Pieces of one byte cut every character and every line end in two."""
    whole, streamed = load(**settings), load(piece=piece, **settings)
    assert "ids" in streamed.record and "ids" not in whole.record
    assert streamed.outputs == whole.outputs
    assert streamed.record["units"] == whole.record["units"]
    for name in ("train", "val", "test"):
        assert len(streamed.split(name)) == len(whole.split(name))
        for carry in (False, True):
            pairs = zip(batches(streamed, name, carry), batches(whole, name, carry), strict=True)
            assert all(torch.equal(ours, theirs) for ours, theirs in pairs)
        origin = streamed.split(name).origin
        assert origin is not None
        assert (origin[:] == whole.split(name).origin).all()
        assert (streamed.counted_steps(name) == whole.counted(name).any(0)).all()
        assert baselines(streamed, name) == baselines(whole, name)


def test_the_second_run_finds_the_ids(load: Load, cached: Callable[[str], Path]) -> None:
    first = load(piece=64)
    written = cached("ids").stat().st_mtime_ns
    again = load(piece=64)
    assert first.record["ids"]["state"] == "written to the cache"
    assert again.record["ids"]["state"] == "found in the cache"
    assert cached("ids").stat().st_mtime_ns == written
    assert (np.asarray(again.train.inputs) == np.asarray(first.train.inputs)).all()
    assert again.notes == ()


def test_byte_pairs_spell_the_text(load: Load) -> None:
    """Every id but the first is a target once, in order, over all three parts."""
    dataset = load(piece=5, unit="bpe", pieces=290)
    assert isinstance(dataset.outputs, Tokens)
    vocabulary = dataset.outputs.vocabulary
    assert vocabulary is not None
    ids = [int(dataset.train.inputs[0, 0])]
    for name in ("train", "val", "test"):
        ids += np.asarray(dataset.split(name).targets)[dataset.counted(name)].tolist()
    assert vocabulary.decode_text(ids) == TEXT.replace("\r\n", "\n")
    assert len(ids) < 0.8 * len(TEXT.encode())


@pytest.mark.parametrize("ending", ["ids", "json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "link"])
def test_damage_is_mended_and_said(
    load: Load, cached: Callable[[str], Path], ending: str, damage: str
) -> None:
    whole, _ = load(), load(piece=64)
    path = cached(ending)
    raw = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(raw[:-1])
    elif damage == "changed":
        raw[len(raw) // 2] ^= 1
        path.write_bytes(raw)
    else:
        path.unlink()
    if damage == "link":
        path.symlink_to(path.with_name("elsewhere"))
        path.with_name("elsewhere").write_bytes(bytes(raw))
    mended = load(piece=64)
    assert (np.asarray(mended.train.inputs) == np.asarray(whole.train.inputs)).all()
    if damage in ("cut", "changed"):
        assert "where they were damaged" in mended.record["ids"]["state"]
        assert "where they were damaged" in mended.notes[0]
    assert not cached(ending).is_symlink()


def test_another_text_or_other_settings_have_other_ids(load: Load, tmp_path: Path) -> None:
    for settings in (*SETTINGS, {"split": {"train": 0.8, "val": 0.1, "test": 0.1}}):
        load(piece=1000, **settings)
    load(TEXT.encode() * 2, piece=1000)
    load(piece=1000, window=5)  # the same ids, cut otherwise
    found = list((tmp_path / "cache" / "encoded").iterdir())
    assert len(found) == 2 * (len(SETTINGS) + 2)


def test_the_smallest_type_that_holds_the_ids(load: Load, cached: Callable[[str], Path]) -> None:
    load(piece=1000)
    header = json.loads(cached("json").read_text())["header"]
    assert header["dtype"] == "uint8"
    assert cached("ids").stat().st_size == sum(header["sizes"]) == len(TEXT.replace("\r", ""))


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_bad_bytes_in_the_middle(refused: Any, load: Load, tmp_path: Path, piece: int) -> None:
    raw = TEXT.encode() + "日本".encode() + b"\xff" + TEXT.encode()
    with pytest.raises(DataError) as caught:
        load(raw, piece=piece)
    (problem,) = caught.value.problems
    assert f"at byte offset {len(TEXT.encode()) + 6}" in problem.message
    assert str(problem.position) == f"{tmp_path / 'a.txt'}:121:3"
    assert not (tmp_path / "cache").exists() or not list((tmp_path / "cache").rglob("*.*"))


def test_a_cache_that_cannot_be_written(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("RNNEXP_DATA", str(tmp_path / "file"))
    with pytest.raises(StorageError) as caught:
        load(piece=64)
    (problem,) = caught.value.problems
    assert "RNNEXP_DATA" in str(problem.hint)


def test_a_full_disk_is_told_before_writing(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "free_bytes", lambda _: 100)
    with pytest.raises(StorageError) as caught:
        load(piece=64)
    need = len(TEXT.replace("\r", ""))
    assert f"needs {need:,} bytes; free: 100 bytes" in str(caught.value)
    assert not list((tmp_path / "cache" / "encoded").iterdir())


def test_a_text_without_spaces_cannot_be_cut_into_words(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "LONGEST", 500)
    load(b"a" * 1000, piece=64)
    with pytest.raises(DataError) as caught:
        load(b"a" * 1000, piece=64, unit="word")
    assert caught.value.problems[0].key == "data.unit"


def test_a_packed_text_that_is_small_on_disk(load: Load) -> None:
    import gzip

    raw = TEXT.encode() * 10
    packed = gzip.compress(raw)
    assert len(packed) < reading_files.PIECE
    assert load(packed, piece=100).record["units"] == load(raw).record["units"]


def test_windows_are_indexed_like_an_array(load: Load) -> None:
    whole, streamed = load().train, load(piece=64).train
    rows = np.array([0, 3, len(whole) - 1])
    for key in (rows, slice(2, 9), slice(None, None, 3), (rows, slice(0, 4)), 5, -1 + len(whole)):
        assert (streamed.inputs[key] == whole.inputs[key]).all()
    assert streamed.inputs.shape == whole.inputs.shape
    assert streamed.longest == whole.longest
    assert (streamed.first(50).targets == whole.targets[:7]).all()
    everything = streamed.first(10**9)
    assert len(everything) == len(whole) and isinstance(everything.inputs, np.ndarray)


def test_ids_that_are_cut_while_in_use(load: Load, cached: Callable[[str], Path]) -> None:
    dataset = load(piece=64)
    with cached("ids").open("r+b") as file:
        file.truncate(10)
    with pytest.raises(DataError, match="cut while in use"):
        dataset.train.inputs[np.array([5])]
