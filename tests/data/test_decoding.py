"""Text in pieces is the text, wherever the pieces end, and so are the places of its mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.data.reading_files import decode
from rnnexp.errors import DataError

TEXT = "naïve\r\ncafé – 日本\r😀 end\n"


def pieces(raw: bytes, size: int) -> list[bytes]:
    return [raw[i : i + size] for i in range(0, len(raw), size)]


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_pieces_end_anywhere(size: int, mark: str) -> None:
    """Within a character, within a line end, within the byte order mark."""
    raw = (mark + TEXT).encode()
    assert "".join(decode(lambda: pieces(raw, size), "a")) == "naïve\ncafé – 日本\n😀 end\n"


@given(st.text(alphabet="aä日\r\n\ufeff"), st.integers(1, 5))
def test_as_if_decoded_at_once(text: str, size: int) -> None:
    ours = "".join(decode(lambda: pieces(text.encode(), size), "a"))
    assert ours == text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("bad", "message"),
    [(b"\xff", "byte 0xff"), (b"\xe6\x97x", "byte 0xe6"), (b"\0", "NUL byte"), (b"\xe6", "0xe6")],
)
def test_the_place_of_a_mistake(size: int, mark: str, bad: bytes, message: str) -> None:
    before = (mark + "äb\r\ncdé").encode()
    with pytest.raises(DataError) as caught:
        list(decode(lambda: pieces(before + bad, size), "a.txt"))
    (problem,) = caught.value.problems
    assert message in problem.message
    assert f"at byte offset {len(before)}" in problem.message
    assert str(problem.position) == "a.txt:2:4"
