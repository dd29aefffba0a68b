"""Small data sets and configs that several tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from rnnexp.config.config import Config
from rnnexp.config.schema import Experiment
from rnnexp.data.dataset import Dataset, Sequences, Tokens, Values, Words
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.spelling import Spelling

MakeDataset = Callable[..., Dataset]
MakeConfig = Callable[..., Config]

# How long an example takes says more about the machine's load than about the code.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture
def make_dataset() -> MakeDataset:
    """A random data set of any shape: make_dataset("many_to_one", classes=3, ragged=True, ...)."""

    def make(  # noqa: PLR0917
        shape: str,
        classes: int | None = None,
        vocabulary: int | None = None,
        examples: int = 12,
        time: int = 6,
        features: int = 2,
        ragged: bool = False,
        consecutive: bool = False,
    ) -> Dataset:
        rng = np.random.default_rng(0)

        def numbers(*axes: int) -> np.ndarray[Any, np.dtype[np.float32]]:
            return rng.standard_normal((*axes, features)).astype(np.float32)

        def split() -> Sequences:
            steps = (examples,) if shape == "one_to_many" else (examples, time)
            answers = (examples,) if shape == "many_to_one" else (examples, time)
            return Sequences(
                inputs=numbers(*steps)
                if vocabulary is None
                else rng.integers(vocabulary, size=steps),
                targets=numbers(*answers)
                if classes is None
                else rng.integers(classes, size=answers),
                lengths=rng.integers(1, time + 1, size=examples) if ragged else None,
            )

        return Dataset(
            source="test",
            shape=shape,  # type: ignore[arg-type]
            train=split(),
            val=split(),
            test=split(),
            inputs=Values(features) if vocabulary is None else Tokens(vocabulary),
            outputs=Values(features) if classes is None else Tokens(classes, end=0),
            consecutive=consecutive,
        )

    return make


@pytest.fixture
def make_words() -> Callable[[], Dataset]:
    """A random tagging of words with their characters."""

    def make() -> Dataset:
        rng, words = np.random.default_rng(0), [f"{'ab' * n}{n}" for n in range(9)]
        vocabulary, spelling = Vocabulary.fit(words), Spelling.fit(words)

        def split() -> Sequences:
            chosen = [[words[i] for i in row] for row in rng.integers(9, size=(12, 6))]
            inputs = [
                np.column_stack([vocabulary.encode(row), spelling.encode(row)]) for row in chosen
            ]
            lengths = rng.integers(1, 7, size=12)
            return Sequences(np.stack(inputs), rng.integers(3, size=(12, 6)), lengths)

        words_read = Words(len(vocabulary), vocabulary, spelling=spelling)
        parts = split(), split(), split()
        return Dataset("test", "many_to_many", *parts, inputs=words_read, outputs=Tokens(3))

    return make


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """A Config without a file: make_config(data={...}, task={...}, model={...}, training={...})."""

    def make(**sections: Any) -> Config:
        experiment = Experiment.model_validate({"name": "test", **sections})
        return Config(experiment, tmp_path / "test.yaml", "", (), {})

    return make


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parallel test workers inherit a width; what is tested here writes to a pipe."""
    monkeypatch.delenv("COLUMNS", raising=False)
