"""Why a run did not come out the same again: what has changed since, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnexp.plain_json import differences
from rnnexp.recording.seal import broken_files
from rnnexp.recording.text_files import read_json

__all__ = ["causes"]

Cause = dict[str, Any]

CAUSES = {
    "versions.rnnexp": "another rnnexp: its CHANGELOG.md says what changed between the two",
    "versions.torch": "each release brings other kernels, and may draw other random numbers",
    "device": "a GPU adds numbers in another order than a processor",
    "cuda": "each release brings other kernels",
    "threads": "sums are shared out among threads, and so rounded otherwise",
    "cpu_capability": "torch computes with other instructions, which round otherwise",
    "kernels": "which compiled kernels ran the layers, if any; each rounds in its own way",
    "cpu": "the libraries behind torch choose their way by the processor",
    "versions.numpy": "what is drawn and scaled before training is numpy's work",
    "versions.python": "a minor release can change how text is read and split",
    "platform": "the C library brings exp and tanh, and rounds them in its own way",
    "variables.OMP_NUM_THREADS": "how many threads a library takes",
    "variables.MKL_NUM_THREADS": "how many threads a library takes",
    "variables.OPENBLAS_NUM_THREADS": "how many threads a library takes",
    "variables.KMP_AFFINITY": "where threads run",
    "variables.CUBLAS_WORKSPACE_CONFIG": "whether products on a GPU are repeatable",
    "variables.CUDA_VISIBLE_DEVICES": "which GPU computes",
    "variables.PYTHONHASHSEED": "the order of sets of words, if anything rested on it",
    "git.commit": "the code in the folder where it was started, if rnnexp is run from there",
    "git.dirty": "changes on that code that no commit holds",
    "versions.safetensors": "only stores weights, and should change nothing",
}
"""what of env.json may explain a difference and how, the likeliest first"""


def causes(then: Path, now: Path) -> list[Cause]:
    """`what` has changed, what it was `then` and is `now`, and `why` that matters.

    In this order: files of the run itself, how it was gone on with, data, settings, and the
    environment as in `CAUSES`.
    """
    found = [*_own_files(then), *_resumes(then), *_data(then, now), *_settings(then, now)]
    return [*found, *_environment(then, now)]


def _cause(what: str, then: Any, now: Any, why: str) -> Cause:
    return {"what": what, "then": then, "now": now, "why": why}


def _own_files(run: Path) -> Iterator[Cause]:
    for sentence in broken_files(run):
        name = sentence.partition(" ")[0]
        yield _cause(name, None, None, "the run is not what it wrote any more: " + sentence)


def _resumes(run: Path) -> Iterator[Cause]:
    """A run that went on under other conditions was trained again under its last ones at once."""
    resumes = (read_json(run / "status.json") or {}).get("resumes")
    for resume in resumes if isinstance(resumes, list) else []:
        for name, verb in (("extend", "was extended by"), ("drift", "went on although")):
            changes = resume.get(name) if isinstance(resume, dict) else None
            for change in changes if isinstance(changes, list) else []:
                why = f"the run {verb} {change}; here it was trained so from the start"
                yield _cause(f"resumed after step {resume.get('step')}", None, None, why)


def _data(then: Path, now: Path) -> Iterator[Cause]:
    before, after = (read_json(run / "data.json") or {} for run in (then, now))
    hashed, hashed_now = (_hashes(record.pop("files", ())) for record in (before, after))
    for path, (was, is_now) in differences(hashed, hashed_now):
        yield _cause(path, was, is_now, "the data are not those it was trained on (SHA-256)")
    for key, (was, is_now) in differences(before, after):
        yield _cause(f"data.json {key}", was, is_now, "the data were read or drawn otherwise")


def _hashes(files: Any) -> dict[str, Any]:
    entries = files if isinstance(files, list) else []
    return {str(e.get("path")): e.get("sha256") for e in entries if isinstance(e, dict)}


def _settings(then: Path, now: Path) -> Iterator[Cause]:
    before, after = (_mapping(read_json(run / "summary.json"), "settings") for run in (then, now))
    for key, (was, is_now) in differences(before, after) if before else ():
        yield _cause(key, was, is_now, "the config is another")


def _mapping(record: Mapping[str, Any] | None, key: str) -> Mapping[str, Any]:
    value = (record or {}).get(key)
    return value if isinstance(value, Mapping) else {}


def _environment(then: Path, now: Path) -> Iterator[Cause]:
    """What differs of what is in `CAUSES`, in its order."""
    before, after = (read_json(run / "env.json") or {} for run in (then, now))
    for key, why in CAUSES.items():
        was, is_now = _at(before, key), _at(after, key)
        if was != is_now:
            yield _cause(key, was, is_now, why)


def _at(record: Mapping[str, Any], key: str) -> Any:
    section, _, name = key.rpartition(".")
    return (_mapping(record, section) if section else record).get(name)
