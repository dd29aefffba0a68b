"""What `runs compare` shows of each group, before it is a table, CSV or Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .text import number, safe

if TYPE_CHECKING:
    from rnnexp.reports.comparison import Comparison, Group
    from rnnexp.reports.statistics import Difference, Estimate

__all__ = ["Sheet", "interval", "make_sheet", "rounded", "setting_text", "spread", "verdict"]

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
        from rnnexp.config.metrics import larger_is_better

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
