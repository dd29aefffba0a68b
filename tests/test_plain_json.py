"""JSON that every reader accepts."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rnnexp.reading import json_line

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), values))
def test_json_is_always_one_valid_ascii_line(value: dict[str, Any]) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    line = json_line(value)
    assert line.isascii() and "\n" not in line
    json.loads(line, parse_constant=refuse)


def test_numbers_that_are_not_finite_come_back_through_float() -> None:
    record = json.loads(json_line({"a": [float("nan"), float("inf"), -float("inf")]}))
    assert record == {"a": ["NaN", "Infinity", "-Infinity"]}
    assert float(record["a"][2]) == -float("inf")
