"""The rows of the results table: what is trained, what it is held to, what stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import linear_text, measures
from rnnexp.config.config import Config

__all__ = ["ROWS", "Row"]

ALONE = "training.threads=1"
"""one core each: two rows can be trained side by side"""
SEEDS = tuple((f"seed={seed}", ALONE) for seed in range(5))
ONE = (("seed=0",),)
ONE_THREAD = (("seed=0", ALONE),)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    runs: the overrides of each training. mark: what the mean is held to. also: further metrics to
    show. published: a number of others, with its source and setting. measure: more metrics from a
    finished run; beside: metrics of another model on the same split.
    """

    name: str
    title: str
    config: str
    metric: str
    mark: float | None
    higher: bool = True
    runs: tuple[tuple[str, ...], ...] = SEEDS
    also: tuple[str, ...] = ()
    published: str = ""
    measure: Callable[[Path], Mapping[str, float]] | None = None
    beside: Callable[[Config], Mapping[str, float]] | None = None


ROWS = (
    Row(
        "names",
        "surname -> language, 18 classes",
        "many_to_one/names_language",
        "test/accuracy",
        0.547,
        also=("test/macro_f1",),
        beside=linear_text.character_ngrams,
    ),
    Row(
        "reviews",
        "review sentence -> liked or not, 10-fold",
        "many_to_one/movie_reviews",
        "test/accuracy",
        0.76,
        runs=tuple((f"data.fold={fold}", f"seed={fold}", ALONE) for fold in range(10)),
        published="LSTM, random start: 0.774 (common figure in the literature)",
        beside=linear_text.bag_of_words,
    ),
    Row(
        "tags",
        "UD English EWT, universal tags, dev -> test",
        "many_to_many/universal_tags",
        "test/accuracy",
        0.88,
        also=("test/macro_f1",),
        published="capitals as PROPN 0.841 (counted)",
    ),
    Row(
        "translation",
        "Multi30k English -> French, test2016",
        "many_to_many/translation",
        "test/bleu",
        40,
        runs=ONE_THREAD,
        also=("test/chrf", "test/loss"),
    ),
    Row(
        "pixels",
        "MNIST t10k 8,000/1,000/1,000, 784 pixels",
        "long_range/mnist_pixels",
        "test/accuracy",
        0.90,
        runs=ONE_THREAD,
        published="on 60,000 images: LSTM 0.872, GRU 0.962 (Bai et al. 2018)",
    ),
    Row(
        "shakespeare",
        "tiny Shakespeare, characters",
        "many_to_many/shakespeare_long",
        "held-out tenth/loss",
        1.44,
        higher=False,
        runs=ONE,
        also=("blocks of 256/loss",),
        published="nanoGPT 1.4697 in blocks of 256 on an A100",
        measure=measures.held_out_tenth,
    ),
    Row(
        "generated_names",
        "language -> surname at temperature 0.5, judged by a classifier",
        "one_to_many/language_names",
        "share in the asked language",
        0.5,
        also=("duplicates of training names", "test/loss"),
        measure=measures.asked_language,
    ),
    Row(
        "sunspots",
        "monthly sunspots, one month ahead",
        "many_to_one/monthly_sunspots",
        "test/mase",
        1.0,
        higher=False,
        also=("test/rmse",),
    ),
    Row(
        "airline",
        "airline passengers, one month ahead",
        "many_to_one/airline_passengers",
        "test/mase",
        1.0,
        higher=False,
        also=("test/rmse",),
    ),
    Row(
        "stocks",
        "five stocks, one month ahead",
        "many_to_one/stocks",
        "test/mase",
        None,
        higher=False,
        also=("test/rmse",),
    ),
)
