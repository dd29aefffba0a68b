"""What travels with a run comes back from JSON as it was."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnnexp.data.dataset import Image, Spec, Tokens, Values, spec_from_json
from rnnexp.data.encoding import Scaler, Vocabulary
from rnnexp.data.signature import Signature

SPECS: list[Spec] = [
    Values(2),
    Values(3, ("a", "b", "c=x"), None, {"c": ("x",)}),
    Tokens(4),
    Image(1, 8, 8),
    Tokens(3, Vocabulary(("<end>", "é", "\n")), end=0),
    Tokens(2, Vocabulary.fit(["a"], unknown=True)),
]


@pytest.mark.parametrize("spec", SPECS)
def test_every_spec_comes_back(spec: Spec) -> None:
    assert spec_from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_scaler_comes_back_to_the_last_bit() -> None:
    scaler = Scaler.fit("standard", np.random.default_rng(0).random((9, 2)) + 1, log=True)
    back = Scaler.from_json(json.loads(json.dumps(scaler.to_json())))
    values = np.array([[0.3, 7.0]])
    assert np.array_equal(back.apply(values), scaler.apply(values))
    assert np.array_equal(back.invert(values), scaler.invert(values))


def test_a_signature_comes_back() -> None:
    signature = Signature("jsonl", "many_to_one", SPECS[0], Tokens(4), 7, ("number", "label"))
    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature
