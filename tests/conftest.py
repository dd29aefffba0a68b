"""Small data sets and configs that several tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from rnnexp.config.config import Config
from rnnexp.config.schema import Experiment
from rnnexp.data.dataset import Dataset, Image, Sequences, Tokens, Values

MakeDataset = Callable[..., Dataset]
MakeConfig = Callable[..., Config]

# Public data sets for the tests that need one, unless the caller names another cache.
PUBLIC_DATA = Path(__file__).parents[2] / "shared" / "data"
if PUBLIC_DATA.is_dir():
    os.environ.setdefault("RNNEXP_DATA", str(PUBLIC_DATA))

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
def with_images(make_dataset: MakeDataset) -> MakeDataset:
    """A random one_to_many whose conditions are images: with_images(Image(3, 8, 9), classes=4)."""

    def make(image: Image, **options: Any) -> Dataset:
        dataset, rng = make_dataset("one_to_many", **options), np.random.default_rng(1)

        def split(old: Sequences) -> Sequences:
            shape = (len(old), image.channels, image.height, image.width)
            return replace(old, inputs=rng.random(shape, dtype=np.float32))

        parts: dict[str, Any] = {
            name: split(dataset.split(name)) for name in ("train", "val", "test")
        }
        return replace(dataset, inputs=image, **parts)

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
