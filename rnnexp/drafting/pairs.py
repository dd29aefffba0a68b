"""Parallel text: two files whose lines belong together, one translated into the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.beside import VALIDATION, in_place_of_train
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.examples import check_enough
from rnnexp.drafting.first_model import Start, translator
from rnnexp.drafting.place import Place
from rnnexp.drafting.rows import BASELINES, task_keys
from rnnexp.drafting.sample import Sample
from rnnexp.errors import DataError

__all__ = ["draft_pairs"]

WORDS = 2
"""texts of more words a line than this are read word by word"""

Sides = tuple[Place, Place]


def draft_pairs(source: Sample, target: Sample, asked: Asked, places: Sides) -> Draft:
    """A network that reads line n of one file and writes line n of the other.

    Raises:
        CommandError: an option that has no meaning here.
        DataError: the files differ in their number of lines, or have too few.
    """
    what = "parallel text"
    asked.refuse_but(what, ("target",))
    asked.check_task(what, ("many_to_many",))
    lines, answers = _filled(source), _filled(target)
    _check_lines(source, target)
    check_enough(source.name, min(len(lines), len(answers)))
    count = source.estimate(len(lines))
    units = [_unit(side) for side in (lines, answers)]
    typical = sorted(map(len, lines))[len(lines) // 2]
    model, training = translator(Start(count, typical))
    others = _others(places)
    return Draft(
        title=f"Translates {source.short_name} into {target.short_name}, line by line.",
        found={
            "pairs": source.scaled(len(lines)),
            "words a line": f"{_mean(lines):.1f} read, {_mean(answers):.1f} written",
        },
        data=(
            Key("source", "pairs", "line n of one file belongs to line n of the other"),
            Key("path", places[0].written, "relative to this file: what is read"),
            Key("target_path", places[1].written, "what is written"),
            *others,
            Key("unit", units[0], f"a step of what is read is a {units[0]}"),
            Key("target_unit", units[1], f"a step of what is written is a {units[1]}"),
            *_care(units, bool(others)),
        ),
        task=task_keys("delayed", regression=False),
        model=model,
        training=training,
        baselines=BASELINES["delayed"],
        choices=tuple(
            Choice(f"data.{key.name}", key.value, "lies beside the training file", "remove it")
            for key in others
        ),
        after=f'rnnexp predict latest "{lines[0][:60]}"'.replace("\\", ""),
    )


def _filled(sample: Sample) -> list[str]:
    lines = sample.lines if sample.lines[-1].strip() else sample.lines[:-1]
    return [line.strip() for line in lines]


def _check_lines(source: Sample, target: Sample) -> None:
    if not (source.whole and target.whole):
        return
    counts = [len(_filled(sample)) for sample in (source, target)]
    if counts[0] != counts[1]:
        raise DataError(
            f"{source.name} has {counts[0]:,} lines and {target.name} {counts[1]:,}; line n of one "
            "belongs to line n of the other",
            code="DAT119",
            position=target.at(min(counts) + 1),
        )


def _mean(lines: Sequence[str]) -> float:
    return sum(len(line.split()) for line in lines) / len(lines)


def _unit(lines: Sequence[str]) -> str:
    return "word" if _mean(lines) > WORDS else "character"


def _care(units: Sequence[str], split: bool) -> list[Key]:
    keys = [Key("duplicates", "drop", "no pair is trained on and tested on")]
    if "word" in units:
        keys.append(Key("min_count", 2, "words that stand once are unknown"))
    keys.append(Key("empty", "drop", "pairs with an empty line are left out"))
    if not split:
        keys.append(offer("val_path", "FILE", "pairs of their own, with val_target_path, "
                          "test_path and test_target_path"))  # fmt: skip
    return keys


def _others(places: Sides) -> list[Key]:
    """Validation and test of both sides, where all of their files lie beside the training's."""
    found: list[Key] = []
    for name, ways in (("val", VALIDATION), ("test", ("test",))):
        paths: list[Path | None] = [in_place_of_train(place.path, ways) for place in places]
        if None in paths:
            return []
        for key, path in zip(("path", "target_path"), paths, strict=True):
            assert path is not None
            found.append(Key(f"{name}_{key}", places[0].written_beside(path)))
    return found
