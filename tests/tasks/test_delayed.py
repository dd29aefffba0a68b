"""The delayed many-to-many as a task: what it learns, scores, writes down, and asks for."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rnnexp.config.loading import load_config
from rnnexp.data.batches import condition_of
from rnnexp.errors import CommandError, EnvironmentMissingError
from rnnexp.gradients.comparison_document import compare_experiment
from rnnexp.layers.encoder_decoder import EncoderDecoder
from rnnexp.running.evaluating import evaluate_run
from rnnexp.running.runner import train
from rnnexp.tasks import delayed
from rnnexp.tasks.baselines import baselines
from rnnexp.tasks.decoding import Decoded, beam
from rnnexp.tasks.scores import text_scores
from rnnexp.training.experiment import Experiment, assemble
from rnnexp.training.journal import Silent

CONFIG = """\
name: delayed
data: {source: jsonl, path: pairs.jsonl, unit: %s}
task: {kind: many_to_many, alignment: delayed}
model: {cell: gru, hidden_sizes: [48], bidirectional: true, embedding: 24}
training:
  epochs: 16
  batch_size: 50
  optimizer: {lr: 1e-2}
  clip: {norm: 1.0}
  monitor: val/exact_match
  threads: 1
"""


def write(folder: Path, pairs: list[tuple[str, str]], unit: str) -> Path:
    lines = [json.dumps({"inputs": source, "target": target}) for source, target in pairs]
    (folder / "pairs.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = folder / "delayed.yaml"
    config.write_text(CONFIG % unit, encoding="utf-8")
    return config


def reversed_letters(count: int) -> list[tuple[str, str]]:
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcdef"), rng.integers(1, 6))) for _ in range(count)]
    return [(text, text[::-1]) for text in texts]


SENTENCES = [
    ("two dogs don't run.", "deux chiens n'ont pas couru, non."),
    ("a dog sleeps.", "un chien dort."),
    ("a man doesn't eat.", "l'homme ne mange pas."),
    ("a red, old car.", "une voiture rouge, vieille."),
    ("the well-known man.", "l'homme bien-aimé."),
    ("dogs.", "chiens."),
    ("the old man eats.", "l'homme mange."),
    ("men run.", "des hommes courent."),
    ("a dog eats.", "un chien mange."),
    ("OK.", "OK."),
] * 3


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    return write(tmp_path, SENTENCES, "word")


def test_reversing_strings_is_learned(tmp_path: Path) -> None:
    """Without attention and a bridge that carry the source, most strings cannot be right."""
    summary = train(
        load_config(write(tmp_path, reversed_letters(1500), "character")),
        tmp_path / "runs",
        Silent(),
    )
    assert summary["metrics"]["test/exact_match"] > 0.9
    assert summary["baselines"]["copy"]["test/exact_match"] < 0.5


def test_a_teacher_who_withdraws(tmp_path: Path) -> None:
    """It trains through steps that read their own answers, and the coins are repeatable."""
    config = write(tmp_path, reversed_letters(200), "character")
    forcing = ["training.teacher_forcing={start: 0.9, end: 0.2, epochs: 2}", "training.epochs=2"]
    first, second = (
        train(load_config(config, forcing), tmp_path / name, Silent())["metrics"]
        for name in ("a", "b")
    )
    always = train(load_config(config, ["training.epochs=2"]), tmp_path / "c", Silent())["metrics"]
    assert first == second
    assert first["val/loss"] != always["val/loss"]


def test_a_run_of_sentences(sentences: Path, tmp_path: Path) -> None:
    """BLEU and chrF in every validation, the beam at the end, and what was written."""
    config = load_config(sentences, ["training.epochs=2", "task.beam=3", "data.allow_overlap=true"])
    summary = train(config, tmp_path / "runs", Silent())
    assert {"val/bleu", "val/chrf", "test/bleu", "test/exact_match"} <= set(summary["metrics"])
    assert {"unigram", "most_frequent_sequence", "copy"} == set(summary["baselines"])
    assert {"test/exact_match", "test/bleu", "test/chrf"} == set(summary["baselines"]["copy"])
    run = Path(summary["run"])
    records = [json.loads(line) for line in (run / "predictions.jsonl").read_text().splitlines()]
    assert {record["target"] for record in records} <= {target for _, target in SENTENCES}
    again = evaluate_run(run, "test")["metrics"]
    assert again["test/bleu"] == pytest.approx(summary["metrics"]["test/bleu"])
    theirs = text_scores([r["prediction"] for r in records], [r["target"] for r in records])
    assert theirs["bleu"] == pytest.approx(summary["metrics"]["test/bleu"])


def test_only_the_first_records_keep_their_attention(sentences: Path) -> None:
    experiment = assemble(load_config(sentences, ["data.allow_overlap=true"]))
    records = experiment.evaluate("train", keep_answers=True).records
    assert ["attention" in record for record in records] == [n < 3 for n in range(len(records))]
    lengths = experiment.dataset.train.source_lengths
    assert lengths is not None and len(set(lengths[:3].tolist())) > 1
    for record, length in zip(records[:3], lengths, strict=False):
        assert np.array(record["attention"]).shape[1] == length  # no column for padding
    steps = np.array(records[0]["attention"])
    assert steps.sum(axis=1) == pytest.approx(1, abs=1e-3)  # rounded to four places


def test_the_end_is_scored_by_beam_and_validation_greedily(
    sentences: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = assemble(load_config(sentences, ["task.beam=3", "data.allow_overlap=true"]))
    asked: list[int] = []

    def spy(*arguments: Any) -> Any:
        asked.append(arguments[4])
        return beam(*arguments)

    monkeypatch.setattr(delayed, "beam", spy)
    batch = next(experiment.batches("val").in_order())
    with torch.no_grad():
        experiment.task.score(experiment.network, batch, None)
        assert not asked
        experiment.task.final().score(experiment.network, batch, None)
    assert asked == [3]


def teach(experiment: Experiment, wanted: list[tuple[int, ...]], monkeypatch: Any) -> None:
    """Make the greedy search write these tokens."""
    answers = [Decoded(ids, 0.0, None) for ids in wanted]
    monkeypatch.setattr(delayed, "greedy", lambda *_: answers)


def test_scores_of_known_answers(sentences: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The true tokens: everything right but those with a token that training never saw."""
    experiment = assemble(load_config(sentences, ["data.allow_overlap=true"]))
    batch = next(experiment.batches("train").in_order())
    assert batch.lengths is not None and batch.texts is not None
    true = [
        tuple(ids[:n])
        for ids, n in zip(batch.targets.t().tolist(), batch.lengths.tolist(), strict=True)
    ]
    teach(experiment, true, monkeypatch)
    score, _ = experiment.task.score(experiment.network, batch, None)
    metrics = experiment.task.metrics(score)
    assert metrics["exact_match"] == 1
    assert metrics["bleu"] == pytest.approx(100)  # the spacing of words gives the text back
    assert [record["prediction"] for record in score.records] == list(batch.texts)
    unknown = experiment.task.outputs.vocabulary.unknown  # type: ignore[attr-defined]
    batch.targets[0, 0] = unknown
    teach(experiment, [(unknown, *true[0][1:]), *true[1:]], monkeypatch)
    score, _ = experiment.task.score(experiment.network, batch, None)
    assert experiment.task.metrics(score)["exact_match"] == 1 - 1 / len(true)


def test_copying_is_right_where_the_target_is_the_source(tmp_path: Path) -> None:
    pairs = [(text, text if n % 2 else text[::-1] + "z") for n, (text, _) in enumerate(SENTENCES)]
    config = load_config(write(tmp_path, pairs, "word"), ["data.allow_overlap=true"])
    dataset = assemble(config).dataset
    part = dataset.test
    assert part.texts is not None and part.origin is not None
    sources = [pairs[line - 1][0] for line in part.origin]
    same = [source == text for source, text in zip(sources, part.texts, strict=True)]
    copied = baselines(dataset)["copy"]
    assert copied["exact_match"] == pytest.approx(np.mean(same))
    assert copied["bleu"] == pytest.approx(text_scores(sources, part.texts)["bleu"], abs=5)


def test_padding_never_reaches_the_loss(sentences: Path) -> None:
    experiment = assemble(load_config(sentences, ["data.allow_overlap=true"]))
    batch = next(experiment.batches("train").in_order())
    assert isinstance(experiment.network, EncoderDecoder)
    output, _ = experiment.network(batch.inputs, None, batch.lengths, condition_of(batch))
    assert len(output) == batch.count
    assert batch.mask is not None
    output = output.detach()
    before = float(experiment.task.loss(output, batch))
    batch.targets[batch.mask == 0] = 1
    assert float(experiment.task.loss(output, batch)) == before


def test_without_sacrebleu_nothing_begins(
    sentences: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("sacrebleu"):
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(EnvironmentMissingError) as caught:
        train(load_config(sentences, ["data.allow_overlap=true"]), tmp_path / "runs", Silent())
    assert caught.value.exit == 12
    assert caught.value.problems[0].hint == 'pip install "rnnexp[text]"'
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


def test_letters_need_no_sacrebleu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sacrebleu", None)
    assemble(load_config(write(tmp_path, reversed_letters(60), "character")))


def test_the_equations_do_not_know_it(tmp_path: Path) -> None:
    experiment = assemble(load_config(write(tmp_path, reversed_letters(60), "character")))
    with pytest.raises(CommandError, match="encoder-decoder") as caught:
        compare_experiment(experiment)
    assert "model.cell=gru" in (caught.value.problems[0].hint or "")
