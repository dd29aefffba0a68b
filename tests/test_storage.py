"""Whole files or none, logs without torn lines, errors that say what to do."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp import storage
from rnnexp.errors import StorageError, UnsafeError


class Failing(storage.Disk):
    """A disk on which one kind of call fails."""

    def __init__(self, call: str, number: int) -> None:
        self.call, self.number = call, number

    def __getattribute__(self, name: str) -> Any:
        if name == object.__getattribute__(self, "call"):

            def fail(*_: Any) -> None:
                raise OSError(self.number, os.strerror(self.number))

            return fail
        return object.__getattribute__(self, name)


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    storage.write_text(path, "one")
    storage.write_text(path, "zwei ä")
    assert path.read_text(encoding="utf-8") == "zwei ä"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("call", ["open", "write", "sync", "rename"])
def test_a_failed_write_leaves_the_old_file(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    storage.write_text(path, "old")
    monkeypatch.setattr(storage, "disk", Failing(call, errno.EIO))
    with pytest.raises(StorageError) as caught:
        storage.write_text(path, "new")
    assert caught.value.exit == 6
    assert str(path) in str(caught.value)
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_written_in_pieces_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with storage.writing(path) as write:
        write(b"one ")
        assert not path.exists()
        write(b"two")
    assert path.read_bytes() == b"one two"


def test_a_file_given_up_half_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), storage.writing(tmp_path / "a.bin") as write:
        write(b"one")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_room_is_asked_for_before_writing(tmp_path: Path) -> None:
    storage.check_free(tmp_path, 1)
    with pytest.raises(StorageError) as caught:
        storage.check_free(tmp_path / "a.bin", 10**18)
    assert "needs 1,000,000,000,000,000,000 bytes; free: " in str(caught.value)


def test_a_full_disk_says_how_much_is_needed_and_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "disk", Failing("write", errno.ENOSPC))
    with pytest.raises(StorageError) as caught:
        storage.write_bytes(tmp_path / "a", b"x" * 1234)
    hint = caught.value.problems[0].hint
    assert hint is not None
    assert "1,234" in hint and "free" in hint


def test_bytes_are_on_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class Watched(storage.Disk):
        def __getattribute__(self, name: str) -> Any:
            calls.append(name)
            return object.__getattribute__(self, name)

    monkeypatch.setattr(storage, "disk", Watched())
    storage.write_text(tmp_path / "a", "x")
    assert calls == ["open", "write", "sync", "rename", "sync"]
    calls.clear()
    with storage.AppendLog(tmp_path / "log") as log:
        log.append({"step": 1})
        log.append({"step": 2})
    assert calls == ["open", "write", "write", "sync"]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(storage.Disk):
        def write(self, file: int, data: bytes | memoryview) -> int:
            return os.write(file, bytes(data)[:3])

    monkeypatch.setattr(storage, "disk", Slow())
    storage.write_bytes(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_a_link_is_replaced_and_its_target_untouched(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("precious")
    link.symlink_to(target)
    storage.write_text(link, "new")
    assert target.read_text() == "precious"
    assert not link.is_symlink()


def test_a_log_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        storage.AppendLog(tmp_path / "log")
    assert not (tmp_path / "elsewhere").exists()


def test_nothing_is_writable_by_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        storage.create_folder(tmp_path / "folder")
        storage.write_text(tmp_path / "folder" / "file", "x")
    finally:
        os.umask(before)
    for path in (tmp_path / "folder", tmp_path / "folder" / "file"):
        assert not path.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP)


def test_create_folder_is_exclusive(tmp_path: Path) -> None:
    storage.create_folder(tmp_path / "a")
    with pytest.raises(StorageError) as caught:
        storage.create_folder(tmp_path / "a")
    assert isinstance(caught.value.__cause__, FileExistsError)


def test_ensure_folder_makes_parents_and_accepts_what_is_there(tmp_path: Path) -> None:
    storage.ensure_folder(tmp_path / "a" / "b")
    storage.ensure_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_ensure_folder_says_when_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StorageError):
        storage.ensure_folder(tmp_path / "a" / "b")


def test_remove_tree_does_not_follow_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "link").symlink_to(outside)
    storage.remove_tree(tree)
    assert not tree.exists()
    assert (outside / "precious").exists()


def test_a_link_is_neither_removed_nor_moved_as_a_folder(tmp_path: Path) -> None:
    outside, link = tmp_path / "outside", tmp_path / "link"
    outside.mkdir()
    (outside / "precious").write_text("x")
    link.symlink_to(outside)
    with pytest.raises(UnsafeError):
        storage.remove_tree(link)
    with pytest.raises(UnsafeError):
        storage.move_folder(link, tmp_path / "other")
    assert (outside / "precious").exists() and link.is_symlink()


def test_a_folder_that_becomes_a_link_while_it_is_removed_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "own").write_text("x")

    class Swapping(storage.Disk):
        def remove_file(self, path: Path, folder: int | None = None) -> None:
            (tree / "deep").rename(tree / "away")
            (tree / "deep").symlink_to(outside)
            (outside / "own").write_text("x")
            super().remove_file(path, folder)

    monkeypatch.setattr(storage, "disk", Swapping())
    with pytest.raises(StorageError):
        storage.remove_tree(tree)
    assert {path.name for path in outside.iterdir()} == {"precious", "own"}


# -- logs ------------------------------------------------------------------------------------------


def test_a_torn_last_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "lo')
    with storage.AppendLog(path) as log:
        log.append({"step": 2})
    assert path.read_text().splitlines() == ['{"step": 1}', '{"step": 2}']


@given(st.binary(max_size=40), st.integers(0, 200_000))
def test_cutting_keeps_exactly_the_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, tail: bytes, padding: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    data = b"first\n" + tail + b"x" * padding
    path.write_bytes(data)
    storage.AppendLog(path).close()
    assert path.read_bytes() == data[: data.rfind(b"\n") + 1]


def test_each_line_can_be_read_at_once(tmp_path: Path) -> None:
    log = storage.AppendLog(tmp_path / "log")
    log.append({"step": 1})
    assert (tmp_path / "log").read_text() == '{"step": 1}\n'
    log.close()
    log.close()
    with pytest.raises(ValueError, match="closed"):
        log.append({})


def test_a_line_that_did_not_fit_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Filling(storage.Disk):
        calls = 0

        def write(self, file: int, data: bytes | memoryview) -> int:
            self.calls += 1
            if self.calls == 2:
                raise OSError(errno.ENOSPC, "full")
            return os.write(file, bytes(data)[:4])

    log = storage.AppendLog(tmp_path / "log")
    log.append({"step": 1})
    with monkeypatch.context() as patch:
        patch.setattr(storage, "disk", Filling())
        with pytest.raises(StorageError):
            log.append({"step": 2})
    log.append({"step": 3})
    log.close()
    assert (tmp_path / "log").read_text() == '{"step": 1}\n{"step": 3}\n'


def test_text_with_line_breaks_stays_one_line(tmp_path: Path) -> None:
    with storage.AppendLog(tmp_path / "log") as log:
        log.append_line("a\nb\r\nc")
    assert (tmp_path / "log").read_text() == "a b c\n"


# -- files that arrive in pieces -------------------------------------------------------------------


def test_a_partial_file_is_on_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    class Watched(storage.Disk):
        def __getattribute__(self, name: str) -> Any:
            calls.append(name)
            return object.__getattribute__(self, name)

    monkeypatch.setattr(storage, "disk", Watched())
    partial = storage.PartialFile(tmp_path / "a")
    partial.append(b"12")
    partial.append(b"34")
    storage.write_text(partial.notes, "where it comes from")
    calls.clear()
    partial.place()
    partial.close()
    assert calls == ["sync", "rename", "remove_file", "sync"]
    assert (tmp_path / "a").read_bytes() == b"1234"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_partial_file_is_taken_up_again_unless_nothing_arrived(tmp_path: Path) -> None:
    for data, size in ((b"12", 2), (b"3", 3)):
        partial = storage.PartialFile(tmp_path / "a")
        partial.append(data)
        assert partial.size == size
        partial.close()
    partial = storage.PartialFile(tmp_path / "a")
    partial.empty()
    partial.close()
    assert list(tmp_path.iterdir()) == []


def test_a_partial_file_does_not_follow_a_link(tmp_path: Path) -> None:
    (tmp_path / ".a.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        storage.PartialFile(tmp_path / "a")
    assert not (tmp_path / "elsewhere").exists()


def test_a_new_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(ValueError, match="stop"), storage.NewFile(path) as file:
        file.write("half")
        raise ValueError("stop")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]
    assert path.read_text() == "old"
    with storage.NewFile(path) as file:
        file.write("one\n")
        assert path.read_text() == "old"
        file.write("two\n")
    assert path.read_text() == "one\ntwo\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]
