"""A checkpoint is read exactly as it was saved, or not at all."""

from __future__ import annotations

import errno
import math
import os
import pickle
import random
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from rnnexp import storage
from rnnexp.errors import CheckpointError, StorageError, UnsafeError
from rnnexp.reading import sha256
from rnnexp.recording import checkpoints
from rnnexp.recording.checkpoints import Checkpoint, load, prune, save, steps
from tests.faults import NEVER, Counting, Killed, failing, killed

PROOF = bool(os.environ.get("RNNEXP_PROOF"))
DTYPES = (
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
)  # fmt: skip


def example(step: int = 3, value: float = 1.5) -> Checkpoint:
    weights = {"weight": torch.full((4, 3), value), "rng": torch.arange(8, dtype=torch.uint8)}
    return Checkpoint(step, weights, {"monitor": value, "epoch": 1})


def same_bits(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    return ours.dtype == theirs.dtype and ours.shape == theirs.shape and (
        ours.contiguous().flatten().view(torch.uint8).tolist()
        == theirs.contiguous().flatten().view(torch.uint8).tolist()
    )  # fmt: skip


def test_every_dtype_comes_back_bit_for_bit(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    raw = torch.randint(0, 256, (6, 16), dtype=torch.uint8, generator=generator)
    tensors = {
        str(dtype): (raw % 2 if dtype is torch.bool else raw).view(dtype) for dtype in DTYPES
    }
    tensors |= {"scalar": torch.tensor(2.5), "empty": torch.zeros(0, 3)}
    tensors["transposed"] = torch.arange(6.0).reshape(2, 3).T
    loaded = load(save(tmp_path, Checkpoint(1, tensors)))
    assert loaded.tensors.keys() == tensors.keys()
    assert all(same_bits(loaded.tensors[name], tensors[name]) for name in tensors)


def test_tied_weights_are_saved_under_both_names(tmp_path: Path) -> None:
    shared = torch.arange(6.0)
    views = {"a": shared, "b": shared, "c": shared[2:], "d": shared.view(2, 3)}
    loaded = load(save(tmp_path, Checkpoint(1, views)))
    assert all(torch.equal(loaded.tensors[name], views[name]) for name in views)


def test_the_state_comes_back_with_what_json_cannot_say(tmp_path: Path) -> None:
    state = {"best": math.inf, "worst": -math.inf, "odd": math.nan, "tenth": 0.1, "big": 2**70,
             "words": ["NaN", None, True], "nested": {"a": [1, {"b": -0.0}]}}  # fmt: skip
    loaded = load(save(tmp_path, Checkpoint(12, {}, state))).state
    assert math.isnan(loaded.pop("odd"))
    del state["odd"]
    assert loaded == state
    assert math.copysign(1, loaded["nested"]["a"][1]["b"]) == -1


def test_the_same_checkpoint_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = save(tmp_path, example(1)), tmp_path / "again"
    second.mkdir()
    again = save(second, example(1))
    for file in first.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes()


def refused(path: Path) -> bool:
    try:
        load(path)
    except (CheckpointError, UnsafeError) as error:
        return error.exit in (5, 10)
    return False


def test_a_flip_of_any_bit_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, example())
    files = {file: file.read_bytes() for file in sorted(path.iterdir())}
    bits = [(file, bit) for file, whole in files.items() for bit in range(8 * len(whole))]
    for file, bit in bits[:: 1 if PROOF else 8 + 1]:
        damaged = bytearray(files[file])
        damaged[bit // 8] ^= 1 << bit % 8
        file.write_bytes(damaged)
        assert refused(path), (file.name, bit)
        file.write_bytes(files[file])
    assert load(path).step == 3


def test_truncation_and_growth_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, Checkpoint(3, example().tensors | {"more": torch.rand(100)}))
    files = {file: file.read_bytes() for file in sorted(path.iterdir())}
    lengths = [(file, length) for file, whole in files.items() for length in range(len(whole))]
    for file, length in lengths if PROOF else random.Random(0).sample(lengths, 150):
        file.write_bytes(files[file][:length])
        assert refused(path), (file.name, length)
        file.write_bytes(files[file])
    for file, whole in files.items():
        file.write_bytes(whole + b"\n")
        assert refused(path)
        file.unlink()
        with pytest.raises(CheckpointError, match="cannot be read"):
            load(path)
        file.write_bytes(whole)


def test_a_wrong_hash_names_expected_and_actual(tmp_path: Path) -> None:
    path = save(tmp_path, example())
    tensors = path / "tensors.safetensors"
    expected = sha256(tensors)
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"?")
    with pytest.raises(CheckpointError) as caught:
        load(path)
    problem = caught.value.problems[0]
    assert (problem.allowed, problem.value) == (expected, sha256(tensors))


def test_a_header_of_absurd_size_is_refused_even_with_right_hashes(tmp_path: Path) -> None:
    files = {"tensors.safetensors": b"\xff" * 7 + b"\x7f{}", "state.json": b'{"state": {}}'}
    path = forge(tmp_path, files)
    with pytest.raises(CheckpointError, match="damaged header"):
        load(path)


def forge(folder: Path, files: dict[str, bytes]) -> Path:
    """A step folder whose manifest fits whatever is in it, as an attacker would make it."""
    path = folder / "1"
    path.mkdir()
    for name, data in files.items():
        (path / name).write_bytes(data)
    (path / "manifest.json").write_bytes(checkpoints._manifest_bytes(1, files))
    return path


class Canary:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def pickles(canary: Path) -> list[bytes]:
    archive = canary.with_suffix(".pt")
    torch.save({"w": torch.zeros(1)}, archive)
    zipped = archive.read_bytes()
    archive.unlink()
    return [*(pickle.dumps(Canary(canary), protocol) for protocol in range(6)), zipped]


@pytest.mark.parametrize("kind", range(7))
@pytest.mark.parametrize("name", ["tensors.safetensors", "state.json"])
def test_a_pickle_under_our_names_is_refused_and_never_run(
    kind: int, name: str, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    files = {"tensors.safetensors": b"", "state.json": b"{}"} | {name: pickles(canary)[kind]}
    with pytest.raises(UnsafeError) as caught:
        load(forge(tmp_path, files))
    assert caught.value.exit == 10
    assert not canary.exists()


@pytest.mark.parametrize("kind", range(7))
def test_a_pickle_file_given_as_a_checkpoint_is_refused(kind: int, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "model.pt").write_bytes(pickles(canary)[kind])
    with pytest.raises(UnsafeError):
        load(tmp_path / "model.pt")
    assert not canary.exists()


def test_links_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path, example())
    elsewhere = tmp_path / "elsewhere"
    (path / "state.json").rename(elsewhere)
    (path / "state.json").symlink_to(elsewhere)
    with pytest.raises(UnsafeError):
        load(path)
    (tmp_path / "9").symlink_to(path)
    with pytest.raises(UnsafeError):
        load(tmp_path / "9")


def test_a_newer_format_names_both_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "FORMAT", 99)
    monkeypatch.setattr(checkpoints, "__version__", "7.0.0")
    path = save(tmp_path, example())
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"7\.0\.0.*99.*0\.1\.0"):
        load(path)


def test_a_missing_checkpoint_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        load(tmp_path / "12")


def test_steps_are_sorted_as_numbers_and_pruned(tmp_path: Path) -> None:
    for step in (100, 9, 20):
        save(tmp_path, example(step))
    (tmp_path / ".5-0123abcd.tmp").mkdir()
    (tmp_path / "notes").mkdir()
    assert steps(tmp_path) == [9, 20, 100]
    prune(tmp_path, {9, 100})
    assert steps(tmp_path) == [9, 100]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["100", "9", "notes"]
    assert steps(tmp_path / "missing") == []


# -- crashes ---------------------------------------------------------------------------------------


def calls_of_a_save(folder: Path, step: int) -> int:
    folder.mkdir()
    save(folder, example(1, value=1.0))
    counting = Counting(NEVER, killed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "disk", counting)
        save(folder, example(step, value=2.0))
    return counting.calls


@pytest.mark.parametrize("step", [1, 2], ids=["replacing", "another step"])
@pytest.mark.parametrize(
    ("stop", "error"), [(killed, Killed), (failing(errno.ENOSPC), StorageError)]
)
def test_a_crash_between_any_two_calls_loses_nothing(
    step: int, stop: Any, error: type[BaseException], tmp_path: Path
) -> None:
    calls = calls_of_a_save(tmp_path / "count", step)
    assert calls > 10
    for number in range(calls):
        folder = tmp_path / str(number)
        folder.mkdir()
        save(folder, example(1, value=1.0))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storage, "disk", Counting(number, stop, once=stop is not killed))
            with pytest.raises(error):
                save(folder, example(step, value=2.0))
        assert_valid(folder, step)


def assert_valid(folder: Path, step: int) -> None:
    checkpoints.recover(folder)
    found = {number: load(folder / str(number)).state["monitor"] for number in steps(folder)}
    old, new = {1: 1.0}, {1: 1.0} | {step: 2.0}
    assert found in (old, new)
    save(folder, example(step, value=2.0))
    prune(folder, {1, step})
    assert {load(folder / str(step)).state["monitor"]} == {2.0}
    assert not [entry for entry in folder.iterdir() if entry.name.startswith(".")]


def test_a_kill_by_the_system_loses_nothing(tmp_path: Path) -> None:
    for number in range(0, calls_of_a_save(tmp_path / "count", 1), 4):
        folder = tmp_path / str(number)
        folder.mkdir()
        save(folder, example(1, value=1.0))
        child = os.fork()
        if child == 0:
            storage.disk = Counting(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
            save(folder, example(1, value=2.0))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        assert_valid(folder, 1)
