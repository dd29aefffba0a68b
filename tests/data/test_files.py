"""Which files are read at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from rnnexp.config.loading import load_config
from rnnexp.data.prepare import prepare
from rnnexp.errors import DataError, Problem


@pytest.fixture
def refused_path(refused: Any) -> Any:
    def call(path: str, exit_code: int = 4) -> Problem:
        data = {"source": "text", "path": path}
        problem: Problem = refused(data, "many_to_many", exit_code=exit_code)
        assert problem.position is not None
        assert (problem.position.line, problem.key) == (4, "data.path")
        return problem

    return call


def test_a_file_that_is_not_there(refused_path: Any, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("x")
    problem = refused_path("corpsu.txt")
    assert str(tmp_path / "corpsu.txt") in problem.message
    assert f"the folder of {tmp_path / 'experiment.yaml'}" in problem.message
    assert problem.value == "corpsu.txt"
    assert problem.suggestion == "corpus.txt"


def test_a_path_on_the_command_line_starts_at_the_current_folder(tmp_path: Path) -> None:
    config = tmp_path / "experiment.yaml"
    config.write_text("name: x\ndata: {source: text, path: a.txt}\ntask: {kind: many_to_many}\n")
    with pytest.raises(DataError) as caught:
        prepare(load_config(config, ["data.path=absent.txt"]))
    message = (
        f"no such file: {Path('absent.txt').absolute()} (a relative path starts at the current"
    )
    assert message in str(caught.value)


def test_what_is_no_file(refused_path: Any, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/dev/zero")
    assert "a directory" in refused_path("folder").message
    assert "a FIFO" in refused_path("fifo").message
    assert "a device" in refused_path("/dev/zero").message
    assert "a device" in refused_path("link").message


def test_what_cannot_be_opened(refused_path: Any, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    assert "symbolic links" in refused_path("loop").message
    assert "too long" in refused_path("x" * 5000).message
    assert "not a file name" in refused_path("a\0b").message
    assert "no such file" in refused_path("file/x").message


def test_a_file_without_permission(
    refused_path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret").touch()
    monkeypatch.setattr("rnnexp.data.reading_files.open_without_waiting", refuse)
    assert "Permission denied" in refused_path("secret").message


def test_a_file_larger_than_memory_is_not_read(refused: Any, tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 42)
    problem = refused({"source": "jsonl", "path": "sparse"}, exit_code=9)
    assert problem.key == "data.path"
    assert "4,398,046,511,104 bytes" in problem.message


def test_the_record_names_the_file_and_its_hash(make: Any, tmp_path: Path) -> None:
    raw = b"to be or not to be\r\n" * 50
    (tmp_path / "a.txt").write_bytes(raw)
    dataset = make({"source": "text", "path": "a.txt", "window": 10}, "many_to_many")
    digest = hashlib.sha256(raw).hexdigest()
    expected = {"path": str(tmp_path / "a.txt"), "sha256": digest, "bytes": 1000}
    assert dataset.record["files"] == [expected]
