"""Words put together again as the training part writes them."""

from __future__ import annotations

import pytest

from rnnexp.data.units import Spacing, Words

FRENCH = [
    "L'homme bien-aimé, vieux, dort.",
    "C'est l'heure d'aller (peut-être) dehors !",
    "Qu'est-ce que c'est ?",
]


@pytest.mark.parametrize("text", FRENCH)
def test_text_to_words_and_back(text: str) -> None:
    spacing = Spacing.fit(FRENCH)
    assert spacing.join(Words().split(text)) == text


def test_words_that_no_mark_joins_keep_their_space() -> None:
    assert Spacing.fit(FRENCH).join(["une", "autre", "heure", "."]) == "une autre heure."


def test_without_a_training_part() -> None:
    assert Spacing().join(["a", ",", "b"]) == "a , b"
    assert Spacing(separator="").join("abc") == "abc"
    assert not Spacing().join([])


def test_through_json() -> None:
    spacing = Spacing.fit(FRENCH)
    assert spacing.closes and spacing.opens
    assert Spacing.from_json(spacing.to_json()) == spacing
