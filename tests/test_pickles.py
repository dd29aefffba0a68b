"""What is a pickle, and what only looks like one."""

from __future__ import annotations

import pytest

from rnnexp.pickles import is_pickle


@pytest.mark.parametrize(
    "data", [b"\x80\x02}.", b"\x80\x05N.", b"(dp0\n.", b"cos\nsystem\n(S'true'\ntR.", b"N."]
)
def test_pickles(data: bytes) -> None:
    assert is_pickle(data)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80", b"\x80\x01x", b"\x93NUMPY", b"PK\x03\x04", b"(1, 2)\n", b"(\0\0\0\0\0\0\0{}. ."],
)
def test_other_bytes(data: bytes) -> None:
    assert not is_pickle(data)
