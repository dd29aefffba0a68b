from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnexp.config.yaml_reading import LongNumberError, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("2E6", 2e6),
        (".5", 0.5),
        ("1.", 1.0),
        ("-0.25", -0.25),
        ("+7", 7),
        ("010", 10),
        ("0o17", 15),
        ("0x1f", 31),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("~", None),
        ("null", None),
        ("", None),
        ("true", True),
        ("FALSE", False),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    ours = resolve(text)
    assert ours == value
    assert type(ours) is type(value)


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "y", "1_000", "1:30", "0b1", "0o8", "1e", ".", "-", "+", "..5",
     "Nan", "inf", "nan", "tRue", "2024-01-01", "1.2.3", "\u0661\u0662"],
)  # fmt: skip
def test_everything_else_is_text(text: str) -> None:
    assert resolve(text) == text


def test_not_a_number() -> None:
    value = resolve(".nan")
    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize("text", ["9" * 5000, "0x" + "f" * 200, "0." + "3" * 400])
def test_a_number_of_thousands_of_digits_is_refused(text: str) -> None:
    with pytest.raises(LongNumberError, match="characters"):
        resolve(text)


@given(st.integers(-(10**90), 10**90))
def test_integers(number: int) -> None:
    assert resolve(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats(number: float) -> None:
    assert resolve(repr(number)) == number


@given(st.text())
def test_any_text_has_a_value(text: str) -> None:
    try:
        resolve(text)
    except LongNumberError:
        assert len(text) > 100
