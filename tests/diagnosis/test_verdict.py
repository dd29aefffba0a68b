"""What is said of a network, and that the change it names is one the config accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rnnexp.config.loading import load_config
from rnnexp.gradients.diagnosis import Evidence, judge, remedy_for
from rnnexp.gradients.gates import Units
from rnnexp.gradients.jacobian_curve import Spread
from rnnexp.gradients.truncation import Clipping

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
    ("saturated", evidence(0.6, units=[Units(saturated=0.7)])),  # the cause, not the symptom
    ("truncated", evidence(cut=20)),  # a window of 20 steps reaches back 19
    ("healthy", evidence(cut=21)),
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
    config = load_config(path)
    if (word == "truncated" and name != "truncated") or (word, name) == ("unclipped", "clipped"):
        return  # such a config has no k2 to be too short, or has a clip
    remedy = remedy_for(judge(found), found, config)
    if word == "healthy":
        assert remedy is None
        return
    assert remedy is not None and remedy.overrides
    assert load_config(path, remedy.overrides).experiment != config.experiment


def tried(path: Path, body: str, found: Evidence, *given: str) -> tuple[str, ...]:
    path.write_text(HEAD + body + "\n", encoding="utf-8")
    remedy = remedy_for(judge(found), found, load_config(path, given))
    assert remedy is not None
    return remedy.overrides


def test_remedies_are_those_of_the_lecture(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    assert tried(path, CONFIGS["rnn"], evidence(0.5)) == ("model.cell=lstm",)
    assert tried(path, CONFIGS["rnn"], evidence(1.5)) == ("training.clip.norm=1.0",)
    assert tried(path, CONFIGS["truncated"], evidence(cut=5)) == ("training.bptt.k2=25",)
    far = evidence(cut=5, needed=48)
    assert tried(path, CONFIGS["truncated"], far) == ("training.bptt=full",)


@pytest.mark.parametrize(
    ("name", "found", "given", "expected"),
    [
        ("rnn", evidence(0.5), ("seed=3",), ("seed=3", "model.cell=lstm")),
        ("lstm", evidence(0.5), ("model.cell=rnn",), ("model.cell=lstm",)),
        ("lstm", evidence(0.5), ("model.cell=rnn", "model.activation=relu"), ("model.cell=lstm",)),
        ("relu", evidence(0.5), (), ("model.cell=lstm", "~model.activation")),
        ("gru", evidence(cut=5), ("training.bptt={k1: 5, k2: 5}",), ("training.bptt=full",)),
    ],
)
def test_a_remedy_stays_with_what_was_given(
    tmp_path: Path, name: str, found: Evidence, given: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert tried(tmp_path / "x.yaml", CONFIGS[name], found, *given) == expected


def test_a_clipped_explosion_is_answered_by_another_start(tmp_path: Path) -> None:
    scaled = "model: {cell: rnn, init: {recurrent: spectral_radius, spectral_radius: 3.0}}"
    body = f"{scaled}\ntraining: {{clip: {{norm: 1.0}}}}"
    assert tried(tmp_path / "x.yaml", body, evidence(1.5)) == (
        "~model.init.spectral_radius",
        "model.init.recurrent=orthogonal",
    )
