"""A folder: text files by class, or images with a table of captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from rnnexp.drafting.asked import Asked
from rnnexp.drafting.captions import draft_captions
from rnnexp.drafting.draft import Choice, Draft, Key, offer
from rnnexp.drafting.examples import check_classes
from rnnexp.drafting.first_model import Start, classifier, writer
from rnnexp.drafting.place import Place
from rnnexp.drafting.rows import BASELINES, task_keys
from rnnexp.drafting.sample import take_sample
from rnnexp.drafting.sides import WORDS
from rnnexp.errors import DataError

__all__ = ["draft_folder"]

MOST_FILES = 200
"""so many files of a class are looked at; the others are counted"""


@dataclass(frozen=True)
class _Texts:
    """counts: examples of each class. texts: class and text of those that were looked at."""

    counts: Counter[str]
    texts: list[tuple[str, str]]
    by_folder: bool


def draft_folder(place: Place, asked: Asked) -> Draft:
    """What the files of a folder are good for.

    Raises:
        CommandError: an option that has no meaning for a folder.
        DataError: no files, or files of which no class can be told.
    """
    entries = _entries(place.path, place.given)
    files = [entry for entry in entries if entry.is_file()]
    tables = [file for file in files if file.suffix.lower() in (".csv", ".tsv")]
    if _holds_images(entries):
        return draft_captions(place, tables, asked)
    if not entries:
        _refuse(place, "the folder has no files")
    if files and len(files) < len(entries):
        _refuse(place, f"the folder holds folders and files, such as {files[0].name!r}")
    if len(entries) == 1:
        _refuse(place, "the folder has a single class", f"one file: rnnexp init {entries[0]}")
    if tables or any(file.suffix.lower() in (".jsonl", ".parquet", ".npz") for file in files):
        hint = "name one of them: rnnexp init " + str(files[0])
        _refuse(place, "the folder holds tables, which are no text files by class", hint)
    what = "text files by class"
    asked.refuse_but(what)
    asked.check_task(what, ("many_to_one", "one_to_many"))
    return _draft(place, _texts_of_files(files) if files else _texts_of_folders(entries), asked)


def _entries(folder: Path, given: str) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        message = f"cannot read {given!r}: {error.strerror}"
        raise DataError(message, code="DAT103") from None


def _holds_images(entries: Sequence[Path]) -> bool:
    inside = [entry for entry in entries if entry.is_file()]
    for folder in (entry for entry in entries if entry.is_dir()):
        inside += [path for path in _entries(folder, str(folder))[:3] if path.is_file()]
    return any(_is_image(path) for path in inside[:MOST_FILES])


def _is_image(path: Path) -> bool:
    return path.suffix.lower().lstrip(".") in ("png", "jpg", "jpeg", "bmp", "gif", "webp")


def _refuse(place: Place, why: str, hint: str = "") -> NoReturn:
    forms = "one text file a class with an example a line, or one folder a class with an example "
    raise DataError(f"{place.given}: {why}", code="DAT102", hint=hint or forms + "a file")


# -- text files by class ---------------------------------------------------------------------------


def _texts_of_files(files: Sequence[Path]) -> _Texts:
    """One file a class, an example a line."""
    endings = {file.stem for file in files} == {files[0].stem}
    counts: Counter[str] = Counter()
    texts = []
    for file in files:
        sample = take_sample(file, str(file))
        label = file.suffix.removeprefix(".") if endings else file.stem
        lines = [line.strip() for line in sample.lines if line.strip()]
        counts[label] += sample.estimate(len(lines))
        texts += [(label, line) for line in lines]
    return _Texts(counts, texts, by_folder=False)


def _texts_of_folders(folders: Sequence[Path]) -> _Texts:
    """One folder a class, an example a file."""
    counts: Counter[str] = Counter()
    texts = []
    for folder in folders:
        files = [path for path in _entries(folder, str(folder)) if path.is_file()]
        counts[folder.name] += len(files)
        samples = [take_sample(file, str(file)) for file in files[:MOST_FILES]]
        texts += [(folder.name, sample.text.strip()) for sample in samples]
    return _Texts(counts, texts, by_folder=True)


def _draft(place: Place, found: _Texts, asked: Asked) -> Draft:
    check_classes(place.given, found.counts)
    words = sum(len(text.split()) for _, text in found.texts) / len(found.texts)
    unit = "word" if words >= WORDS else "character"
    total = found.counts.total()
    written = asked.task == "one_to_many"
    lengths = sorted(
        len(text.split() if unit == "word" else text) for _, text in found.texts
    )  # fmt: skip
    start = Start(int(0.8 * total), lengths[len(lengths) // 2])
    model, training = writer(start, True) if written else classifier(start, tokens=True)
    shape = "one_to_many" if written else "many_to_one"
    by = "a folder is a class, a file an example" if found.by_folder else (
        "a file is a class, a line an example"
    )  # fmt: skip
    title = "Writes a text of a class" if written else "Predicts the class of a text"
    example, text = found.texts[0]
    return Draft(
        title=f"{title}: {place.path.name}, {by}.",
        found={
            "examples": f"{total:,}",
            "classes": dict(found.counts.most_common(20)),
            "length": f"{start.steps} {unit}s in a typical text, at most {lengths[-1]}",
        },
        data=(
            Key("source", "folder", by),
            Key("path", place.written, "relative to this file"),
            Key("unit", unit, f"a step is a {unit}"),
            offer("unit", "character" if unit == "word" else "word"),
            *_care(found),
            Key("stratify", True, "each class has the same share in every split"),
            *_cut(lengths, written),
        ),
        task=task_keys(shape, regression=False),
        model=model,
        training=training,
        baselines=BASELINES[shape],
        choices=tuple(_choices(unit, words, written)),
        after=f"rnnexp generate latest --label {example}"
        if written
        else f'rnnexp predict latest "{text[:40]}"'.replace("\\", ""),
    )


def _care(found: _Texts) -> list[Key]:
    different = set(found.texts)
    repeated = len(found.texts) - len(different)
    answers = Counter(text for _, text in different)
    ambiguous = sum(count > 1 for count in answers.values())
    keys = []
    if repeated:
        keys.append(Key("duplicates", "drop", f"{repeated:,} examples stand there twice"))
    if ambiguous:
        keys.append(Key("ambiguous", "drop", f"{ambiguous:,} texts stand in several classes"))
    if any(not text for _, text in found.texts):
        keys.append(Key("empty", "drop", "some files are empty"))
    return keys


def _cut(lengths: Sequence[int], written: bool) -> list[Key]:
    if written or lengths[-1] <= 500:
        return []
    return [Key("max_length", 500, f"the longest has {lengths[-1]:,} steps; the rest is cut off")]


def _choices(unit: str, words: float, written: bool) -> list[Choice]:
    other = "character" if unit == "word" else "word"
    choices = [Choice("data.unit", unit, f"{words:.1f} words in a text", f"data.unit: {other}")]
    kind, turned = "one_to_many", "many_to_one"
    if not written:
        kind, turned = turned, kind
    way = "a class -> a text" if written else "a text -> its class"
    return [*choices, Choice("task.kind", kind, way, f"--task {turned}")]
