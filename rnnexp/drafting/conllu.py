"""Tagged sentences in CoNLL-U: a tag for every word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.beside import OtherFiles
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.examples import check_enough
from rnnexp.drafting.first_model import Start, tagger
from rnnexp.drafting.rows import task_keys
from rnnexp.drafting.sample import Sample

__all__ = ["draft_conllu", "is_conllu"]

WIDTH = 10
TAG = 3


def is_conllu(lines: Sequence[str]) -> bool:
    """Whether the first lines are words of ten columns, comments and blank lines."""
    words = [line for line in lines[:50] if line.strip() and not line.startswith("#")]
    return bool(words) and all(line.count("\t") == WIDTH - 1 for line in words)


def draft_conllu(sample: Sample, asked: Asked, path: str, others: OtherFiles) -> Draft:
    """A tagger of parts of speech.

    Raises:
        CommandError: an option that has no meaning here.
        DataError: too few sentences.
    """
    what = "CoNLL-U"
    asked.refuse_but(what)
    asked.check_task(what, ("many_to_many",))
    rows = [line.split("\t") for line in sample.lines if line and line[0] != "#"]
    words = [row for row in rows if len(row) == WIDTH and row[0].isdecimal()]
    sentences = sum(row[0] == "1" for row in words)
    check_enough(sample.name, sentences)
    tags = Counter(row[TAG] for row in words)
    model, training = tagger(Start(sample.estimate(sentences), len(words) // sentences))
    return Draft(
        title=f"Tags every word of {sample.short_name} with its part of speech.",
        found={
            "sentences": sample.scaled(sentences),
            "words": sample.scaled(len(words)),
            "tags": dict(tags.most_common(20)),
        },
        data=(
            Key("source", "conllu", "one word a line, blank lines part sentences"),
            Key("path", path, "relative to this file"),
            *others.keys(),
            Key("column", "upos", "universal part of speech"),
            *(offer("column", name) for name in ("xpos", "deprel", "lemma")),
            Key("lowercase", True, "The and the are one word"),
            Key("duplicates", "drop", "no sentence is trained on and tested on"),
        ),
        task=task_keys("many_to_many", regression=False),
        model=model,
        training=training,
        baselines="the commonest tag, and each word's commonest tag",
        choices=(
            *others.choices(),
            Choice("data.column", "upos", "universal tags", "data.column: xpos, deprel or lemma"),
        ),
        after='rnnexp predict latest "the old man sleeps"',
    )
