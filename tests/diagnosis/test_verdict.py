"""What is said of a network, and that the change it names is one the config accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rnnexp.config.load import load_config
from rnnexp.diagnosis.clipping import Clipping
from rnnexp.diagnosis.curve import Spread
from rnnexp.diagnosis.gates import Units
from rnnexp.diagnosis.verdict import Evidence, judge, remedy_for

T = 50
GOOD = Clipping(100, 1.0, 3.0, None, None, by_value=False)
WILD = Clipping(100, 1.0, 30.0, None, None, by_value=False)
HELD = Clipping(100, 1.0, 30.0, 0.2, 1.0, by_value=False)

CONFIGS = {
    "rnn": "model: {cell: rnn, hidden_sizes: [4]}",
    "relu": "model: {cell: rnn, activation: relu, hidden_sizes: [4]}",
    "lstm": "model: {cell: lstm, hidden_sizes: [4]}",
    "gru": "model: {cell: gru, hidden_sizes: [4]}",
    "output": "model: {cell: rnn, recurrence: output_to_hidden, hidden_sizes: [4]}\n"
    "training: {teacher_forcing: {start: 0.5}}",
    "clipped": "model: {cell: rnn, hidden_sizes: [4]}\ntraining: {clip: {norm: 1.0}}",
    "truncated": "model: {cell: gru, hidden_sizes: [4]}\ntraining: {bptt: {k1: 5, k2: 5}}",
}
HEAD = "name: x\ndata: {source: delayed_echo, length: 50, delay: 20}\ntask: {kind: many_to_many}\n"


def curve(factor: float) -> Spread:
    values = tuple(factor**lag for lag in range(T + 1))
    return Spread(values, values, values)


def evidence(factor: float = 1.0, **changed: Any) -> Evidence:
    given: dict[str, Any] = {
        "curves": [curve(factor)],
        "units": [Units(saturated=0.1)],
        "needed": 20,
        "cut": None,
        "clipping": GOOD,
    }
    return Evidence(**(given | changed))


CASES = [
    ("healthy", evidence()),
    ("healthy", evidence(0.8)),  # 0.01 is left after 20 steps
    ("vanishing", evidence(0.6)),
    ("vanishing", evidence(curves=[curve(0.5), curve(0.6)])),
    ("healthy", evidence(curves=[curve(0.5), curve(1.0)])),  # one layer remembers for both
    ("exploding", evidence(1.4)),
    ("exploding", evidence(curves=[curve(0.5), curve(1.4)])),
    ("saturated", evidence(units=[Units(saturated=0.7)])),
    ("saturated", evidence(units=[Units(dead=0.6)])),
    ("unclipped", evidence(clipping=WILD)),
    ("healthy", evidence(clipping=HELD)),
    ("healthy", evidence(clipping=None)),
    ("truncated", evidence(cut=19)),
    ("healthy", evidence(cut=20)),
]


@pytest.mark.parametrize(("word", "found"), CASES)
def test_verdict(word: str, found: Evidence) -> None:
    verdict = judge(found)
    assert verdict.word == word
    assert verdict.reason and verdict.evidence


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("word", "found"), CASES)
def test_remedy_is_accepted(tmp_path: Path, name: str, word: str, found: Evidence) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(HEAD + CONFIGS[name] + "\n", encoding="utf-8")
    settings = load_config(path).experiment
    if (word == "truncated" and name != "truncated") or (word, name) == ("unclipped", "clipped"):
        return  # such a config has no k2 to be too short, or has a clip
    remedy = remedy_for(judge(found), found, path, settings)
    if word == "healthy":
        assert remedy is None
        return
    assert remedy is not None and remedy.overrides
    changed = load_config(path, remedy.overrides).experiment
    assert changed != settings


def test_remedies_are_those_of_the_lecture(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(HEAD + CONFIGS["rnn"] + "\n", encoding="utf-8")
    settings = load_config(path).experiment

    def tried(found: Evidence) -> tuple[str, ...]:
        remedy = remedy_for(judge(found), found, path, settings)
        assert remedy is not None
        return remedy.overrides

    assert tried(evidence(0.5)) == ("model.cell=lstm",)
    assert tried(evidence(1.5)) == ("training.clip.norm=1.0",)
    path.write_text(HEAD + CONFIGS["truncated"] + "\n", encoding="utf-8")
    assert tried(evidence(cut=5)) == ("training.bptt.k2=20",)
