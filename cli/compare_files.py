"""A comparison for other programs: CSV, Markdown, and one object for `--json`."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from .compare_sheet import Sheet, interval, setting_text, spread, verdict
from .text import number, safe

if TYPE_CHECKING:
    from rnnexp.reports.comparison import Group
    from rnnexp.reports.runs import RunRow

__all__ = ["as_csv", "as_markdown", "as_object"]

FORMULA_SIGNS = "=+-@\t\r"
APART = {
    "difference": "mean",
    "difference low": "low",
    "difference high": "high",
    "pairs": "n",
    "distinguishable": "distinguishable",
}
PARTS = ("mean", "sd", "low", "high")


def as_csv(sheet: Sheet) -> str:
    """A line a group, numbers in full. A text that a spreadsheet would take for a formula gets a
    `'` before it.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    heading = []
    for name in sheet.columns:
        heading += [f"{name} {part}" for part in PARTS] if name in sheet.metrics else [name]
        if name in sheet.metrics and sheet.baseline is not None:
            heading += [f"{name} {part}" for part in APART]
    writer.writerow(map(_csv_cell, heading))
    for group in sheet.groups:
        writer.writerow(map(_csv_cell, _values(sheet, group)))
    return stream.getvalue()


def _values(sheet: Sheet, group: Group) -> list[Any]:
    values: list[Any] = []
    for name in sheet.columns:
        if name == "n":
            values.append(len(group.rows))
        elif name not in sheet.metrics:
            values.append(sheet.setting(group, name))
        else:
            found = group.estimate(name)
            values += [getattr(found, part, None) for part in PARTS]
            if sheet.baseline is not None:
                apart = sheet.difference(group, name)
                values += [getattr(apart, part, None) for part in APART.values()]
    return values


def _csv_cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = setting_text(value, None)
    return f"'{text}" if text.startswith(tuple(FORMULA_SIGNS)) else text


def as_markdown(sheet: Sheet) -> str:
    """The table as people write it into a README; the settings' names in full."""
    heading, sides = [], []
    for name in sheet.columns:
        heading += [name, f"95 % {name}"] if name in sheet.metrics else [name]
        sides += ["--:", "--:"] if name in sheet.metrics else ["--:" if name == "n" else ":--"]
        if name in sheet.metrics and sheet.baseline is not None:
            heading.append("against the baseline")
            sides.append(":--")
    rows = [heading, *(_texts(sheet, group) for group in sheet.groups)]
    lines = [f"| {' | '.join(map(_plain, row))} |" for row in rows]
    return "\n".join([lines[0], f"| {' | '.join(sides)} |", *lines[1:]])


def _texts(sheet: Sheet, group: Group) -> list[str]:
    texts = []
    for name in sheet.columns:
        if name == "n":
            texts.append(str(len(group.rows)))
        elif name not in sheet.metrics:
            texts.append(setting_text(sheet.setting(group, name), None))
        else:
            found = group.estimate(name)
            texts += [spread(found), interval(found.low, found.high) if found else ""]
            if sheet.baseline is not None:
                texts.append(_against(sheet, group, name))
    return texts


def _against(sheet: Sheet, group: Group, metric: str) -> str:
    if group is sheet.baseline:
        return "baseline"
    found = sheet.difference(group, metric)
    words = verdict(found, sheet.larger(metric))
    return f"{number(found.mean)} {interval(found.low, found.high)} {words}" if found else words


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    for sign in "\\|<`*_[":
        text = text.replace(sign, f"\\{sign}")
    return safe(text)


def as_object(sheet: Sheet) -> dict[str, Any]:
    """Everything, for `--json`."""
    comparison = sheet.comparison
    return {
        "monitor": comparison.monitor,
        "mode": "max" if comparison.larger else "min",
        "monitors": dict(comparison.monitors),
        "keys": list(comparison.keys),
        "metrics": sheet.shown_metrics,
        "groups": [_group(sheet, group) for group in sheet.groups],
        "unfinished": [_run(row) for row in comparison.unfinished],
        "damaged": [_run(row) | {"warning": row.warning} for row in comparison.damaged],
    }


def _run(row: RunRow) -> dict[str, Any]:
    return {"run": str(row.path), "state": row.state}


def _group(sheet: Sheet, group: Group) -> dict[str, Any]:
    return {
        "settings": {key: sheet.setting(group, key) for key in sheet.keys}
        | dict(group.settings_that_differ),
        "n": len(group.rows),
        "seeds": [row.seed for row in group.rows],
        "runs": [str(row.path) for row in group.rows],
        "superseded": [str(row.path) for row in group.superseded],
        "metrics": {name: _metric(sheet, group, name) for name in sheet.shown_metrics},
        "baseline": group is sheet.baseline,
    }


def _metric(sheet: Sheet, group: Group, metric: str) -> dict[str, Any] | None:
    from dataclasses import asdict

    found = group.estimate(metric)
    if found is None:
        return None
    apart = sheet.difference(group, metric)
    values = {str(seed): value for seed, value in group.values(metric).items()}
    return {**asdict(found), "values": values, "difference": asdict(apart) if apart else None}
