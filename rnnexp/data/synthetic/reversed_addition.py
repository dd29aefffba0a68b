"""Addition written out (Zaremba and Sutskever 2014; reversed as in Keras's addition example).

`123+456` in, `579` out, character by character and closed by the end token. The summands are drawn
uniformly from all unordered pairs, each pair once over all splits, and stand in either order. With
`backwards` the whole sum is written from its last character to its first, `654+321`, so that the
first step of the answer is near what it depends on.
"""

from __future__ import annotations

import numpy as np

from rnnexp.config.config import Config
from rnnexp.config.data_settings import ReversedAddition
from rnnexp.data.dataset import Dataset, Ints, Sequences, Tokens
from rnnexp.data.encoding import Vocabulary
from rnnexp.data.memory import check_memory
from rnnexp.data.units import Characters
from rnnexp.errors import DataError

__all__ = ["ANSWER", "QUESTION", "load", "spell"]

QUESTION = Vocabulary((*"0123456789", "+"), text=Characters())
ANSWER = Vocabulary(("<end>", *"0123456789"), text=Characters())


def load(config: Config, data: ReversedAddition) -> Dataset:
    """Three splits that share no pair of summands, in whichever order.

    Raises:
        DataError: there are not so many different pairs.
    """
    counts = [data.train, data.val, data.test]
    total, below = sum(counts), 10**data.digits
    pairs = below * (below + 1) // 2
    if total > pairs:
        raise DataError(
            f"{total:,} sums are asked for, but numbers of {data.digits} digits make only "
            f"{pairs:,} different ones",
            code="DAT158",
            position=config.where("data.train"),
            key="data.train",
            value=data.train,
            hint="fewer examples, or more data.digits",
        )
    what = f"generating {total:,} sums"
    check_memory(total * 32 * 8, what, config.where("data.train"), "data.train")
    summands = draw(total, pairs, np.random.default_rng(data.seed))
    ends = np.cumsum(counts)[:-1]
    train, val, test = (spell(part, data.backwards) for part in np.split(summands, ends))
    return Dataset(
        data.source,
        "delayed",
        train,
        val,
        test,
        inputs=Tokens(len(QUESTION), QUESTION),
        outputs=Tokens(len(ANSWER), ANSWER, end=0),
    )


def draw(count: int, pairs: int, rng: np.random.Generator) -> Ints:
    """Summands (N, 2): different ones of the pairs a <= b, numbered b (b + 1) / 2 + a."""
    number = rng.choice(pairs, count, replace=False)
    b = ((np.sqrt(8.0 * number + 1) - 1) / 2).astype(np.int64)
    pair = np.stack([number - b * (b + 1) // 2, b], axis=1)
    return np.asarray(rng.permuted(pair, axis=1))


def spell(summands: Ints, backwards: bool) -> Sequences:
    """Questions (N, S) and answers (N, T) of summands (N, 2)."""
    order = -1 if backwards else 1
    questions = [QUESTION.encode(f"{a}+{b}"[::order]) for a, b in summands]
    answers = [np.append(ANSWER.encode(str(a + b)), 0) for a, b in summands]
    inputs, source_lengths = _padded(questions)
    targets, lengths = _padded(answers)
    return Sequences(inputs, targets, lengths, source_lengths)


def _padded(sequences: list[Ints]) -> tuple[Ints, Ints]:
    lengths = np.array([len(sequence) for sequence in sequences])
    rows = np.zeros((len(sequences), lengths.max()), dtype=np.int64)
    for row, sequence in zip(rows, sequences, strict=True):
        row[: len(sequence)] = sequence
    return rows, lengths
