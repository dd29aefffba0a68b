"""What the runs differ in, and the whole configuration."""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.errors import RnnexpError
from rnnexp.reports.chosen_settings import chosen_settings
from rnnexp.reports.page.blocks import Block, Code, Column, Fold, Paragraph, Section
from rnnexp.reports.page.material import RunFiles
from rnnexp.reports.page.story import Story
from rnnexp.reports.page.tables import long_table
from rnnexp.reports.page.wording import cut, listed, setting_text

__all__ = ["settings"]


def settings(story: Story) -> Section | None:
    blocks = [*_differing(story), *_whole(story)]
    return Section("Settings", blocks) if blocks else None


def _differing(story: Story) -> Iterator[Block]:
    keys = story.comparison.keys
    if not keys:
        yield from _chosen(story.closely)
        return
    columns = [*(Column(key) for key in keys), Column("seeds")]
    rows = [
        [
            *(cut(setting_text(arm.group.settings_that_differ.get(key))) for key in keys),
            listed([str(row.seed) for row in arm.rows], 12),
        ]
        for arm in story.arms
    ]
    yield from long_table("What differs; all else is the same", columns, rows, "setting")
    older = sum(len(arm.group.superseded) for arm in story.arms)
    if older:
        yield Paragraph(
            f"Of runs with the same settings and seed the newest counts: {older} older left out.",
            "note",
        )


def _chosen(run: RunFiles) -> list[Block]:
    """What was chosen, rather than left as it is by default."""
    try:
        chosen = chosen_settings(run.path)
    except RnnexpError:
        return []
    rows = [[key, cut(setting_text(value))] for key, value in chosen.items() if key != "name"]
    columns = [Column("setting"), Column("value")]
    return long_table("What is not as it is by default", columns, rows, "setting") if rows else []


def _whole(story: Story) -> Iterator[Block]:
    resolved = story.closely.text("resolved.yaml")
    if resolved:
        whose = f" of {cut(story.arms[0].label)}" if story.comparison.keys else ""
        yield Fold(f"The whole configuration{whose}, defaults included", [Code(resolved)])
