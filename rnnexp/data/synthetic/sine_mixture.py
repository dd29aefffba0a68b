"""A sum of sine waves plus noise, as one time series.

x_t = sum_k A_k sin(2 pi t / P_k + phi_k) + noise * e_t, with periods P_k log-uniform in 8..128
steps, amplitudes A_k from U[0.5, 1.5], phases phi_k from U[0, 2 pi] and e_t from N(0, 1). A sum of
K waves without noise obeys an exact linear recurrence of order 2K (Prony 1795), so linear
autoregression is a strong baseline here, and no forecast can have an RMSE below `noise`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rnnexp.config.config import Config
from rnnexp.config.data_settings import SineMixture
from rnnexp.data.dataset import Dataset
from rnnexp.data.series import Table, windows_of

__all__ = ["draw", "load"]

SHORTEST, LONGEST = 8, 128


def load(config: Config, data: SineMixture) -> Dataset:
    """One generated series, cut into windows like any other."""
    return windows_of(config, data, Table(("value",), draw(data)[:, None]))


def draw(data: SineMixture) -> NDArray[np.float64]:
    """The series (S,)."""
    rng = np.random.default_rng(np.random.SeedSequence(data.seed))
    periods = np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST), data.waves))
    amplitudes = rng.uniform(0.5, 1.5, data.waves)
    phases = rng.uniform(0, 2 * np.pi, data.waves)
    t = np.arange(data.length)
    series = data.noise * rng.standard_normal(data.length)
    for amplitude, period, phase in zip(amplitudes, periods, phases, strict=True):
        series += amplitude * np.sin(2 * np.pi * t / period + phase)
    return series
