"""Small data sets and configs that several tests share."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from rnnexp.config.config import Config
from rnnexp.config.schema import Experiment
from rnnexp.data.dataset import Dataset, Image, Sequences, Tokens, Values, Words
from rnnexp.data.encoding import Spelling, Vocabulary

MovedRun = Callable[[str], Path]
MakeDataset = Callable[..., Dataset]
MakeConfig = Callable[..., Config]

# Public data sets for the tests that need one, unless the caller names another cache.
PUBLIC_DATA = Path(__file__).parents[2] / "shared" / "data"
if PUBLIC_DATA.is_dir():
    os.environ.setdefault("RNNEXP_DATA", str(PUBLIC_DATA))

# Tiny networks: threads that wait for each other cost ten times the work, and where the tests run
# side by side a hundred times. Nothing here has imported torch yet, which reads this once. What a
# config asks for is asked for all the same.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as `rnnexp` has it

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


WORDS = ("lovely", "warm", "bright"), ("dull", "long", "grey")
RUNS = {
    "reviews": """
data: {source: jsonl, path: data.jsonl, inputs: text, target: mood, unit: word, lowercase: true}
task: {kind: many_to_one, target: classification}
model: {cell: gru, hidden_sizes: [8], embedding: 4}
""",
    "tags": """
data: {source: jsonl, path: data.jsonl, unit: label, target_unit: label}
task: {kind: many_to_many, target: classification}
model: {cell: gru, hidden_sizes: [8], embedding: 4, bidirectional: true}
""",
    "spelled": """
data: {source: jsonl, path: data.jsonl, unit: label, target_unit: label}
task: {kind: many_to_many, target: classification}
model: {hidden_sizes: [8], embedding: 4, characters: {embedding: 4, hidden_size: 4}}
""",
    "delayed": """
data: {source: jsonl, path: data.jsonl, unit: label, target_unit: label}
task: {kind: many_to_many, alignment: delayed, target: classification}
model: {cell: gru, hidden_sizes: [8], embedding: 4}
""",
    "names": """
data: {source: jsonl, path: data.jsonl, unit: label, target_unit: character}
task: {kind: one_to_many}
model: {cell: gru, hidden_sizes: [8]}
""",
    "waves": """
data: {source: waveforms, length: 8, period: 4, train: 40, val: 20, test: 20}
task: {kind: one_to_many}
model: {cell: gru, hidden_sizes: [8]}
""",
    "pictures": """
data: {source: digits, view: image}
task: {kind: one_to_many}
model: {cell: gru, hidden_sizes: [8], image_encoder: {channels: [4], size: 8}}
""",
    "sums": """
data: {source: jsonl, path: data.jsonl, scale: standard}
task: {kind: many_to_one, target: regression}
model: {hidden_sizes: [8]}
""",
    "window": """
data: {source: csv, path: data.csv, value: [up, down], window: 6, horizon: 2, season: 12}
task: {kind: many_to_one}
model: {hidden_sizes: [8]}
""",
    "stream": """
data: {source: csv, path: data.csv, value: up, window: 8, log: true}
task: {kind: many_to_many}
model: {cell: lstm, hidden_sizes: [8]}
""",
    "beside": """
data: {source: csv, path: data.csv, value: up, inputs: [down], window: 6, horizon: 2, season: 12}
task: {kind: many_to_one}
model: {hidden_sizes: [8]}
""",
    "text": """
data: {source: text, path: data.txt, window: 8}
task: {kind: many_to_many}
model: {cell: lstm, hidden_sizes: [16], embedding: 8}
""",
}


def _examples(name: str) -> list[dict[str, Any]]:
    """40 different ones."""
    if name == "reviews":
        pairs = [(f"so {a} and {b}", i) for i, mood in enumerate(WORDS) for a in mood for b in mood]
        pairs += [(f"{b}, {a} film", i) for i, mood in enumerate(WORDS) for a in mood for b in mood]
        return [{"text": text, "mood": ("good", "bad")[i]} for text, i in pairs]
    if name in ("tags", "spelled"):
        nouns = [f"noun{i}" for i in range(5)]
        return [
            {"inputs": [*("the", "old")[:k], noun, *("runs",) * r],
             "target": [*("DET", "ADJ")[:k], "NOUN", *("VERB",) * r]}
            for noun in nouns for k in (0, 1, 2) for r in (0, 1, 2)
        ]  # fmt: skip
    if name == "delayed":
        twos = ([a, b] * n for a in "abcd" for b in "abcde" for n in (1, 2))
        return [{"inputs": [*pair, "x"], "target": [*pair[::-1]]} for pair in twos]
    if name == "names":
        return [{"inputs": k, "target": k[0] * n} for k in ("ab", "cd") for n in range(1, 21)]
    return [{"inputs": [i % 7, i % 5, i], "target": i % 7 + i % 5 + i} for i in range(40)]


@pytest.fixture(scope="session")
def moved_run(tmp_path_factory: pytest.TempPathFactory) -> MovedRun:
    """A small run by its name, in a folder that was copied; its data are gone."""
    from rnnexp.config.loading import load_config
    from rnnexp.running.runner import train
    from rnnexp.training.journal import Silent

    @cache
    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        lines = [f"{20 + 10 * math.sin(i / 2):.3f},{i % 12}" for i in range(160)]
        (folder / "data.csv").write_text("up,down\n" + "\n".join(lines) + "\n")
        (folder / "data.txt").write_text("abcd abc.\n" * 60)
        records = map(json.dumps, _examples(name))
        (folder / "data.jsonl").write_text("\n".join(records) + "\n")
        text = f"name: {name}{RUNS[name]}training: {{epochs: 2, batch_size: 8}}\n"
        (folder / "config.yaml").write_text(text)
        summary = train(load_config(folder / "config.yaml"), folder / "runs", Silent())
        run = Path(summary["run"])
        elsewhere = tmp_path_factory.mktemp("moved") / run.name
        shutil.copytree(run, elsewhere)
        shutil.rmtree(folder)
        return elsewhere

    return make
