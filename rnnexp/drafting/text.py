"""A plain text: a model of its characters."""

from __future__ import annotations

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.first_model import language_model
from rnnexp.drafting.sample import Sample
from rnnexp.errors import DataError

__all__ = ["draft_text"]

LEAST_CHARACTERS = 1000
SHARES = {"train": 0.9, "val": 0.05, "test": 0.05}


def draft_text(sample: Sample, asked: Asked, path: str) -> Draft:
    """A language model of a text.

    Raises:
        CommandError: an option that has no meaning for a text.
        DataError: too short a text.
    """
    what = "a plain text"
    if not asked.target:
        asked.refuse_but(what)
    asked.check_task(what, ("many_to_many",))
    characters = sample.estimate(len(sample.text))
    if characters < LEAST_CHARACTERS:
        raise DataError(
            f"{sample.name} has {characters:,} characters; needs at least {LEAST_CHARACTERS:,} to "
            "train, validate and test on",
            code="DAT304",
            position=sample.at(),
            hint="more text; a table is known by its ending, .csv or .tsv, and objects by .jsonl",
        )
    window = 16 if characters < 5000 else 32 if characters < 100_000 else 64
    batch_size = max(1, min(32, int(characters * SHARES["train"]) // window // 4))
    model, training = language_model(characters, window, batch_size)
    return Draft(
        title=f"Learns to write like {sample.short_name}, character by character.",
        found={
            "characters": sample.scaled(len(sample.text)),
            "lines": sample.scaled(len(sample.lines)),
            "different characters": len(set(sample.text)),
        },
        data=(
            Key("source", "text", "one long text"),
            Key("path", path, "relative to this file"),
            Key("unit", "character", "a step is a character"),
            offer("unit", "word", "then max_vocabulary: 10000 as well"),
            Key("window", window, "steps that the gradient goes back"),
            Key("split", SHARES, "contiguous parts, in order"),
        ),
        task=(
            Key("kind", "many_to_many", "at every step the next character"),
            Key("target", "classification"),
        ),
        model=model,
        training=training,
        baselines="each character as often as it comes (unigram), or comes after another (bigram)",
        choices=(
            Choice("data.unit", "character", "it needs no large vocabulary", "data.unit: word"),
        ),
        after='rnnexp generate latest --prompt "The " --length 300',
    )
