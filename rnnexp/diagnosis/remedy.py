"""The one change to try, as overrides that the config at hand accepts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnexp.config.config import Config
from rnnexp.config.load import load_config
from rnnexp.diagnosis.verdict import Evidence, Verdict
from rnnexp.errors import RnnexpError

__all__ = ["Remedy", "remedy_for"]

Candidates = Iterator[tuple[str, list[str]]]


@dataclass(frozen=True)
class Remedy:
    """What to try: in words, and as all overrides of the command, those given before included."""

    text: str
    overrides: tuple[str, ...]


def remedy_for(verdict: Verdict, found: Evidence, config: Config) -> Remedy | None:
    """The first change that this config accepts; None for a healthy network."""
    for text, wanted in _candidates(verdict.word, found, config):
        for overrides in _with_given(config.overrides, wanted):
            try:
                changed = load_config(config.path, overrides)
            except RnnexpError:
                continue
            if changed.experiment != config.experiment:
                return Remedy(text, tuple(overrides))
    return None


def _with_given(given: Sequence[str], wanted: Sequence[str]) -> Iterator[list[str]]:
    """The change after what was given already; what it contradicts or repeats is left out."""
    keys = [_key(each) for each in wanted]
    kept = [
        each for each in given if not any(f"{_key(each)}.".startswith(f"{key}.") for key in keys)
    ]
    apart = [each for each in kept if not any(key.startswith(f"{_key(each)}.") for key in keys)]
    for others in (kept, apart):
        yield [*others, *wanted]
        yield [*others, *(each for each in wanted if not each.startswith("~"))]


def _key(override: str) -> str:
    return override.removeprefix("~").partition("=")[0]


def _candidates(word: str, found: Evidence, config: Config) -> Candidates:
    training = config.experiment.training
    slower = "a lower learning rate", [f"training.optimizer.lr={training.optimizer.lr / 3:.1e}"]
    if word == "truncated":
        yield from _longer_truncation(found, config)
    elif word == "vanishing":
        yield from _longer_memory(found, config)
    elif word == "exploding":
        if training.clip is None:
            yield "gradient clipping", ["training.clip.norm=1.0"]
        orthogonal = ["model.init.recurrent=orthogonal"]
        for dropped in ([], ["~model.init.spectral_radius"]):
            yield "a loop that neither grows nor shrinks", [*dropped, *orthogonal]
        yield from _longer_memory(found, config)
        yield slower
    elif word == "saturated":
        yield "layer normalisation", ["model.layer_norm=true"]
        yield slower
    elif word == "unclipped" and found.clipping is not None:
        norm = float(f"{found.clipping.mean_norm:.1g}")
        yield "clipping at the mean norm", [f"training.clip.norm={norm}"]


def _longer_truncation(found: Evidence, config: Config) -> Candidates:
    """Of the k1 losses of a window the first reaches back k2 - k1 steps, the last k2 - 1."""
    k2 = found.needed + getattr(config.experiment.training.bptt, "k1", 1)
    if k2 < max(len(curve.mean) for curve in found.curves):
        yield "a longer truncation", [f"training.bptt.k2={k2}"]
    yield "full backpropagation", ["training.bptt=full"]


def _longer_memory(found: Evidence, config: Config) -> Candidates:
    """An LSTM; for one, a forget gate open for so long as is needed (Tallec, Ollivier 2018)."""
    model = config.experiment.model
    if model.cell == "lstm":
        bias = round(math.log(max(found.needed, 2)), 1)
        yield "a forget gate that stays open so long", [f"model.forget_bias={bias}"]
    back = [] if model.recurrence == "hidden_to_hidden" else ["~model.recurrence"]
    for dropped in ([], ["~model.activation"], ["~training.teacher_forcing"]):
        yield "an LSTM", ["model.cell=lstm", *back, *dropped]
