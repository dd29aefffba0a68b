"""Downloads from a real server: whole, resumed, cut, wrong, and onto disks that fail."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnexp import storage
from rnnexp.errors import (
    DataError,
    EnvironmentMissingError,
    Problem,
    RnnexpError,
    StorageError,
    UnsafeError,
)
from rnnexp.reading import sha256
from rnnexp.registry.download import fetch
from rnnexp.registry.sets import RegistryFile
from tests.registry.conftest import CONTENT, PATH
from tests.serving import Site

PART, NOTES = ".a.txt.part", ".a.txt.part.json"


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file())


def refused(
    entry: RegistryFile, cache: Path, kind: type[RnnexpError], code: str, **options: Any
) -> Problem:
    with pytest.raises(kind) as caught:
        fetch(entry, cache, **options)
    (problem,) = caught.value.problems
    assert problem.code == code, problem
    return problem


def interrupt_at(size: int) -> Any:
    def progress(done: int, total: int | None) -> None:
        if done >= size:
            raise KeyboardInterrupt

    return progress


def leave_partial(entry: RegistryFile, cache: Path, size: int = 100_000) -> int:
    """Starts a download and interrupts it; how many bytes are kept."""
    with pytest.raises(KeyboardInterrupt):
        fetch(entry, cache, interrupt_at(size))
    assert left_in(cache) == [PART, NOTES]
    kept = (cache / "corpus" / PART).stat().st_size
    assert size <= kept < len(CONTENT)
    return kept


# -- what goes well --------------------------------------------------------------------------------


def test_a_whole_download(entry: RegistryFile, cache: Path, site: Site) -> None:
    seen: list[tuple[int, int | None]] = []
    fetched = fetch(entry, cache, lambda done, total: seen.append((done, total)))
    assert fetched.downloaded and fetched.sha256 == entry.sha256
    assert fetched.path.read_bytes() == CONTENT
    assert left_in(cache) == ["a.txt"]
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and len(seen) > 2


def test_what_is_there_is_checked_and_not_fetched(
    entry: RegistryFile, cache: Path, site: Site
) -> None:
    fetch(entry, cache)
    assert not fetch(entry, cache).downloaded
    assert len(site.requests) == 1
    (cache / entry.path).write_bytes(b"?" + CONTENT[1:])
    problem = refused(entry, cache, DataError, "DAT163")
    assert str(entry.sha256) in problem.message and sha256(cache / entry.path) in problem.message
    assert (cache / entry.path).read_bytes()[:1] == b"?", "a file of the user's was overwritten"


def test_a_mirror_has_the_paths_of_the_cache(entry: RegistryFile, cache: Path, site: Site) -> None:
    elsewhere = replace(entry, url="https://no.such.host.invalid/a.txt")
    assert fetch(elsewhere, cache, mirror=site.url + "/").downloaded


def test_redirects_are_followed(entry: RegistryFile, cache: Path, site: Site) -> None:
    site.files["/moved"] = b""
    moved = replace(entry, url=site.url + "/moved")

    class Once(dict[str, bytes]):
        def get(self, path: str, default: Any = None) -> Any:
            site.location = site.url + PATH if path == "/moved" else None
            return super().get(path, default)

    site.files = Once(site.files)
    assert fetch(moved, cache).path.read_bytes() == CONTENT


# -- resuming --------------------------------------------------------------------------------------


def test_a_cut_connection_is_taken_up_again(entry: RegistryFile, cache: Path, site: Site) -> None:
    site.cut = 200_000
    assert fetch(entry, cache).path.read_bytes() == CONTENT
    assert [request.get("range") for request in site.requests] == [None, "bytes=200000-"]
    assert site.requests[1]["if-range"] == site.etag
    assert left_in(cache) == ["a.txt"]


def test_a_connection_that_is_cut_again_and_again(
    entry: RegistryFile, cache: Path, site: Site
) -> None:
    site.cut, site.cut_always = 100_000, True
    problem = refused(entry, cache, EnvironmentMissingError, "ENV110")
    assert "300,000 bytes have arrived" in (problem.hint or "")
    assert len(site.requests) == 3
    site.cut_always, site.cut = False, None
    assert fetch(entry, cache).path.read_bytes() == CONTENT
    assert site.requests[-1]["range"] == "bytes=300000-"


def test_an_interrupted_download_goes_on(entry: RegistryFile, cache: Path, site: Site) -> None:
    kept = leave_partial(entry, cache)
    assert fetch(entry, cache).path.read_bytes() == CONTENT
    assert site.requests[-1]["range"] == f"bytes={kept}-"
    assert left_in(cache) == ["a.txt"]


@pytest.mark.parametrize("change", ["no ranges", "another version"])
def test_a_server_that_gives_the_whole_file_instead(
    change: str, entry: RegistryFile, cache: Path, site: Site
) -> None:
    leave_partial(entry, cache)
    site.ranges, site.etag = (False, site.etag) if change == "no ranges" else (True, '"2"')
    assert fetch(entry, cache).path.read_bytes() == CONTENT
    assert "range" in site.requests[-1]


@pytest.mark.parametrize("change", ["no validator", "another address"])
def test_where_going_on_is_not_sound_it_begins_again(
    change: str, entry: RegistryFile, cache: Path, site: Site
) -> None:
    if change == "no validator":
        site.etag = None
    leave_partial(entry, cache)
    if change == "another address":
        site.files["/other"] = CONTENT
        entry = replace(entry, url=site.url + "/other")
    assert fetch(entry, cache).path.read_bytes() == CONTENT
    assert "range" not in site.requests[-1]


def test_a_whole_partial_is_placed_without_asking(
    entry: RegistryFile, cache: Path, site: Site
) -> None:
    leave_partial(entry, cache)
    (cache / "corpus" / PART).write_bytes(CONTENT)
    assert fetch(entry, cache).downloaded
    assert len(site.requests) == 1


def test_a_partial_longer_than_what_the_server_has(
    entry: RegistryFile, cache: Path, site: Site
) -> None:
    unknown = replace(entry, bytes=None)
    leave_partial(unknown, cache)
    (cache / "corpus" / PART).write_bytes(CONTENT * 2)
    assert fetch(unknown, cache).path.read_bytes() == CONTENT  # by way of a 416


# -- what the server gets wrong --------------------------------------------------------------------


def test_a_wrong_hash_names_both_and_a_retry_starts_clean(
    entry: RegistryFile, cache: Path, site: Site
) -> None:
    site.files[PATH] = b"?" + CONTENT[1:]
    problem = refused(entry, cache, DataError, "DAT166")
    assert str(entry.sha256) in problem.message
    assert problem.message.count("SHA-256") == 1 and len(problem.message.split("SHA-256")[1]) > 128
    assert left_in(cache) == []
    site.files[PATH] = CONTENT
    assert fetch(entry, cache).downloaded
    assert "range" not in site.requests[-1]


@pytest.mark.parametrize("content", [CONTENT + b"x", CONTENT[:-1], b""], ids=len)
@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_another_size(
    content: bytes, declared: bool, entry: RegistryFile, cache: Path, site: Site
) -> None:
    site.files[PATH], site.declares_length = content, declared
    if declared or len(content) > len(CONTENT):
        problem = refused(entry, cache, DataError, "DAT165")
        assert f"{len(CONTENT):,}" in problem.message
        assert left_in(cache) == []
    else:  # no way to tell it from a cut connection
        refused(entry, cache, EnvironmentMissingError, "ENV110")
    assert not (cache / entry.path).exists()


def test_a_body_that_says_nothing_of_its_size(entry: RegistryFile, cache: Path, site: Site) -> None:
    site.declares_length = False
    assert fetch(entry, cache).downloaded


@pytest.mark.parametrize("status", [404, 500])
def test_a_status_that_is_no_answer(
    status: int, entry: RegistryFile, cache: Path, site: Site
) -> None:
    site.status = status
    if status == 404:
        site.files.clear()
    problem = refused(entry, cache, DataError, "DAT164")
    assert str(status) in problem.message and "--from" in (problem.hint or "")
    assert left_in(cache) == []


@pytest.mark.parametrize("where", ["file:///etc/hostname", "ftp://127.0.0.1/a", "/again"])
def test_redirects_that_are_not_followed(
    where: str, entry: RegistryFile, cache: Path, site: Site
) -> None:
    site.location = where  # "/again" leads to itself
    problem = refused(entry, cache, UnsafeError, "SAF020")
    assert problem.value == where
    assert len(site.requests) <= 6
    assert left_in(cache) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/a", "http://no.such.host.invalid/a"])
def test_a_server_that_cannot_be_reached(url: str, entry: RegistryFile, cache: Path) -> None:
    problem = refused(replace(entry, url=url), cache, EnvironmentMissingError, "ENV110")
    assert url in problem.message
    assert left_in(cache) == []


# -- no published hash -----------------------------------------------------------------------------


def test_the_first_hash_is_kept_and_held_to(entry: RegistryFile, cache: Path, site: Site) -> None:
    unknown = replace(entry, bytes=None, sha256=None)
    assert fetch(unknown, cache).sha256 == entry.sha256
    record = cache / "corpus" / "a.txt.sha256"
    assert record.read_text() == f"{entry.sha256}  a.txt\n"
    (cache / entry.path).write_bytes(b"changed")
    refused(unknown, cache, DataError, "DAT163")
    (cache / entry.path).unlink()
    site.files[PATH] = b"another"
    problem = refused(unknown, cache, DataError, "DAT166")
    assert str(record) in (problem.hint or "")
    record.unlink()
    assert fetch(unknown, cache).bytes == 7


# -- the disk --------------------------------------------------------------------------------------


class Full(storage.Disk):
    """A disk that takes one piece and is full."""

    def __init__(self) -> None:
        self.pieces = 0

    def write(self, file: int, data: bytes | memoryview) -> int:
        self.pieces += 1
        if self.pieces > 2:  # the first are the notes
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(file, data)


def test_a_disk_that_fills_up(
    entry: RegistryFile, cache: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(storage, "disk", Full())
        problem = refused(entry, cache, StorageError, "STO002")
    assert "free" in (problem.hint or "")
    assert left_in(cache) == [PART, NOTES]
    assert fetch(entry, cache).path.read_bytes() == CONTENT  # goes on, once there is room
    assert "range" in site.requests[-1]


def test_too_little_room_is_said_before_the_first_byte(
    entry: RegistryFile, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "free_bytes", lambda path: 1000)
    problem = refused(entry, cache, StorageError, "STO003")
    assert f"{len(CONTENT):,}" in problem.message and "1,000" in problem.message
    assert left_in(cache) == []


@pytest.mark.parametrize("call", ["make_folder", "open"])
def test_a_read_only_cache(
    call: str, entry: RegistryFile, cache: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(storage.disk, call, refuse)
    problem = refused(entry, cache, StorageError, "STO001")
    assert "Read-only" in problem.message
    assert not site.requests


def test_a_read_only_cache_that_has_the_file(
    entry: RegistryFile, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(entry, cache)

    class Untouched(storage.Disk):
        def __getattribute__(self, name: str) -> Any:
            raise AssertionError(f"{name} on a cache that needs nothing")

    monkeypatch.setattr(storage, "disk", Untouched())
    assert not fetch(entry, cache).downloaded


# -- two at once -----------------------------------------------------------------------------------


def test_of_two_at_once_one_waits_and_both_end_well(
    entry: RegistryFile, cache: Path, site: Site
) -> None:
    site.stall = 70_000
    downloaded: list[bool] = []

    def one() -> None:
        downloaded.append(fetch(entry, cache).downloaded)

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    site.resume.set()
    for thread in threads:
        thread.join()
    assert sorted(downloaded) == [False, False, True]
    assert len(site.requests) == 1
    assert left_in(cache) == ["a.txt"]
    assert (cache / entry.path).read_bytes() == CONTENT
