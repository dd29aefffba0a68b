"""`evaluate RUN FILE` where examples lie in more than one file: pairs, folders, images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnexp.cli.app import main

Capture = pytest.CaptureFixture[str]
SPLIT = "{train: 0.5, val: 0.25, test: 0.25}"
TRAINING = "training: {epochs: 2, batch_size: 8, optimizer: {name: adam, lr: 1e-2}}\n"


def trained(folder: Path, capsys: Capture, text: str) -> dict[str, Any]:
    (folder / "config.yaml").write_text(text + TRAINING, encoding="utf-8")
    runs = str(folder / "runs")
    assert main(["train", str(folder / "config.yaml"), "--runs", runs, "--json"]) == 0
    return last(capsys)


def last(capsys: Capture) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def scored(capsys: Capture, run: str, *arguments: str) -> dict[str, float]:
    assert main(["evaluate", run, *arguments, "--json"]) == 0
    metrics = last(capsys)["metrics"]
    assert isinstance(metrics, dict)
    return metrics


def over_the_splits(capsys: Capture, run: str, metric: str) -> float:
    """The mean over all examples, of which the splits have 1/2, 1/4 and 1/4."""
    shares = {"train": 0.5, "val": 0.25, "test": 0.25}
    return sum(
        share * scored(capsys, run, "--split", split)[f"{split}/{metric}"]
        for split, share in shares.items()
    )


def pairs(folder: Path) -> str:
    rng = np.random.default_rng(0)
    for name, lines in (("train", 40), ("val", 10), ("test", 12)):
        words = [rng.choice(list("abcd"), size=rng.integers(1, 5)).tolist() for _ in range(lines)]
        for ending, side in (("en", words), ("fr", [line[::-1] for line in words])):
            text = "".join(" ".join(line) + "\n" for line in side)
            (folder / f"{name}.{ending}").write_text(text, encoding="utf-8")
    return """
name: pairs
data: {source: pairs, path: train.en, target_path: train.fr, val_path: val.en,
  val_target_path: val.fr, test_path: test.en, test_target_path: test.fr, allow_overlap: true}
task: {kind: many_to_many, alignment: delayed}
model: {cell: gru, hidden_sizes: [8], embedding: 4}
"""


def test_two_files_score_as_the_test_part_did(tmp_path: Path, capsys: Capture) -> None:
    summary = trained(tmp_path, capsys, pairs(tmp_path))
    targets = ["--targets", str(tmp_path / "test.fr")]
    found = scored(capsys, summary["run"], str(tmp_path / "test.en"), *targets)
    for name in ("loss", "accuracy", "bleu"):
        assert found[f"file/{name}"] == pytest.approx(summary["metrics"][f"test/{name}"], rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (["test.en"], "--targets"),
        (["test.en", "--targets", "absent.fr"], "--targets"),
        (["--targets", "test.fr"], "--targets"),
        (["absent.en", "--targets", "test.fr"], "FILE"),
    ],
)
def test_both_files_are_needed(
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    key: str,
) -> None:
    run = trained(tmp_path, capsys, pairs(tmp_path))["run"]
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", run, *arguments, "--json"]) == 2
    assert last(capsys)["errors"][0]["key"] == key


def test_files_of_unequal_length_are_refused(tmp_path: Path, capsys: Capture) -> None:
    run = trained(tmp_path, capsys, pairs(tmp_path))["run"]
    files = [str(tmp_path / "test.en"), "--targets", str(tmp_path / "val.fr")]
    assert main(["evaluate", run, *files, "--json"]) == 4
    assert last(capsys)["errors"][0]["code"] == "DAT119"


def test_a_folder_scores_as_its_parts_do(tmp_path: Path, capsys: Capture) -> None:
    for name, words in (("good", "lovely warm bright"), ("bad", "dull long grey")):
        (tmp_path / "texts" / name).mkdir(parents=True)
        for i in range(20):
            file = tmp_path / "texts" / name / f"{i}.txt"
            file.write_text(f"so {words.split()[i % 3]} {'and ' * i}\n", encoding="utf-8")
    text = f"""
name: folder
data: {{source: folder, path: texts, split: {SPLIT}}}
task: {{kind: many_to_one}}
model: {{cell: gru, hidden_sizes: [4], embedding: 4}}
"""
    run = trained(tmp_path, capsys, text)["run"]
    found = scored(capsys, run, str(tmp_path / "texts"))
    for name in ("accuracy", "loss"):
        assert found[f"file/{name}"] == pytest.approx(over_the_splits(capsys, run, name), rel=1e-5)
    assert main(["evaluate", run, str(tmp_path / "absent"), "--json"]) == 2
    assert "no such folder" in last(capsys)["errors"][0]["message"]


def test_images_score_as_their_parts_do(tmp_path: Path, capsys: Capture) -> None:
    picture = pytest.importorskip("PIL.Image")
    (tmp_path / "album").mkdir()
    rows = ["image,caption"]
    for i in range(40):
        picture.new("L", (6, 6), 6 * i).save(tmp_path / "album" / f"{i}.png")
        rows.append(f"{i}.png,{'dark' if i < 20 else 'light'}")
    (tmp_path / "album" / "captions.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    text = f"""
name: images
data: {{source: images, path: album, captions: album/captions.csv, color: gray, split: {SPLIT}}}
task: {{kind: one_to_many}}
model: {{cell: gru, hidden_sizes: [8], image_encoder: {{channels: [4], size: 8}}}}
"""
    run = trained(tmp_path, capsys, text)["run"]
    found = scored(capsys, run, str(tmp_path / "album" / "captions.csv"))
    expected = over_the_splits(capsys, run, "exact_match")
    assert found["file/exact_match"] == pytest.approx(expected)
    assert found["file/loss"] > 0
