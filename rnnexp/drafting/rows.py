"""A file of examples that stand alone, a row or a JSON object each: the keys of its config."""

from __future__ import annotations

from shlex import quote
from typing import Any

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.beside import OtherFiles
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.examples import Counts, check_classes, check_enough, counts_of
from rnnexp.drafting.field import described, in_short
from rnnexp.drafting.first_model import Start, classifier, regressor, tagger, translator, writer
from rnnexp.drafting.objects import Objects
from rnnexp.drafting.sides import Sides, sides_of
from rnnexp.drafting.table import Table
from rnnexp.errors import DataError

__all__ = ["BASELINES", "draft_rows", "task_keys"]

LONGEST = 500
"""steps of a text that are read, where some are far longer"""
SOURCES = {"csv": "csv_rows", "parquet": "parquet_rows", "jsonl": "jsonl"}
BASELINES = {
    "many_to_one": "the commonest class (majority)",
    "one_to_many": "units as often as they come (unigram), the commonest sequence",
    "many_to_many": "the commonest answer, alone and for each token",
    "delayed": "the commonest unit (unigram), copying the source",
}


def draft_rows(rows: Table | Objects, asked: Asked, path: str, others: OtherFiles) -> Draft:
    """A network that reads one side of each row and predicts the other.

    Raises:
        CommandError: an option that does not fit these columns or keys.
        DataError: which side is which cannot be told, or there are too few examples.
    """
    asked.refuse_but("examples that stand alone", ("target", "inputs"))
    sides = sides_of(rows, asked)
    counts = counts_of(sides)
    _check_targets(rows, sides)
    check_enough(rows.sample.name, rows.rows - counts.repeated)
    model, training = _model(sides, Start(int(0.8 * rows.rows), counts.typical))
    what = ", ".join(field.name for field in sides.inputs[:5])
    what += ", ..." if len(sides.inputs) > 5 else ""
    return Draft(
        title=f"{_verb(sides)} {sides.target.name} from {what}: {rows.sample.short_name}.",
        found=_found(rows, sides, counts),
        data=_data_keys(rows, sides, counts, path, others),
        task=task_keys(sides.shape, sides.regression),
        model=model,
        training=training,
        baselines="the mean" if sides.regression else BASELINES[sides.shape],
        choices=tuple(_choices(rows, sides, counts, others)),
        after=_after(rows, sides),
    )


def _check_targets(rows: Table | Objects, sides: Sides) -> None:
    """Refuse examples without an answer, which would become a class of their own."""
    target = sides.target
    if target.blanks and not sides.regression:
        first = next(i for i, value in enumerate(target.values) if value is None)
        raise DataError(
            f"nothing stands under {target.name!r}, which is predicted, in {target.blanks:,} of "
            f"{len(target.values):,} rows",
            code="DAT306",
            position=rows.sample.at(rows.lines[first]),
            key=target.name,
            hint="fill them in, or leave those rows out of the file",
        )
    if sides.shape == "many_to_one" and not sides.regression and rows.complete:
        check_classes(repr(target.name), target.counts)


# -- the words of the config -----------------------------------------------------------------------


def _verb(sides: Sides) -> str:
    return {"one_to_many": "Writes", "delayed": "Translates to"}.get(sides.shape, "Predicts")


def _data_keys(
    rows: Table | Objects, sides: Sides, counts: Counts, path: str, others: OtherFiles
) -> tuple[Key, ...]:
    names = [field.name for field in sides.inputs]
    what = "an object a line is an example" if rows.kind == "jsonl" else "a row is an example"
    keys = [
        Key("source", SOURCES[rows.kind], what),
        Key("path", path, "relative to this file"),
        *others.keys(),
        Key("inputs", names if len(names) > 1 else names[0], _input_reason(sides)),
        Key("target", sides.target.name, f"what is predicted: {sides.target.words}"),
        *_unit_keys(sides),
        *_care_keys(sides, counts, others),
    ]
    if sides.shape == "many_to_one" and not sides.regression and not others.val:
        keys.append(Key("stratify", True, "each class has the same share in every split"))
    return tuple(keys)


def _input_reason(sides: Sides) -> str:
    if len(sides.inputs) > 1:
        return "the steps of the sequence, in this order"
    return "what is read"


def _unit_keys(sides: Sides) -> list[Key]:
    steps = {
        "word": "a step is a word",
        "character": "a step is a character",
        "label": "a step is one of the words that blanks, or a list, keep apart",
        "number": "a step is a number",
    }
    one = sides.shape == "one_to_many"
    keys = [Key("unit", sides.unit, "the condition" if one else steps[sides.unit])]
    other = {"word": "character", "character": "word"}.get(sides.unit)
    if other and not one:
        keys.append(offer("unit", other))
    if other and sides.unit == "word":
        keys.append(offer("lowercase", True, "The and the are one word then"))
    reason = steps[sides.target_unit] if sides.shape != "many_to_one" else ""
    if not (sides.shape == "many_to_one" and sides.regression):
        keys.append(Key("target_unit", sides.target_unit, reason or "a class is a label"))
    return keys


def _care_keys(sides: Sides, counts: Counts, others: OtherFiles) -> list[Key]:
    keys = []
    numeric = sides.unit == "number" or sides.regression
    if numeric:
        keys.append(Key("scale", "standard", "mean 0 and deviation 1, by the training part"))
    if counts.blank and sides.unit != "number":
        keys.append(Key("empty", "drop", f"{counts.blank:,} rows without an input are left out"))
    blanks = counts.blank if sides.unit == "number" else 0
    blanks += sides.target.blanks if sides.regression else 0
    if blanks:
        keys.append(Key("nan", "drop", f"{blanks:,} rows with a blank are left out"))
    if counts.repeated or others.test:
        found = f"{counts.repeated:,} examples stand there twice" if counts.repeated else ""
        keys.append(Key("duplicates", "drop", found or "none is trained on and tested on"))
    if counts.ambiguous and sides.shape == "many_to_one":
        found = f"{counts.ambiguous:,} inputs stand with different answers"
        keys.append(offer("ambiguous", "drop", found))
    if counts.longest > LONGEST and sides.shape in ("many_to_one", "many_to_many"):
        found = f"the longest has {counts.longest:,} steps, a typical one {counts.typical:,}"
        keys.append(Key("max_length", LONGEST, f"{found}; the rest is cut off"))
    return keys


def task_keys(shape: str, regression: bool) -> tuple[Key, ...]:
    """The task section of examples."""
    reasons = {
        "many_to_one": "a sequence -> one answer",
        "one_to_many": "one thing -> a sequence",
        "many_to_many": "a sequence -> an answer for each step",
        "delayed": "a sequence -> a sequence of another length",
    }
    kind = "many_to_many" if shape == "delayed" else shape
    keys = [Key("kind", kind, reasons[shape])]
    if shape == "delayed":
        keys.append(Key("alignment", "delayed", "all is read before the answer begins"))
    keys.append(Key("target", "regression" if regression else "classification"))
    return tuple(keys)


def _model(sides: Sides, start: Start) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    tokens = sides.unit != "number"
    if sides.shape == "one_to_many":
        return writer(start, not sides.regression)
    if sides.shape == "delayed":
        return translator(start)
    one = sides.shape == "many_to_one"
    if sides.regression:
        return regressor(start, tokens, one=one)
    return tagger(start) if tokens and not one else classifier(start, tokens, one=one)


def _found(rows: Table | Objects, sides: Sides, counts: Counts) -> dict[str, Any]:
    held = "keys" if rows.kind == "jsonl" else "columns"
    found: dict[str, Any] = {"examples": rows.count, held: described(rows.fields)}
    if sides.shape == "many_to_one" and not sides.regression:
        found["classes"] = {
            in_short(label): count for label, count in sides.target.counts.most_common(20)
        }
    if sides.shape != "one_to_many":
        most = f" in a typical input, at most {counts.longest}"
        found["steps"] = f"{counts.typical}{most if counts.longest > counts.typical else ''}"
    return found


def _choices(
    rows: Table | Objects, sides: Sides, counts: Counts, others: OtherFiles
) -> list[Choice]:
    choices = others.choices()
    free = [f.name for f in rows.fields if f not in (*sides.inputs, sides.target)]
    turns = sides.shape in ("delayed", "many_to_many") or len(sides.inputs) > 1
    alternatives = free[:5] + [field.name for field in sides.inputs[:3] if turns]
    if sides.guessed and alternatives:
        change = f"--target {_word(rows)} ({', '.join(alternatives)})"
        choices.append(Choice("data.target", sides.target.name, sides.target.words, change))
    if len(sides.inputs) > 1:
        why = f"each row is read as a sequence of its {len(sides.inputs)} columns"
        choices.append(Choice("data.inputs", "columns in order", why, "--inputs A,B,C"))
    elif free:
        change = f"--inputs {_word(rows)} ({', '.join(free[:5])})"
        choices.append(Choice("data.inputs", sides.source.name, sides.source.words, change))
    if sides.target.kind == "number" and sides.target.whole and sides.shape == "many_to_one":
        choices.append(_number_choice(sides))
    choices += _blank_choices(sides, counts)
    if counts.repeated:
        why = f"{counts.repeated:,} examples stand there twice"
        choices.append(Choice("data.duplicates", "drop", why, "remove data.duplicates"))
    return choices


def _blank_choices(sides: Sides, counts: Counts) -> list[Choice]:
    lacking = counts.blank + (sides.target.blanks if sides.regression else 0)
    if not lacking:
        return []
    key = "data.empty" if sides.unit != "number" and counts.blank else "data.nan"
    why = f"{lacking:,} rows with a blank are left out"
    return [Choice(key, "drop", why, f"fill them in, and remove {key}")]


def _word(rows: Table | Objects) -> str:
    return "KEY" if rows.kind == "jsonl" else "COLUMN"


def _number_choice(sides: Sides) -> Choice:
    name, count = sides.target.name, len(sides.target.counts)
    if sides.regression:
        why = f"{name} has {count:,} different numbers"
        return Choice("task.target", "regression", why, "task.target: classification")
    why = f"{name} has {count} different whole numbers, taken as classes"
    change = "task.target: regression, without data.target_unit and data.stratify"
    return Choice("task.target", "classification", why, change)


def _after(rows: Table | Objects, sides: Sides) -> str:
    if sides.shape == "one_to_many":
        value = next(iter(sides.source.present), "NAME")
        return f'rnnexp generate latest --label "{value}"'
    if sides.unit in ("word", "character"):
        shown = str(sides.source.present[0]).replace('"', "'")[:40]
        return f'rnnexp predict latest "{shown}"'
    return f"rnnexp predict latest {quote(str(rows.sample.path))}"
