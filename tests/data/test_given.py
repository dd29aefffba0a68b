"""Lines of a file or a pipe, each complaint with its place."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from rnnexp.data.reading_files import lines_of, open_given
from rnnexp.errors import CommandError, DataError


def test_lines_have_their_numbers_and_blank_ones_are_passed_over() -> None:
    stream = io.BytesIO("\ufeffone\r\n\n  two\nthree".encode())
    assert list(lines_of(stream, "f")) == [(1, "one"), (3, "  two"), (4, "three")]


@pytest.mark.parametrize(("raw", "line"), [(b"ok\nca\xe9\n", 2), (b"a\0b\n", 1), (b"x\na\0\n", 2)])
def test_what_is_no_text_is_refused_with_its_line(raw: bytes, line: int) -> None:
    with pytest.raises(DataError) as caught:
        list(lines_of(io.BytesIO(raw), "f"))
    assert caught.value.problems[0].position is not None
    assert caught.value.problems[0].position.line == line


def test_a_missing_file_is_the_command_lines_fault_a_fifo_the_datas(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        open_given(tmp_path / "absent", "INPUT")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="FIFO"):
        open_given(tmp_path / "pipe", "INPUT")
