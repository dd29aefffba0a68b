"""Texts cut into units and joined again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rnnexp.data.encoding import Scaler, Vocabulary
from rnnexp.data.units import BytePairs, Characters, Words

ENGLISH = "The quick brown fox jumps over the lazy dog; the dog sleeps. " * 20
PAIRS = BytePairs.fit([ENGLISH], 280)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_characters_and_byte_pairs_give_the_text_back(text: str) -> None:
    for units in (Characters(), PAIRS):
        assert units.join(units.split(text)) == text


def test_byte_pairs_of_accents_and_emoji() -> None:
    text = "naïve café — 😀 👩‍👩‍👧 日本語\t\n\n  x"
    assert PAIRS.join(PAIRS.split(text)) == text
    assert len(PAIRS.pieces) == 280
    assert len(PAIRS.split("the lazy dog")) < 6  # not letter by letter, as training showed them


@given(st.text(alphabet="ab'sé日1!? \t\n\x1c\x85\u00a0\u3000"))
def test_words_that_are_remembered_change_no_byte_pairs(text: str) -> None:
    whole = Tokenizer.from_str(PAIRS.model).encode(text).tokens
    assert PAIRS.split(text) == PAIRS.split(text) == whole


def test_byte_pairs_that_are_no_text_are_shown_as_such() -> None:
    assert PAIRS.join(PAIRS.split("é")[:1]) == "\ufffd"


def test_byte_pairs_follow_from_the_text() -> None:
    cut = [ENGLISH[:39], ENGLISH[39:]]
    assert cut[1].startswith(" ")
    assert BytePairs.fit([ENGLISH], 280) == BytePairs.fit(cut, 280) == PAIRS


def test_fewer_byte_pairs_than_asked_for_where_the_text_has_no_more() -> None:
    assert len(BytePairs.fit(["ab ab"], 5000).pieces) < 262


@pytest.mark.parametrize(
    "text",
    [
        "Don't stop, it's (nearly) done!",
        "well: what? no. yes;",
        "“Quoted” words and $5",
    ],
)
def test_words_are_joined_as_english_is_written(text: str) -> None:
    words = Words()
    assert words.join(words.split(text)) == text


@pytest.mark.parametrize("units", [None, Characters(), Words(), PAIRS])
def test_a_vocabulary_travels_as_json(units: Characters | Words | BytePairs | None) -> None:
    vocabulary = Vocabulary(("<unknown>", "a", "b"), 0, units)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_a_scaler_travels_as_json() -> None:
    values = np.array([[1.0, 2.0], [3.0, 7.0]])
    scaler = Scaler.fit("standard", values, log=True)
    ours = Scaler.from_json(scaler.to_json())
    assert (ours.apply(values) == scaler.apply(values)).all()


def test_a_text_is_encoded_as_its_units_are() -> None:
    vocabulary = Vocabulary.fit("abcä日", text=Characters())
    text = "a日z😀bä"
    assert vocabulary.encode_text(text).tolist() == vocabulary.encode(text).tolist()
    assert vocabulary.decode_text(vocabulary.encode_text("ab日")) == "ab日"
