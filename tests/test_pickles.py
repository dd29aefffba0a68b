"""What is a pickle, and what only looks like one."""

from __future__ import annotations

import io
import json
import pickle
from collections import OrderedDict
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.reading import BINARY, is_pickle

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts) | st.tuples(parts, parts),
    max_leaves=8,
)


@pytest.mark.parametrize("data", [b"(dp0\n.", b"cos\nsystem\n(S'true'\ntR.", b"N."])
def test_pickles(data: bytes) -> None:
    assert is_pickle(data)


@given(VALUES, st.integers(0, 5))
def test_every_protocol(value: Any, protocol: int) -> None:
    assert is_pickle(pickle.dumps(value, protocol))


def test_classes_and_what_torch_saved_once() -> None:
    for protocol in range(6):
        assert is_pickle(pickle.dumps(OrderedDict(a=io.BytesIO), protocol))
    old = io.BytesIO()
    torch.save({"weight": torch.ones(3)}, old, _use_new_zipfile_serialization=False)
    assert is_pickle(old.getvalue())


@pytest.mark.parametrize(
    "data",
    [b"", b"\x80", b"\x80\x02", b"\x80\x01x", b"\x93NUMPY", b"PK\x03\x04", b"(1, 2)\n",
     b"(\0\0\0\0\0\0\0{" + b" " * 39 + b"."],
)  # fmt: skip
def test_other_bytes(data: bytes) -> None:
    assert not is_pickle(data)


def test_a_safetensors_header_of_any_length_is_none() -> None:
    """Those of 640 bytes begin with the two bytes of a pickle; whole, torn, and ending in a dot."""
    for length in range(1, 70_001):
        data = length.to_bytes(8, "little") + b"{" + b" " * (length - 1) + b"."
        assert not is_pickle(data), length
        assert not BINARY.match(data), length
        if length >= 640:
            assert not is_pickle(data[:600] + b"\0"), length


def test_a_header_of_640_bytes_as_safetensors_writes_it() -> None:
    name = next(
        "x" * n for n in range(1, 640)
        if safetensors.torch.save({"x" * n: torch.ones(2)})[:2] == b"\x80\x02"
    )  # fmt: skip
    data = safetensors.torch.save({name: torch.ones(2)})
    assert list(json.loads(data[8:648])) == [name]
    assert not is_pickle(data)
