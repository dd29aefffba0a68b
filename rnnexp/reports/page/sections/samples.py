"""What the network wrote, beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnexp.reports.page.blocks import Column, Paragraph, Section, Table
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.wording import cut, number, setting_text

__all__ = ["samples"]

MOST_SHOWN = 10
LONGEST = 160


def samples(story: Story) -> Section | None:
    run = story.closely
    shown: list[list[str]] = []
    count = right = 0
    for record in run.records("predictions.jsonl"):
        target, prediction = record.get("target"), record.get("prediction")
        if not _is_sequence(record):
            continue
        count, right = count + 1, right + (target == prediction)
        if len(shown) < MOST_SHOWN:
            shown.append(_row(record, target, prediction))
    if not shown:
        return None
    about = f"Of {number(count)} test sequences written down {number(right)} are without a mistake"
    about += f" by the best setting's first seed ({run.path.name})." if story.several else "."
    columns = [
        Column("example", True),
        Column("asked for", wide=True),
        Column("answered", wide=True),
        Column(""),
    ]
    caption = f"The first {len(shown)} of the test part"
    return Section("Sequences", [Paragraph(about), Table(caption, columns, shown)])


def _is_sequence(record: Mapping[str, Any]) -> bool:
    """Lists of tokens, or the texts that a decoder wrote; not numbers, nor a single class."""
    target, prediction = record.get("target"), record.get("prediction")
    if "tokens" in record:
        return isinstance(target, str) and isinstance(prediction, str)
    return "index" not in record and isinstance(target, list) and isinstance(prediction, list)


def _row(record: Mapping[str, Any], target: Any, prediction: Any) -> list[str]:
    place = setting_text(record.get("example", record.get("index")))
    same = "=" if target == prediction else "≠"
    return [cut(place, 20), _joined(target), _joined(prediction), same]


def _joined(units: list[Any] | str) -> str:
    """Characters side by side, words with spaces between."""
    if isinstance(units, str):
        return cut(units, LONGEST) or "(nothing)"
    texts = [unit if isinstance(unit, str) else setting_text(unit) for unit in units[:LONGEST]]
    text = ("" if all(len(unit) == 1 for unit in texts) else " ").join(texts)
    return cut(text, LONGEST) or "(nothing)"
