"""Logistic regression on n-grams, on the very split of a config: what a network must beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.loading import load_config
from rnnexp.data.dataset import Sequences
from rnnexp.data.prepare import prepare

__all__ = ["bag_of_words", "character_ngrams"]


def character_ngrams(config: Config) -> Mapping[str, float]:
    """Counts of 1 to 4 characters within the word, its ends included."""
    scores = _scores(config, analyzer="char_wb", ngram_range=(1, 4))
    return {f"character n-gram logistic regression {name}": value for name, value in scores.items()}


def bag_of_words(config: Config) -> Mapping[str, float]:
    """tf-idf of words and pairs of words."""
    scores = _scores(config, ngram_range=(1, 2), token_pattern=r"\S+", tf_idf=True)
    return {"bag-of-words logistic regression accuracy": scores["accuracy"]}


def _scores(config: Config, *, tf_idf: bool = False, **options: Any) -> dict[str, float]:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.pipeline import make_pipeline

    # All units are wanted here, whatever vocabulary the network has.
    dataset = prepare(load_config(config.path, [*config.overrides, *_whole(config)]))
    join = " " if config.experiment.data.unit == "word" else ""  # type: ignore[union-attr]
    texts = {name: _texts(dataset.split(name), dataset.inputs, join) for name in ("train", "test")}
    vectors = (TfidfVectorizer if tf_idf else CountVectorizer)(lowercase=False, **options)
    model = make_pipeline(vectors, LogisticRegression(C=10 if tf_idf else 1, max_iter=2000))
    model.fit(texts["train"], dataset.train.targets)
    answers = model.predict(texts["test"])
    truth = dataset.test.targets
    return {
        "accuracy": float(accuracy_score(truth, answers)),
        "macro_f1": float(f1_score(truth, answers, average="macro")),
    }


def _whole(config: Config) -> list[str]:
    limits = {"max_vocabulary": "null", "min_count": "1", "max_length": "null"}
    return [f"data.{key}={value}" for key, value in limits.items()]


def _texts(split: Sequences, inputs: Any, join: str) -> list[str]:
    lengths = split.lengths if split.lengths is not None else [split.inputs.shape[1]] * len(split)
    rows = zip(np.asarray(split.inputs), lengths, strict=True)
    return [join.join(inputs.vocabulary.decode(row[:length].tolist())) for row, length in rows]
