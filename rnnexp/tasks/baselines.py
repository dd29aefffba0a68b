"""Naive answers to the same question, fitted on the training part and scored on the same split.

Shape letters: S steps of the series, F features, M valid targets, T time steps, p lags.
Shape letters: M steps, V input tokens, O classes, P different pairs.
Shape letters: M valid targets, V input tokens, O classes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rnnexp.data.dataset import Dataset, History, Tokens, Values, Words
from rnnexp.data.encoding import UNKNOWN
from rnnexp.tasks.confusion import class_counts, judges_classes, macro_f1
from rnnexp.tasks.language import is_language
from rnnexp.tasks.scores import scale_weights, text_scores

__all__ = ["PairCounts", "baselines"]


# Naive answers for numbers: the mean, and for a time series what its own past says.

# Bounds on the cost of the least squares: the last rows of the training part, the last lags.
MOST_ROWS = 50_000
MOST_REGRESSORS = 256


def score_numbers(dataset: Dataset, split: str) -> dict[str, dict[str, float]]:
    """mse, rmse and mae of each naive answer in the target's own units; of a series mase too."""
    if dataset.shape == "one_to_many":
        answers = _mean_sequences(dataset, split)
    else:
        answers = {"mean": _own(dataset, _targets(dataset, "train")).mean(axis=0)}
    if dataset.history is not None:
        past = _past_answers(dataset, dataset.history, split)
        answers |= {name: _own(dataset, answer) for name, answer in past.items()}
    truth = _own(dataset, _targets(dataset, split))
    weights = scale_weights(dataset)
    return {name: _errors(answer - truth, weights) for name, answer in answers.items()}


def _errors(error_MF: Doubles, scale_weights_F: Doubles | None) -> dict[str, float]:
    mse, absolute = float(np.square(error_MF).mean()), np.abs(error_MF)
    errors = {"mse": mse, "rmse": math.sqrt(mse), "mae": float(absolute.mean())}
    if scale_weights_F is not None:
        errors["mase"] = float((absolute @ scale_weights_F).mean())
    return errors


def _targets(dataset: Dataset, split: str) -> Doubles:
    """The valid targets (M, F) of a split, scaled."""
    return dataset.split(split).targets[dataset.counted(split)].astype(np.float64)


def _own(dataset: Dataset, values: Doubles) -> Doubles:
    """Scaled values in their own units."""
    assert isinstance(dataset.outputs, Values)
    return dataset.outputs.scaler.invert(values) if dataset.outputs.scaler else values


def _mean_sequences(dataset: Dataset, split: str) -> dict[str, Doubles]:
    """The mean of the training sequences step by step; also of each class, where one is given."""
    counted = dataset.counted(split)
    steps = counted.shape[1]
    everything = _mean_by_step(dataset, np.ones(len(dataset.train), dtype=bool), steps)
    answers = {"mean": np.broadcast_to(everything, (*counted.shape, everything.shape[-1]))[counted]}
    if isinstance(dataset.inputs, Tokens):
        by_class = np.tile(everything, (dataset.inputs.size, 1, 1))
        for label in np.unique(dataset.train.inputs):
            chosen = np.equal(dataset.train.inputs, label)
            by_class[label] = _mean_by_step(dataset, chosen, steps)
        answers["class_mean"] = by_class[dataset.split(split).inputs.astype(np.int64)][counted]
    return answers


def _mean_by_step(dataset: Dataset, chosen: NDArray[np.bool_], steps: int) -> Doubles:
    """(T, F) mean of the chosen training sequences; steps that none has get the overall mean."""
    counted = dataset.counted("train")[chosen]
    values = _own(dataset, dataset.train.targets[chosen].astype(np.float64))
    mean = np.tile(values[counted].mean(axis=0), (max(steps, counted.shape[1]), 1))
    seen: NDArray[np.bool_] = np.asarray(counted.any(axis=0))
    total = (values * counted[:, :, None]).sum(axis=0)[seen]
    mean[: len(seen)][seen] = total / counted.sum(axis=0)[seen, None]
    return mean[:steps]


def _past_answers(dataset: Dataset, history: History, split: str) -> dict[str, Doubles]:
    """(M, F) scaled answers from the series itself, for the targets of a split.

    An answer that would need steps before the series began is the last value instead.
    """
    horizon = int(dataset.record["horizon"])
    series, times = history.values.astype(np.float64), _times(dataset, split)
    last = series[times - horizon]
    answers = {"persistence": last}
    if dataset.season:
        back = math.ceil(horizon / dataset.season) * dataset.season
        unknown = times - back < history.begins[times]
        season = series[np.maximum(times - back, 0)]
        answers["seasonal"] = np.where(unknown[:, None], last, season)
    answers["linear_autoregression"] = _autoregression(dataset, history, times, horizon)
    return answers


def _times(dataset: Dataset, split: str) -> Ints:
    """(M,) at which step of the series each valid target stands."""
    origin = dataset.split(split).origin
    assert origin is not None
    if dataset.shape == "many_to_one":
        return origin
    counted = dataset.counted(split)
    times: Ints = (origin[:, None] + np.arange(counted.shape[1]))[counted]
    return times


def _autoregression(dataset: Dataset, history: History, times: Ints, horizon: int) -> Doubles:
    """Least squares on the window, with an intercept, fitted on the training targets (scaled)."""
    series, begins = history.values.astype(np.float64), history.begins
    window = dataset.train.inputs.shape[1]
    lags = min(window, max(1, MOST_REGRESSORS // series.shape[1]), len(series))
    before = horizon + lags - 1  # a window begins this many steps before its target
    windows = sliding_window_view(series, lags, axis=0)
    fitted = _times(dataset, "train")
    fitted = fitted[fitted - before >= begins[fitted]][-MOST_ROWS:]
    answer = series[times - horizon]
    if len(fitted):
        weights = np.linalg.lstsq(_regressors(windows, fitted - before), series[fitted])[0]
        whole = np.flatnonzero(times - before >= begins[times])
        for rows in np.array_split(whole, len(whole) // MOST_ROWS + 1):
            answer[rows] = _regressors(windows, times[rows] - before) @ weights
    return answer


def _regressors(windows: Doubles, begins: Ints) -> Doubles:
    """(M, F * p + 1): the windows that begin at these steps, and 1 for the intercept."""
    flat = windows[begins].reshape(len(begins), -1)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)


# Naive answers for whole sequences of tokens: always the same one, or what was read.

Ids = tuple[int, ...]


def score_sequences(dataset: Dataset, split: str) -> dict[str, dict[str, float]]:
    """`most_frequent_sequence`, and where a sequence of tokens is read, `copy`."""
    scores = {"most_frequent_sequence": _most_frequent(dataset, split)}
    if dataset.shape == "delayed" and isinstance(dataset.inputs, Tokens):
        scores["copy"] = _copy(dataset, dataset.inputs, split)
    return scores


def _most_frequent(dataset: Dataset, split: str) -> dict[str, float]:
    """Always answer the sequence that training showed most often."""
    (answer, _), *_ = Counter(_naive_sequences_targets(dataset, "train")).most_common(1)
    targets, counted = _naive_sequences_targets(dataset, split), dataset.counted(split)
    row = np.full(counted.shape[1], -1)
    row[: len(answer)] = answer[: len(row)]
    right = (dataset.split(split).targets == row)[counted]
    exact = sum(target == answer for target in targets) / len(targets)
    texts = _text_scores(dataset, split, [_outputs(dataset).text(answer)] * len(targets))
    return {"accuracy": float(right.mean()), "exact_match": exact} | texts


def _copy(dataset: Dataset, inputs: Tokens, split: str) -> dict[str, float]:
    """Answer with the source as it is; an unknown token is not what stood there."""
    sources, outputs = _sources(dataset, split), _outputs(dataset)
    exact = [
        _names(inputs, source) == _names(outputs, target) and UNKNOWN not in _names(inputs, source)
        for source, target in zip(sources, _naive_sequences_targets(dataset, split), strict=True)
    ]
    texts = _text_scores(dataset, split, [inputs.text(source) for source in sources])
    return {"exact_match": sum(exact) / len(exact)} | texts


def _text_scores(dataset: Dataset, split: str, answers: Sequence[str]) -> dict[str, float]:
    references = dataset.split(split).texts
    return {} if references is None else text_scores(answers, references)


def _outputs(dataset: Dataset) -> Tokens:
    assert isinstance(dataset.outputs, Tokens)
    return dataset.outputs


def _naive_sequences_targets(dataset: Dataset, split: str) -> list[Ids]:
    targets, counted = dataset.split(split).targets, dataset.counted(split)
    return [tuple(row[valid].tolist()) for row, valid in zip(targets, counted, strict=True)]


def _sources(dataset: Dataset, split: str) -> list[Ids]:
    part = dataset.split(split)
    ids, steps = part.inputs, part.inputs.shape[1]
    if isinstance(dataset.inputs, Words):
        ids = ids[..., 0]
    lengths = np.full(len(part), steps) if part.source_lengths is None else part.source_lengths
    return [tuple(row[:n].tolist()) for row, n in zip(ids, lengths, strict=True)]


def _names(spec: Tokens, ids: Ids) -> list[str]:
    kept = [i for i in ids if i != spec.end]
    return spec.vocabulary.decode(kept) if spec.vocabulary else [str(i) for i in kept]


# How often each answer came with each input token, counted piece by piece.

TABLE = 1 << 22
"""pairs that are counted in a table of all; more are sorted instead"""


@dataclass(frozen=True)
class PairCounts:
    """pairs: (P,) a * O + b for each pair that came, rising. counts: (P,) how often each did."""

    pairs: Ints
    counts: Ints
    classes: int

    @classmethod
    def of(cls, steps: Iterable[tuple[Ints, Ints]], tokens: int, classes: int) -> PairCounts:
        """Count the pairs of input tokens (M,) and answers (M,) of every piece."""
        codes = (inputs * classes + answers for inputs, answers in steps)
        if tokens * classes > TABLE:
            return cls(*_sorted_counts(codes), classes)
        table = np.zeros(tokens * classes, dtype=np.int64)
        for piece in codes:
            table += np.bincount(piece, minlength=len(table))
        pairs = np.flatnonzero(table)
        return cls(pairs, table[pairs], classes)

    def count_of(self, inputs: Ints, answers: Ints) -> Ints:
        """(M,) how often each pair came."""
        wanted = inputs * self.classes + answers
        place = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        return np.where(self.pairs[place] == wanted, self.counts[place], 0)


def _sorted_counts(codes: Iterable[Ints]) -> tuple[Ints, Ints]:
    """Different codes, rising, and their counts.

    Pieces are merged when they have as many codes as all before, so that each code is sorted a few
    times and not once per piece.
    """
    merged, waiting, size = (np.empty(0, np.int64),) * 2, [], 0
    for piece in codes:
        waiting.append(np.unique(piece, return_counts=True))
        size += len(waiting[-1][0])
        if size > len(merged[0]):
            merged, waiting, size = _merge([merged, *waiting]), [], 0
    return _merge([merged, *waiting])


def _merge(counted: list[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    codes, places = np.unique(np.concatenate([c for c, _ in counted]), return_inverse=True)
    counts = np.zeros(len(codes), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([n for _, n in counted]))
    return codes, counts


# Naive answers for classes and tokens: how often each came, alone or after the current input.

OWN_FILES = ("conllu", "csv_rows", "jsonl", "npz", "parquet_rows")
Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]
Answer = Callable[[Ints, Ints], tuple[Doubles, Ints]]
"""input tokens (M,) and targets (M,) -> probability of each target, the answer given instead"""


def score_classes(dataset: Dataset, split: str) -> dict[str, dict[str, float]]:
    """Loss and accuracy of each naive answer, and what else the model of this data reports."""
    language = is_language(dataset)
    generated = dataset.shape in ("one_to_many", "delayed")
    pairs = _pairs(dataset) if _inputs_tell(dataset) else None
    frequency = _frequency(dataset, pairs)
    top = frequency.argmax()
    name = "unigram" if language or generated else "majority"

    def most_frequent(_: Ints, targets: Ints) -> tuple[Doubles, Ints]:
        return frequency[targets], np.broadcast_to(top, targets.shape)

    scores = {name: _score(dataset, split, most_frequent)}
    if generated:
        scores |= score_sequences(dataset, split)
    elif pairs is not None:
        name = "bigram" if language else "most_frequent_per_token"
        answer = _AfterInput.fit(pairs, frequency, dataset.inputs.size)
        scores[name] = _score(dataset, split, answer)
    return scores


def _score(dataset: Dataset, split: str, answer: Answer) -> dict[str, float]:
    total = right = count = 0.0
    counts = np.zeros((3, dataset.outputs.size), dtype=np.int64)
    for inputs, targets in _valid(dataset, split):
        probability, answers = answer(inputs, targets)
        total -= float(np.log(probability).sum())
        right += float((answers == targets).sum())
        count += len(targets)
        if judges_classes(dataset):
            counts += class_counts(targets, answers, dataset.outputs.size)
    loss = total / count
    scores = {"loss": loss, "accuracy": right / count}
    if judges_classes(dataset):
        scores["macro_f1"] = macro_f1(counts)
    if is_language(dataset):
        scores |= {"perplexity": math.exp(loss), "bits_per_unit": loss / math.log(2)}
    return scores


def _valid(dataset: Dataset, split: str) -> Iterator[tuple[Ints, Ints]]:
    """The valid targets (M,) of a split, piece by piece, and the input token at each.

    Where inputs are not aligned with targets, the targets stand in both places.
    """
    aligned = _inputs_tell(dataset)
    for piece in dataset.split(split).pieces():
        counted = dataset.counted_in(piece)
        targets = _chosen(piece.targets, counted)
        inputs = piece.inputs[..., 0] if isinstance(dataset.inputs, Words) else piece.inputs
        yield _chosen(inputs, counted) if aligned else targets, targets


def _chosen(values: NDArray[Any], counted: NDArray[np.bool_]) -> Ints:
    """(M,) the values that count; all of them, mostly, and then there is nothing to pick."""
    return np.asarray(values.ravel() if counted.all() else values[counted], dtype=np.int64)


def _pairs(dataset: Dataset) -> PairCounts:
    return PairCounts.of(_valid(dataset, "train"), dataset.inputs.size, dataset.outputs.size)


def _frequency(dataset: Dataset, pairs: PairCounts | None) -> Doubles:
    """(O,) share of each class in the training part; with one added to every count where a class
    never came, so that no loss is infinite.
    """
    counts = np.zeros(dataset.outputs.size, dtype=np.int64)
    if pairs is not None:  # which were counted over the same targets
        np.add.at(counts, pairs.pairs % len(counts), pairs.counts)
    else:
        for _, targets in _valid(dataset, "train"):
            counts += np.bincount(targets, minlength=len(counts))
    counts = counts if counts.all() else counts + 1
    return np.asarray(counts / counts.sum())


def _inputs_tell(dataset: Dataset) -> bool:
    """Whether the token of each step may say something about the answer of that step."""
    aligned = dataset.shape == "many_to_many" and isinstance(dataset.inputs, Tokens)
    return aligned and (dataset.source in OWN_FILES or is_language(dataset))


@dataclass(frozen=True)
class _AfterInput:
    """What came most often with the same input token.

    Witten-Bell interpolation: P(b|a) = (c(ab) + n(a) P(b)) / (c(a) + n(a)), where n(a) is how many
    different answers a had in training; P(b) where a never came.

    frequency: (O,) P(b). kinds: (V,) n(a). total: (V,) c(a) + n(a). best: (V,) likeliest answer.
    """

    pairs: PairCounts
    frequency: Doubles
    kinds: Ints
    total: Ints
    best: Ints

    @classmethod
    def fit(cls, pairs: PairCounts, frequency: Doubles, tokens: int) -> _AfterInput:
        a = pairs.pairs // len(frequency)
        kinds = np.bincount(a, minlength=tokens)
        came = np.zeros_like(kinds)
        np.add.at(came, a, pairs.counts)
        best = _best_answers(pairs.pairs, pairs.counts, kinds, frequency)
        return cls(pairs, frequency, kinds, came + kinds, best)

    def __call__(self, inputs: Ints, targets: Ints) -> tuple[Doubles, Ints]:
        together = self.pairs.count_of(inputs, targets)
        smoothed = together + self.kinds[inputs] * self.frequency[targets]
        total = self.total[inputs]
        known = smoothed / np.maximum(total, 1)
        return np.where(total > 0, known, self.frequency[targets]), self.best[inputs]


def _best_answers(pairs: Ints, counts: Ints, kinds: Ints, frequency: Doubles) -> Ints:
    """(V,) the likeliest answer to each token under the same interpolation."""
    a, b = np.divmod(pairs, len(frequency))
    score = counts + kinds[a] * frequency[b]
    order = np.lexsort((-b, score, a))
    last = order[np.append(np.diff(a[order]) > 0, True)]  # the highest score of each token
    top = frequency.argmax()
    best = np.full(len(kinds), top)
    best[a[last]] = np.where(score[last] >= kinds[a[last]] * frequency[top], b[last], top)
    return best


# Naive answers to the same question, fitted on the training part and scored on the same split.
#
# A trained network that does not beat these has learned nothing. Masked and padded steps never
# count.


def baselines(dataset: Dataset, split: str = "test") -> dict[str, dict[str, float]]:
    """Metrics of every naive answer that fits the data, by its name.

    Numbers: mse, rmse and mae in the target's own units, mase of a time series. Classes: loss
    (cross-entropy in nats per valid step), accuracy and macro_f1; perplexity and bits_per_unit for
    language models; exact_match for generated sequences, and bleu and chrf where those are text.
    `know_nothing` comes from theory, where there is one.
    """
    known = {"know_nothing": dict(dataset.know_nothing)} if dataset.know_nothing else {}
    score = score_numbers if isinstance(dataset.outputs, Values) else score_classes
    return known | score(dataset, split)
