"""Columns that a series reads but does not predict: numbers, scaled; categories, one-hot.

Shape letters: S steps, F predicted columns, I input features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnexp.data.dataset import Floats, Values
from rnnexp.data.encoding import Scaler

__all__ = ["Column", "features_of", "known_features", "one_hot"]

Column = NDArray[np.float64] | list[str]


def features_of(  # noqa: PLR0917
    names: tuple[str, ...],
    answers_SF: Floats,
    scaler: Scaler,
    further: Mapping[str, Column],
    train: NDArray[np.bool_],
    scale: str,
) -> tuple[Floats, Values]:
    """What the network reads at each step (S, I): the predicted columns, then the further ones.

    Scales and categories are those of the training rows; a category that they lack is all zeros.
    """
    if not further:
        return answers_SF, Values(len(names), names, scaler)
    parts, labels, scalers = [answers_SF], list(names), [scaler]
    categories: dict[str, tuple[str, ...]] = {}
    for name, column in further.items():
        if isinstance(column, list):
            known = tuple(sorted({cell for cell, row in zip(column, train, strict=True) if row}))
            parts.append(one_hot(column, known))
            labels += [f"{name}={category}" for category in known]
            scalers.append(Scaler(np.zeros(len(known)), np.ones(len(known))))
            categories[name] = known
        else:
            own = Scaler.fit(scale, column[train, None])
            parts.append(own.apply(column[:, None]))
            labels.append(name)
            scalers.append(own)
    both = Scaler(
        np.concatenate([each.shift for each in scalers]),
        np.concatenate([each.scale for each in scalers]),
    )
    features_SI = np.concatenate(parts, axis=1)
    return features_SI, Values(features_SI.shape[1], tuple(labels), both, categories)


def known_features(answers_SF: Floats, further: Mapping[str, Column], inputs: Values) -> Floats:
    """(S, I) the same of new rows, with the scales and categories of training.

    Raises:
        KeyError: a column that held categories holds numbers, or the other way round.
    """
    parts = [answers_SF]
    for name, column in further.items():
        if isinstance(column, list):
            parts.append(one_hot(column, inputs.categories[name]))
        else:
            place = {label: i for i, label in enumerate(inputs.names)}[name]
            assert inputs.scaler is not None
            shift, scale = inputs.scaler.shift[place], inputs.scaler.scale[place]
            parts.append(Scaler(shift[None], scale[None]).apply(column[:, None]))
    return np.concatenate(parts, axis=1)


def one_hot(cells: Sequence[str], known: tuple[str, ...]) -> Floats:
    """(S, categories): 1.0 at the category of each cell."""
    places = {category: place for place, category in enumerate(known)}
    hot = np.zeros((len(cells), len(known)), dtype=np.float32)
    for step, cell in enumerate(cells):
        if cell in places:
            hot[step, places[cell]] = 1
    return hot
