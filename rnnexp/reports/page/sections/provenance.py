"""Where the numbers come from: machine, versions, data; and how to get them again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnexp.reports.page.blocks import (
    Block,
    Code,
    Column,
    Facts,
    Fold,
    Paragraph,
    Section,
    long_table,
)
from rnnexp.reports.page.story import RunFiles, Story, as_number, objects_in
from rnnexp.reports.page.wording import cut, listed, number, plural, setting_text

__all__ = ["data", "environment", "reproduction"]

PLACES = {"platform": "platform", "cpu": "processor", "cpu_capability": "vector units",
          "kernels": "kernels",
          "cores": "cores", "threads": "threads", "device": "device", "cuda": "CUDA"}  # fmt: skip
HASH_LETTERS = 64


def environment(story: Story) -> Section | None:
    facts = _facts(story.closely.environment)
    if not facts:
        return None
    blocks: list[Block] = [Facts(facts)]
    others = [_facts(story.files(row).environment) for row in story.rows]
    different = [
        name for name in facts if any(name in o and o[name] != facts[name] for o in others)
    ]
    if different:
        text = (
            f"Not the same for all runs: {listed(different)}. Shown is {story.closely.path.name}."
        )
        blocks.append(Paragraph(text, "warning"))
    return Section("Environment", blocks)


def _facts(record: Mapping[str, Any]) -> dict[str, str]:
    """Versions, machine and source state by name."""
    facts = {name: record.get(key) for key, name in PLACES.items()}
    if isinstance(versions := record.get("versions"), Mapping):
        facts |= {str(name): version for name, version in versions.items()}
    if isinstance(variables := record.get("variables"), Mapping):
        facts |= {str(name): value for name, value in variables.items() if name != "RNNEXP_DATA"}
    known = {
        name: cut(setting_text(value), 90) for name, value in facts.items() if value is not None
    }
    return known | _git(record.get("git"))


def _git(state: Any) -> dict[str, str]:
    if not isinstance(state, Mapping):
        return {}
    changed = " with changes" if state.get("dirty") is True else ""
    return {"git": cut(str(state.get("commit")), 60) + changed}


def data(story: Story) -> Section | None:
    record = story.closely.data
    blocks = [*_about(record), *_files(story, record)]
    return Section("Data", blocks) if blocks else None


def _about(record: Mapping[str, Any]) -> Iterator[Block]:
    splits = record.get("splits")
    if isinstance(splits, Mapping) and splits:
        parts = [f"{number(int(n))} {cut(str(name), 20)}" for name, part in splits.items()
                 if (n := as_number(part)) is not None]  # fmt: skip
        source = cut(setting_text(record.get("source")), 40)
        yield Paragraph(f"Source {source}; examples: {', '.join(parts)}.")
    if isinstance(whole := record.get("sha256"), str):
        yield Facts({"SHA-256": cut(whole, HASH_LETTERS)})


def _files(story: Story, record: Mapping[str, Any]) -> list[Block]:
    files = objects_in(record.get("files"))
    if not files:
        return []
    columns = [Column("file"), Column("bytes", True), Column("SHA-256")]
    rows = [
        [_name(file.get("path")), _bytes(file.get("bytes")),
         cut(str(file.get("sha256")), HASH_LETTERS)]
        for file in files
    ]  # fmt: skip
    blocks = long_table("What was read", columns, rows, "file")
    others = [story.files(row).data.get("files") for row in story.comparison.rows()]
    if any(other != record.get("files") for other in others):
        blocks.append(Paragraph("Not all runs read the same files.", "warning"))
    return blocks


def _name(path: Any) -> str:
    """A file and its folder: where that stands on a machine is nobody's business."""
    return cut("/".join(Path(str(path)).parts[-2:]), 120)


def _bytes(value: Any) -> str:
    size = as_number(value)
    return "–" if size is None else number(int(size))


def reproduction(story: Story) -> Section | None:
    run = story.closely
    blocks: list[Block] = [Paragraph("To train it again from its folder and compare:")]
    blocks.append(Code(f"rnnexp reproduce {shlex.quote(run.path.name)}"))
    blocks += _by_hand(run)
    if story.several:
        names = "\n".join(f"rnnexp reproduce {shlex.quote(row.path.name)}" for row in story.rows)
        blocks.append(Fold(f"All {plural(len(story.rows), 'run')}", [Code(names)]))
    return Section("To reproduce", blocks)


def _by_hand(run: RunFiles) -> Iterator[Block]:
    config = run.text("config.yaml")
    if not config:
        return
    overrides = run.text("overrides.txt").splitlines()
    yield Paragraph("Or from the config as it was given:")
    yield Code(shlex.join(["rnnexp", "train", "config.yaml", *overrides]))
    yield Fold("config.yaml", [Code(config)])
