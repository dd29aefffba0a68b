"""From a data file to a draft: what kind it is, by its content first and by its name second."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from rnnexp.data.arrays.array_file import MAGIC
from rnnexp.data.image_file import KINDS as IMAGES
from rnnexp.data.reading_files import kind_of
from rnnexp.drafting.arrays import draft_arrays
from rnnexp.drafting.asked import Asked
from rnnexp.drafting.beside import OtherFiles, beside
from rnnexp.drafting.conllu import draft_conllu, is_conllu
from rnnexp.drafting.draft import Draft
from rnnexp.drafting.folder import draft_folder
from rnnexp.drafting.idx import draft_idx, is_idx
from rnnexp.drafting.objects import read_objects
from rnnexp.drafting.pairs import draft_pairs
from rnnexp.drafting.place import Place, place_of
from rnnexp.drafting.rows import draft_rows
from rnnexp.drafting.sample import Sample, check_there, take_sample
from rnnexp.drafting.series import draft_series
from rnnexp.drafting.table import Table, delimiter_of, read_csv, read_parquet
from rnnexp.drafting.text import draft_text
from rnnexp.drafting.time_columns import looks_like_a_series
from rnnexp.errors import DataError, UnsafeError
from rnnexp.reading import BINARY

__all__ = ["draft_of"]

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
TABLES = (".csv", ".tsv", ".tab", ".psv")
PICKLES = (".pkl", ".pickle", ".joblib", ".p")
KNOWN = (
    "CSV and TSV tables, JSONL, Parquet, plain text, CoNLL-U, .npz and .safetensors arrays, IDX "
    "images, a folder of text files by class, a folder of images with captions.csv"
)

Draw = Callable[[Sample, Asked, Place], Draft]


def draft_of(given: str, asked: Asked, folder: Path) -> Draft:
    """A draft for the file, folder or `data:NAME` of the command line.

    folder: where the config will lie.

    Raises:
        CommandError: no such file, or an option that does not fit it.
        DataError: a file of an unknown kind, or one that cannot be trained on as it is.
        UnsafeError: a pickle.
        EnvironmentMissingError: a package that reads such files is not installed.
    """
    place = place_of(given, folder)
    if kind_of(check_there(place.path, given)) == "a directory":
        return draft_folder(place, asked)
    sample = take_sample(place.path, given)
    return _kind(sample)(sample, asked, place)


def _kind(sample: Sample) -> Draw:
    """How a file of this content is drafted."""
    raw = sample.raw
    arrays = raw.startswith(ZIP) or (raw[8:9] == b"{" and b"\0" in raw[:8])
    if sample.suffix in PICKLES or (BINARY.match(raw) and not arrays):
        raise UnsafeError(
            f"{sample.name} is a pickle, which can run code when read",
            code="SAF041",
            position=sample.at(),
            hint="save numbers by numpy.savez, tables as CSV or Parquet",
        )
    if raw.startswith(b"PAR1"):
        return _parquet
    if arrays:
        return _arrays
    if is_idx(raw):
        return draft_idx
    if b"\0" in raw or raw.startswith((*IMAGES, MAGIC, b"%PDF")):
        _refuse_binary(sample)
    return _kind_of_text(sample)


def _refuse_binary(sample: Sample) -> NoReturn:
    raw, hint = sample.raw, "save it in one of these forms"
    if raw.startswith(tuple(IMAGES)):
        hint = "images are read from a folder, with captions.csv beside them: rnnexp init FOLDER"
    elif raw.startswith(MAGIC):
        hint = "numpy.savez(file, inputs=..., target=...) writes two arrays into one file"
    elif raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "UTF-16 text? save it as UTF-8"
    raise DataError(
        f"{sample.name} is a binary file of a kind that is not read; it begins with "
        f"{raw[:4].hex(' ')}",
        code="DAT308",
        position=sample.at(),
        allowed=KNOWN,
        hint=hint,
    )


def _kind_of_text(sample: Sample) -> Draw:
    lines = [line for line in sample.lines if line.strip()]
    if sample.suffix in (".jsonl", ".ndjson", ".json") or _is_object(lines[0]):
        return _objects
    if sample.suffix in (".conllu", ".conll") or is_conllu(lines):
        return _conllu
    mark = delimiter_of(lines)
    if sample.suffix in TABLES or mark in ("\t", ";", "|") or (mark and _ends_in_numbers(lines)):
        return _table
    return _text


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _ends_in_numbers(lines: list[str]) -> bool:
    """Whether commas part the first lines into cells of which some are numbers in every row."""
    rows = [line.split(",") for line in lines[1:20]]
    return bool(rows) and all(any(c.strip().replace(".", "").isdigit() for c in r) for r in rows)


# -- one kind at a time ----------------------------------------------------------------------------


def _others(place: Place) -> OtherFiles:
    val, test = beside(place.path)
    written = [None if path is None else place.written_beside(path) for path in (val, test)]
    return OtherFiles(*written)


def _table(sample: Sample, asked: Asked, place: Place) -> Draft:
    return _rows_or_series(read_csv(sample), asked, place)


def _parquet(sample: Sample, asked: Asked, place: Place) -> Draft:
    return _rows_or_series(read_parquet(sample), asked, place)


def _rows_or_series(table: Table, asked: Asked, place: Place) -> Draft:
    """Rows that follow each other in time, or rows that stand alone."""
    asked.check_known(table.names)
    if asked.value or (not asked.target and looks_like_a_series(table)):
        asked.refuse_but("a time series", ("value", "inputs"))
        return draft_series(table, asked, place.written)
    return draft_rows(table, asked, place.written, _others(place))


def _objects(sample: Sample, asked: Asked, place: Place) -> Draft:
    found = read_objects(sample)
    asked.check_known(found.names)
    return draft_rows(found, asked, place.written, _others(place))


def _arrays(sample: Sample, asked: Asked, place: Place) -> Draft:
    if b"xl/" in sample.raw or b"[Content_Types].xml" in sample.raw:
        raise DataError(
            f"{sample.name} is a spreadsheet",
            code="DAT308",
            position=sample.at(),
            allowed=KNOWN,
            hint="save the sheet as CSV (UTF-8)",
        )
    return draft_arrays(sample, asked, place.written, _others(place))


def _conllu(sample: Sample, asked: Asked, place: Place) -> Draft:
    return draft_conllu(sample, asked, place.written, _others(place))


def _text(sample: Sample, asked: Asked, place: Place) -> Draft:
    """One text, or with --target FILE the first side of parallel text."""
    if asked.target is None:
        return draft_text(sample, asked, place.written)
    other = place_of(asked.target, place.folder)
    target = take_sample(other.path, asked.target)
    return draft_pairs(sample, target, replace(asked), (place, other))
