"""Naive answers, held against the same numbers computed another way."""

from __future__ import annotations

import csv
import itertools
import math
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset, Sequences, Tokens, Values
from rnnexp.data.prepare import prepare
from rnnexp.tasks.baselines import baselines

Doubles = NDArray[np.float64]


def table(name: str, column: str) -> Doubles:
    with files("rnnexp.data").joinpath("tables", f"{name}.csv").open() as lines:
        return np.array([float(row[column]) for row in csv.DictReader(lines)])


def dataset_of(make_config: Any, kind: str, **data: Any) -> Dataset:
    return prepare(make_config(data=data, task={"kind": kind}))


def errors(prediction: Any, truth: Any, naive: Any = None) -> dict[str, float]:
    """`naive`: what the naive forecast errs in training, of each column; it gives mase too."""
    difference = np.asarray(prediction) - np.asarray(truth)
    mse = float((difference**2).mean())
    found = {"mse": mse, "rmse": math.sqrt(mse), "mae": float(np.abs(difference).mean())}
    return found if naive is None else found | {"mase": float((np.abs(difference) / naive).mean())}


def naive_error(training: Doubles, period: int = 1) -> Doubles:
    """The scale of Hyndman and Koehler (2006), step by step."""
    steps = range(period, len(training))
    errors = np.array([np.abs(training[t] - training[t - period]) for t in steps])
    return np.asarray(errors.mean(axis=0))


def close(ours: dict[str, float], theirs: dict[str, float], rel: float = 1e-5) -> bool:
    return ours == pytest.approx(theirs, rel=rel)


# A series of 309 years: training ends before 216, validation before 263.
VAL, TEST = 216, 263


@pytest.mark.parametrize("kind", ["many_to_one", "many_to_many"])
def test_sunspots(make_config: Any, kind: str) -> None:
    y = table("sunspots", "sunspots")
    found = baselines(dataset_of(make_config, kind, source="sunspots", window=9, season=11))
    scale = naive_error(y[:VAL], 11)
    first = 9 if kind == "many_to_one" else 1
    assert close(found["mean"], errors(y[first:VAL].mean(), y[TEST:], scale))
    assert close(found["persistence"], errors(y[TEST - 1 : -1], y[TEST:], scale))
    assert close(found["seasonal"], errors(y[TEST - 11 : -11], y[TEST:], scale))

    def lagged(times: range) -> Doubles:
        return np.array([[*y[t - 9 : t], 1.0] for t in times])

    weights, *_ = np.linalg.lstsq(lagged(range(9, VAL)), y[9:VAL])
    theirs = errors(lagged(range(TEST, 309)) @ weights, y[TEST:], scale)
    assert close(found["linear_autoregression"], theirs, rel=1e-4)
    val = baselines(dataset_of(make_config, kind, source="sunspots", window=9), "val")
    assert close(
        val["persistence"], errors(y[VAL - 1 : TEST - 1], y[VAL:TEST], naive_error(y[:VAL]))
    )
    assert "seasonal" not in val


def test_persistence_of_yearly_sunspots(make_config: Any) -> None:
    """One number written out, so that a change of the data or the split shows."""
    found = baselines(dataset_of(make_config, "many_to_one", source="sunspots", window=33))
    assert found["persistence"]["rmse"] == pytest.approx(29.311, abs=1e-3)


def test_a_horizon_and_the_logarithm(make_config: Any) -> None:
    """14 months ahead, the last season that is known lies two years before the target."""
    y = table("airline_passengers", "passengers")
    options = {"source": "airline_passengers", "window": 24, "horizon": 14, "log": True}
    found = baselines(dataset_of(make_config, "many_to_one", **options, season=12))
    start, scale = round(144 * 0.85), naive_error(y[: round(144 * 0.7)], 12)
    assert close(found["persistence"], errors(y[start - 14 : -14], y[start:], scale))
    assert close(found["seasonal"], errors(y[start - 24 : -24], y[start:], scale))
    assert close(found["mean"], errors(y[37 : round(144 * 0.7)].mean(), y[start:], scale))


def test_several_columns_are_averaged(make_config: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 2)) * [1, 100]
    lines = "".join(f"{a},{b}\n" for a, b in values)
    (tmp_path / "a.csv").write_text("a,b\n" + lines)
    data = {"source": "csv", "path": str(tmp_path / "a.csv"), "value": ("a", "b"), "window": 5}
    found = baselines(dataset_of(make_config, "many_to_one", **data))
    assert close(
        found["persistence"], errors(values[169:-1], values[170:], naive_error(values[:140]))
    )


def test_autoregression_knows_a_sine(make_config: Any) -> None:
    options = {"source": "sine_mixture", "noise": 0.0, "waves": 2, "window": 8}
    for split in ("val", "test"):
        found = baselines(dataset_of(make_config, "many_to_one", **options), split)
        assert found["linear_autoregression"]["rmse"] < 1e-4
        assert found["persistence"]["rmse"] > 0.1


@pytest.mark.parametrize("kind", ["many_to_one", "many_to_many"])
def test_every_target_of_training_is_scored(make_config: Any, kind: str) -> None:
    """Also where the season or the window begins before the series."""
    options = {"source": "sunspots", "window": 9, "season": 50, "horizon": 2}
    found = baselines(dataset_of(make_config, kind, **options), "train")
    y = table("sunspots", "sunspots")
    first = 10 if kind == "many_to_one" else 2
    season = [y[t - 50] if t >= 50 else y[t - 2] for t in range(first, VAL)]
    assert close(found["seasonal"], errors(season, y[first:VAL], naive_error(y[:VAL], 50)))
    assert all(math.isfinite(value) for scores in found.values() for value in scores.values())


def test_know_nothing_of_the_generated_tasks(make_config: Any) -> None:
    few = {"train": 200, "val": 10, "test": 100}
    found = baselines(dataset_of(make_config, "many_to_one", source="adding", **few))
    assert found["know_nothing"]["mse"] == 1 / 6
    assert found["mean"]["mse"] == pytest.approx(1 / 6, abs=0.08)
    found = baselines(dataset_of(make_config, "many_to_many", source="copy_memory", **few))
    assert found["know_nothing"]["loss"] == pytest.approx(10 * math.log(8) / 70)
    assert found["majority"]["accuracy"] == 60 / 70


def test_masked_steps_do_not_count(make_config: Any) -> None:
    options = {"source": "delayed_echo", "length": 20, "delay": 15, "train": 50}
    dataset = dataset_of(make_config, "many_to_many", **options)
    counts = np.bincount(dataset.train.targets[:, 15:].ravel())
    share = counts / counts.sum()
    truth = dataset.test.targets[:, 15:]
    found = baselines(dataset)["majority"]
    assert found["loss"] == pytest.approx(-np.log(share[truth]).mean())
    assert found["accuracy"] == pytest.approx((truth == counts.argmax()).mean())


def classes_of(train: list[int], test: list[int], size: int) -> Dataset:
    def part(targets: list[int]) -> Sequences:
        return Sequences(np.zeros((len(targets), 4, 1), np.float32), np.array(targets))

    splits = part(train), part(test), part(test)
    return Dataset("jsonl", "many_to_one", *splits, inputs=Values(1), outputs=Tokens(size))


def test_majority_by_hand() -> None:
    found = baselines(classes_of([0, 0, 0, 1], [0, 1, 1], 2))["majority"]
    assert found["accuracy"] == pytest.approx(1 / 3)
    assert found["loss"] == pytest.approx(-(math.log(0.75) + 2 * math.log(0.25)) / 3)


def test_a_class_that_training_lacks_gets_a_finite_loss() -> None:
    found = baselines(classes_of([0, 0, 0, 1], [2], 3))["majority"]
    assert found["loss"] == pytest.approx(-math.log(1 / 7))


def test_unigram_and_bigram_of_a_text(make_config: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    text = "".join(rng.choice(list("aabc d"), size=2000))
    (tmp_path / "a.txt").write_text(text)
    data = {"source": "text", "path": str(tmp_path / "a.txt"), "window": 16}
    found = baselines(dataset_of(make_config, "many_to_many", **data))
    train, test = text[1:1800], list(itertools.pairwise(text[1899:]))
    units = Counter(train)
    vocabulary = len(set(text[:1800])) + 1  # and the unknown unit, so one is added to every count
    p = {c: (units[c] + 1) / (len(train) + vocabulary) for c in units}
    loss = -np.mean([math.log(p[b]) for _, b in test])
    assert found["unigram"]["loss"] == pytest.approx(loss)
    assert found["unigram"]["bits_per_unit"] == pytest.approx(loss / math.log(2))
    assert found["unigram"]["perplexity"] == pytest.approx(math.exp(loss))

    pairs = Counter(zip(text[:1799], train, strict=True))
    before = Counter(text[:1799])
    kinds = Counter(a for a, _ in pairs)

    def given(a: str, b: str) -> float:
        return (pairs[a, b] + kinds[a] * p[b]) / (before[a] + kinds[a])

    loss = -np.mean([math.log(given(a, b)) for a, b in test])
    assert found["bigram"]["loss"] == pytest.approx(loss)
    best = {a: max(units, key=lambda b, a=a: given(a, b)) for a in before}  # type: ignore[misc]
    assert found["bigram"]["accuracy"] == pytest.approx(np.mean([best[a] == b for a, b in test]))


def test_the_bigram_probabilities_sum_to_one(make_config: Any, tmp_path: Path) -> None:
    """Score every possible next unit after one context: the probabilities must add up."""
    total = 0.0
    train = Sequences(np.array([[1, 1, 2, 3]]), np.array([[1, 2, 3, 1]]))
    for answer in range(4):
        test = Sequences(np.array([[1]]), np.array([[answer]]))
        dataset = Dataset("text", "many_to_many", train, test, test, Tokens(4), Tokens(4))
        total += math.exp(-baselines(dataset)["bigram"]["loss"])
    assert total == pytest.approx(1)


def test_the_most_frequent_tag_of_each_token() -> None:
    train = Sequences(
        np.array([[1, 2, 1, 0], [1, 2, 3, 3]]),
        np.array([[0, 1, 0, 2], [1, 1, 2, 2]]),
        lengths=np.array([3, 4]),
    )
    test = Sequences(np.array([[1, 2, 3, 0, 9]]), np.array([[0, 1, 2, 1, 5]]), np.array([4]))
    dataset = Dataset("jsonl", "many_to_many", train, test, test, Tokens(5), Tokens(3))
    found = baselines(dataset)["most_frequent_per_token"]
    # 1 -> 0 (twice of three times), 2 -> 1, 3 -> 2; 0 was never seen: the most frequent tag, 1
    assert found["accuracy"] == 1
    assert found["macro_f1"] == 1
    assert set(found) == {"accuracy", "loss", "macro_f1"}


def test_generated_words(make_config: Any) -> None:
    pytest.importorskip("sklearn")
    dataset = dataset_of(make_config, "one_to_many", source="digits", view="image")
    found = baselines(dataset)

    def words(part: Sequences) -> list[str]:
        assert part.lengths is not None
        vocabulary = dataset.outputs.vocabulary  # type: ignore[union-attr]
        assert vocabulary is not None
        rows = zip(part.targets, part.lengths, strict=True)
        return ["".join(vocabulary.decode(row[: n - 1])) for row, n in rows]

    ((most, _),) = Counter(words(dataset.train)).most_common(1)
    test = words(dataset.test)
    exact = np.mean([word == most for word in test])
    assert found["most_frequent_sequence"]["exact_match"] == pytest.approx(exact)
    letters = [(a, b) for word in test for a, b in zip(f"{word}.", f"{most}.......", strict=False)]
    right = np.mean([a == b for a, b in letters])
    assert found["most_frequent_sequence"]["accuracy"] == pytest.approx(right)
    units = Counter("".join(f"{word}." for word in words(dataset.train)))
    loss = -np.mean([math.log(units[c] / units.total()) for w in test for c in f"{w}."])
    assert found["unigram"]["loss"] == pytest.approx(loss)


def test_generated_numbers_of_different_lengths() -> None:
    train = Sequences(
        np.array([0, 0, 1]),
        np.array([[[1], [3]], [[3], [0]], [[8], [9]]], dtype=np.float32),
        lengths=np.array([2, 1, 2]),
    )
    targets = np.array([[[2], [3], [5]], [[8], [9], [0]]], dtype=np.float32)
    test = Sequences(np.array([0, 1]), targets, lengths=np.array([3, 2]))
    dataset = Dataset("jsonl", "one_to_many", train, test, test, Tokens(2), Values(1))
    found = baselines(dataset)
    # step means 4 and 6; the third step, which training never has, gets the mean of all, 24/5
    assert found["mean"]["mae"] == pytest.approx((2 + 3 + 0.2 + 4 + 3) / 5)
    # class 0: 2, 3 and, beyond its own steps, its mean 7/3; class 1: 8, 9
    assert found["class_mean"]["mae"] == pytest.approx((5 - 7 / 3) / 5)


def test_waves_are_known_by_their_class_up_to_the_noise(make_config: Any) -> None:
    dataset = dataset_of(make_config, "one_to_many", source="waveforms", noise=0.1)
    assert baselines(dataset)["class_mean"]["rmse"] == pytest.approx(0.1, rel=0.03)
