"""An image file as the start of a sequence, for a run that reads images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image as Pillow

from rnnexp.config.loading import load_config
from rnnexp.errors import CommandError, DataError
from rnnexp.inference.generation import Drawing, condition_of, sequences
from rnnexp.inference.trained import Trained, restore_for_use
from rnnexp.running.runner import train
from rnnexp.tasks.decoding import Sampling
from rnnexp.training.journal import Silent


@pytest.fixture
def trained(tmp_path: Path) -> Trained:
    """Twelve gray images, dark ones captioned `dark`, bright ones `bright`, and a trained run."""
    rows, pixels = ["image,caption"], np.random.default_rng(0).integers(60, size=(12, 8, 8))
    for number, image in enumerate(pixels + 180 * (np.arange(12) % 2)[:, None, None]):
        Pillow.fromarray(image.astype(np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{('dark', 'bright')[number % 2]}")
    (tmp_path / "captions.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    config: dict[str, Any] = {
        "name": "brightness",
        "data": {"source": "images", "path": ".", "captions": "captions.csv", "color": "gray",
                 "split": {"train": 0.5, "val": 0.25, "test": 0.25}},
        "task": {"kind": "one_to_many"},
        "model": {"hidden_sizes": [16], "image_encoder": {"channels": [4], "size": 8}},
        "training": {"epochs": 60, "batch_size": 6, "optimizer": {"name": "adam", "lr": 0.02},
                     "threads": 1},
    }  # fmt: skip
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    summary = train(load_config(tmp_path / "a.yaml"), tmp_path / "runs", Silent())
    return restore_for_use(Path(summary["run"]))


def test_the_text_of_an_image(trained: Trained, tmp_path: Path) -> None:
    greedy = Drawing(Sampling(0.0))
    Pillow.new("RGB", (20, 30), (250, 250, 250)).save(tmp_path / "large.png")  # resized, made gray
    expected = {"0.png": "dark", "1.png": "bright", "large.png": "bright"}
    for name, text in expected.items():
        condition = condition_of(trained, tmp_path / name, "--image")
        assert condition.array.shape == (1, 1, 8, 8)
        assert sequences(trained, condition, greedy) == [text]
    first = condition_of(trained, tmp_path / "0.png", "--image").array
    np.testing.assert_array_equal(
        first[0, 0], np.asarray(Pillow.open(tmp_path / "0.png")) / np.float32(255)
    )


def test_what_is_no_image(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        condition_of(trained, tmp_path / "absent.png", "--image")
    with pytest.raises(DataError, match="is no image"):
        condition_of(trained, tmp_path / "a.yaml", "--image")
    with pytest.raises(CommandError, match="is not what this run starts from"):
        condition_of(trained, "dark", "--label")
