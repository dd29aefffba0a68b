"""Which data sets are language: the answer at each step is the next unit of a running text."""

from __future__ import annotations

from rnnexp.data.dataset import Dataset

__all__ = ["is_language"]

SOURCES = ("text", "python_docs")


def is_language(dataset: Dataset) -> bool:
    """Whether perplexity and bits per unit judge the answers, rather than a score per class."""
    return dataset.source in SOURCES
