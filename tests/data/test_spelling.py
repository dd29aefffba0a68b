"""Words as the ids of their characters."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnexp.data.dataset import Words
from rnnexp.data.encoding import Spelling


def test_beginning_and_end_of_a_long_word_stay() -> None:
    spelling = Spelling(Spelling.fit(["abcdefgh"]).characters, width=5)
    units = spelling.characters.units
    spelt = ["".join(units[i] for i in row if i) for row in spelling.encode(["abcdefgh", "ab", ""])]
    assert spelt == ["abfgh", "ab", ""]


def test_padding_is_0_and_what_training_never_showed_is_unknown() -> None:
    spelling = Spelling.fit(["cab"])
    (row,) = spelling.encode(["bad"])
    assert row[:3].tolist() == [3, 2, spelling.characters.unknown]
    assert not row[3:].any() and len(row) == spelling.width == 20


def test_it_travels_as_json() -> None:
    spelling = Spelling.fit(["naïve", "日本"])
    again = Spelling.from_json(spelling.to_json())
    assert again == spelling
    np.testing.assert_array_equal(again.encode(["日n"]), spelling.encode(["日n"]))


def test_examples_are_encoded_with_characters_of_the_training_part(
    make: Any, write_lines: Any
) -> None:
    for name, words in (("a", ["to", "be"]), ("b", ["or", "not", "to"]), ("c", ["beee"])):
        write_lines(f"{name}.jsonl", [{"inputs": words, "target": ["X", "Y", "X"][: len(words)]}])
    data = {
        "source": "jsonl", "path": "a.jsonl", "val_path": "b.jsonl", "test_path": "c.jsonl",
        "unit": "label", "target_unit": "label", "allow_overlap": True,
    }  # fmt: skip
    model = {"embedding": 4, "characters": {}}
    dataset = make(data, "many_to_many", model=model)
    assert isinstance(dataset.inputs, Words)
    assert set(dataset.inputs.spelling.characters.units) - {"<padding>", "<unknown>"} == set("tobe")
    assert dataset.inputs.vocabulary is not None
    ids = dataset.inputs.vocabulary.ids
    assert dataset.train.inputs[0, :, 0].tolist() == [ids["to"], ids["be"]]
    assert dataset.train.inputs.shape == (1, 2, 21)
    unknown, o = 1, dataset.inputs.spelling.characters.ids["o"]
    assert dataset.val.inputs[0, 0, :4].tolist() == [ids["<unknown>"], o, unknown, 0]
    record = dataset.record["inputs"]["spelling"]
    assert Spelling.from_json(record) == dataset.inputs.spelling
