"""Groups of runs as a table for people, and what must be said beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from .tables import Cell, Column, table, without_room
from .terminal import number, safe, style, wrapped

if TYPE_CHECKING:
    from rnnexp.reports.comparison import Comparison, Group
    from rnnexp.reports.run_index import RunRow
    from rnnexp.reports.statistics import Difference, Estimate

__all__ = [
    "Sheet",
    "comparison_text",
    "interval",
    "make_sheet",
    "notes",
    "setting_text",
    "spread",
    "title",
    "verdict",
]


# What `runs compare` shows of each group, before it is a table, CSV or Markdown.

LONGEST_SETTING = 24
SIGNIFICANT = 2
"""digits of a spread that say something"""
MOST_DECIMALS, LARGE = 6, 1e6


@dataclass(frozen=True)
class Sheet:
    """Groups in the order in which they are shown, and of each what is.

    columns: names of settings, of metrics, and `n`. baseline: the group that others are held
    against, seed by seed. by: the column that sorts, where not validation does.
    """

    comparison: Comparison
    groups: Sequence[Group]
    columns: Sequence[str]
    metrics: frozenset[str]
    baseline: Group | None = None
    by: str | None = None

    @property
    def keys(self) -> list[str]:
        """The columns that are settings."""
        return [name for name in self.columns if name not in self.metrics and name != "n"]

    @property
    def shown_metrics(self) -> list[str]:
        return [name for name in self.columns if name in self.metrics]

    def setting(self, group: Group, key: str) -> Any:
        from rnnexp.reports.comparison import setting

        return setting(group.rows[0], key)

    def difference(self, group: Group, metric: str) -> Difference | None:
        """To the baseline; None of the baseline itself and where no seed is shared."""
        if self.baseline is None or group is self.baseline:
            return None
        return group.against(self.baseline, metric)

    def larger(self, metric: str) -> bool:
        """Whether more of a metric is better."""
        from rnnexp.training.monitor import larger_is_better

        twins = metric.partition("/")[2] == (self.comparison.monitor or "").partition("/")[2]
        return self.comparison.larger if twins else larger_is_better(metric)


def make_sheet(
    comparison: Comparison,
    metrics: Sequence[str],
    columns: str | None,
    sort: str | None,
    baseline: Group | None,
) -> Sheet:
    """The groups with the columns that were asked for, sorted. Raises CommandError."""
    from rnnexp.reports.selection import keys_of, named

    rows = comparison.rows()
    known = list(dict.fromkeys(metric for row in rows for metric in row.metrics))
    names = ["n", *known, *comparison.keys]
    if columns is None:
        shown = [*comparison.keys, "n", *(metrics or comparison.metrics)]
    else:
        everything = [*names, *(key for key in keys_of(rows) if key not in names)]
        asked = [part.strip() for part in columns.split(",")]
        shown = list(dict.fromkeys(named(each, everything, "--columns") for each in asked))
    sheet = Sheet(comparison, comparison.groups, shown, frozenset(known), baseline)
    if sort is None:
        return sheet
    key = named(sort, [*names, *(each for each in shown if each not in names)], "--sort")
    return replace(sheet, groups=_sorted(sheet, key), by=key)


def _sorted(sheet: Sheet, name: str) -> list[Group]:
    from rnnexp.reports.comparison import rank

    if name == "n":
        return sorted(sheet.groups, key=lambda group: -len(group.rows))
    if name in sheet.metrics:
        larger = sheet.larger(name)
        return sorted(sheet.groups, key=lambda group: rank(group.estimate(name), larger))
    return sorted(sheet.groups, key=lambda group: _order(sheet.setting(group, name)))


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then texts, then what is not there."""
    if isinstance(value, int | float):
        return 0, value, ""
    return (2, 0.0, "") if value is None else (1, 0.0, setting_text(value))


def setting_text(value: Any, longest: int | None = LONGEST_SETTING) -> str:
    """A setting for people, safe to show: `-` for none, a long path by its end."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        parts = ((name, part) for name, part in value.items() if part is not None)
        return _cut(",".join(f"{safe(k)}={setting_text(v)}" for k, v in parts), longest)
    if isinstance(value, tuple | list):
        return _cut(f"[{', '.join(map(setting_text, value))}]", longest)
    return _cut(safe(str(value)), longest)


def _cut(text: str, longest: int | None) -> str:
    if longest is None or len(text) <= longest:
        return text
    return "…" + text[1 - longest :] if "/" in text else text[: longest - 1] + "…"


def spread(estimate: Estimate | None) -> str:
    """`0.284 ± 0.012`: as many digits as the spread says something about."""
    if estimate is None:
        return ""
    if not estimate.sd or not math.isfinite(estimate.sd):
        return number(estimate.mean)
    return f"{rounded(estimate.mean, estimate.sd)} ± {rounded(estimate.sd, estimate.sd)}"


def interval(low: float | None, high: float | None) -> str:
    """`[0.271, 0.296]`, in as many digits as its width says something about; empty without one."""
    if low is None or high is None:
        return ""
    half = (high - low) / 2
    return f"[{rounded(low, half)}, {rounded(high, half)}]"


def rounded(value: float, uncertain: float) -> str:
    """A value in the digits that an uncertainty leaves it."""
    decimals = _decimals(uncertain)
    return number(value) if decimals is None or abs(value) >= LARGE else f"{value:,.{decimals}f}"


def _decimals(width: float) -> int | None:
    """Decimals that leave a width its significant digits; None where those are too many."""
    if not 0 < width < math.inf:
        return None
    decimals = max(SIGNIFICANT - 1 - math.floor(math.log10(width)), 0)
    return decimals if decimals <= MOST_DECIMALS else None


def verdict(difference: Difference | None, larger: bool) -> str:
    """What a paired difference says, in words."""
    if difference is None:
        return "no seed in common"
    if not difference.distinguishable:
        return f"not distinguishable at n={difference.n}"
    return "better" if (difference.mean > 0) == larger else "worse"


# Groups of runs as a table for people, and what must be said beside it.

MOST_NAMES = 3
STATES = ("running", "interrupted", "dead", "failed", "diverged", "pruned")


def comparison_text(sheet: Sheet, stream: IO[str]) -> str:
    """The groups in one table, or where that is too wide in one a metric; then the differences."""
    parts = [_groups(sheet, sheet.columns, stream)]
    if _too_wide(sheet, sheet.columns, stream) and len(sheet.shown_metrics) > 1:
        others = [name for name in sheet.columns if name not in sheet.metrics]
        parts = [_groups(sheet, [*others, name], stream) for name in sheet.shown_metrics]
    if sheet.baseline is not None:
        parts += [_differences(sheet, metric, stream) for metric in sheet.shown_metrics]
    tables = "\n\n".join(parts)
    legend = "\n".join(style(wrapped(line, stream), "dim", stream) for line in _legend(sheet))
    return "\n\n".join([tables, legend])


def _groups(sheet: Sheet, names: Sequence[str], stream: IO[str]) -> str:
    return _told(_columns(sheet, names), _cells(sheet, names), stream)


def _told(columns: Sequence[Column], cells: Sequence[Sequence[Cell]], stream: IO[str]) -> str:
    """The table, and which columns there was no room for."""
    drawn, lost = table(columns, cells, stream), without_room(columns, cells, stream)
    if not lost:
        return drawn
    return f"{drawn}\nno room for {', '.join(lost)}: --columns, or a wider terminal"


def _too_wide(sheet: Sheet, names: Sequence[str], stream: IO[str]) -> bool:
    return bool(without_room(_columns(sheet, names), _cells(sheet, names), stream))


def _columns(sheet: Sheet, names: Sequence[str]) -> list[Column]:
    columns = []
    for place, name in enumerate(names, 1):
        if name in sheet.metrics:
            part = name.partition("/")[0] if len(sheet.shown_metrics) <= 2 else name
            columns.append(Column(safe(name), right=True))
            columns.append(Column(f"95 % {safe(part)}", right=True, goes=1))
        elif name == "n":
            columns.append(Column("n", right=True))
        else:
            columns.append(Column(title(name, sheet.keys), goes=1 + place))
    return columns


def title(key: str, keys: Sequence[str]) -> str:
    """The last part of a dotted key, or as many as tell it from the others and from a run's own."""
    from rnnexp.reports.comparison import APART

    parts = key.split(".")
    for count in range(1, len(parts)):
        title = ".".join(parts[-count:])
        alike = sum(f".{other}".endswith(f".{title}") for other in keys)
        if alike == 1 and title not in APART:
            return safe(title)
    return safe(key)


def _cells(sheet: Sheet, names: Sequence[str]) -> list[list[Cell]]:
    return [
        [cell for name in names for cell in _cell(sheet, group, name)] for group in sheet.groups
    ]


def _cell(sheet: Sheet, group: Group, name: str) -> list[Cell]:
    if name == "n":
        return [str(len(group.rows))]
    if name not in sheet.metrics:
        return [setting_text(sheet.setting(group, name))]
    found = group.estimate(name)
    return [spread(found), interval(found.low, found.high) if found else ""]


def _differences(sheet: Sheet, metric: str, stream: IO[str]) -> str:
    """A metric of every group minus that of the baseline, seed by seed."""
    assert sheet.baseline is not None
    keys = list(sheet.comparison.keys)
    columns = [Column(title(key, keys), goes=1 + place) for place, key in enumerate(keys, 1)]
    columns += [Column("difference", right=True), Column("95 %", right=True), Column("")]
    cells: list[list[Cell]] = []
    for group in sheet.groups:
        settings: list[Cell] = [setting_text(sheet.setting(group, key)) for key in keys]
        if group is sheet.baseline:
            cells.append([*settings, "", "", "baseline"])
            continue
        found = sheet.difference(group, metric)
        cells.append([*settings, *_apart(found), verdict(found, sheet.larger(metric))])
    heading = f"{safe(metric)} minus that of the baseline, seed by seed"
    return f"{style(heading, 'bold', stream)}\n{_told(columns, cells, stream)}"


def _apart(found: Difference | None) -> tuple[str, str]:
    """A difference in the digits of its interval, and that."""
    if found is None:
        return "", ""
    if found.low is None or found.high is None:
        return number(found.mean), ""
    half = (found.high - found.low) / 2
    return rounded(found.mean, half), interval(found.low, found.high)


def _legend(sheet: Sheet) -> list[str]:
    monitor = sheet.comparison.monitor
    if monitor is None:
        return []
    lines = [
        f"mean ± standard deviation over n seeds, 95 % t-interval of the mean; {_sorted_by(sheet)}"
    ]
    others = len(sheet.groups) - 1
    if sheet.baseline is not None and others > 1:
        lines.append(f"each interval holds by itself: they are not corrected for {others} of them")
    return lines


def _sorted_by(sheet: Sheet) -> str:
    if sheet.by is None:
        better = "more is better" if sheet.comparison.larger else "less is better"
        return f"ranked by {safe(sheet.comparison.monitor or '')}, {better}"
    warning = "; choose by validation, not by test" if sheet.by.startswith("test/") else ""
    return f"sorted by {safe(sheet.by)}{warning}"


def notes(sheet: Sheet) -> list[str]:
    """What a reader of the table must know and cannot see in it."""
    comparison = sheet.comparison
    found = [_unfinished(comparison.unfinished), _monitors(comparison), _superseded(comparison)]
    found += [_data(comparison), *_lacking(sheet)]
    return [note for note in found if note]


def _unfinished(rows: Sequence[RunRow]) -> str:
    if not rows:
        return ""
    counted = Counter(row.state for row in rows)
    order = sorted(counted, key=lambda s: STATES.index(s) if s in STATES else len(STATES))
    states = ", ".join(f"{counted[state]} {safe(state)}" for state in order)
    return f"not compared, as without a result: {states} ({_names(rows)})"


def _names(rows: Sequence[RunRow]) -> str:
    names = ", ".join(safe(row.path.name) for row in rows[:MOST_NAMES])
    return names + (", ..." if len(rows) > MOST_NAMES else "")


def _monitors(comparison: Comparison) -> str:
    counts = comparison.monitors
    if len(counts) < 2:
        return ""
    said = ", ".join(f"{safe(name)} ({count})" for name, count in counts.items())
    return f"runs watched different metrics: {said}; --metric shows another"


def _superseded(comparison: Comparison) -> str:
    older = [row for group in comparison.groups for row in group.superseded]
    if not older:
        return ""
    many = f"{len(older)} older runs of seeds that ran again do" if older[1:] else (
        "an older run of a seed that ran again does"
    )  # fmt: skip
    return f"{many} not count: {_names(older)}"


def _data(comparison: Comparison) -> str:
    apart = [key for key in comparison.keys if key in ("data.source", "data.path")]
    apart += [key for key in comparison.keys if key.startswith("task.")]
    if not apart:
        return ""
    return (
        f"scored on different data or tasks ({safe(', '.join(apart))}): the numbers do not compare"
    )


def _lacking(sheet: Sheet) -> list[str]:
    rows = sheet.comparison.rows()
    lacking = [(m, [row for row in rows if m not in row.metrics]) for m in sheet.shown_metrics]
    return [f"without {safe(m)}: {len(none)} runs ({_names(none)})" for m, none in lacking if none]
