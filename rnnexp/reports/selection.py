"""Which runs, groups, keys and metrics are meant by what people type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rnnexp.config.yaml_reading import LongNumberError, resolve
from rnnexp.errors import CommandError, Problem, nearest
from rnnexp.recording.run_folder import run_paths, sweep_paths
from rnnexp.reports.comparison import Comparison, Group, setting
from rnnexp.reports.run_index import RunRow, find_run, names_a_sweep, note_of, trial_paths
from rnnexp.reports.settings_compared import known_keys

__all__ = [
    "Condition",
    "baseline_group",
    "chosen_paths",
    "conditions",
    "keys_of",
    "metrics_named",
    "named",
    "sweep_notes",
    "where",
]

MOST_NAMES, MOST_GROUPS = 12, 3
OUTSIDE_BRACKETS = re.compile(r",(?![^\[{]*[\]}])")


@dataclass(frozen=True)
class Condition:
    """A setting, a label of a sweep or the seed, and what it is to be. text: as it was typed."""

    key: str
    text: str

    def holds(self, row: RunRow) -> bool:
        return same(setting(row, self.key), self.text)


def chosen_paths(references: Sequence[str], runs: Path) -> list[Path]:
    """The folders of the runs that are meant: each a run, or a sweep and so all its trials.

    Without a reference all runs there are, trials included. Raises CommandError.
    """
    if not references:
        trials = (path for sweep in sweep_paths(runs) for path in trial_paths(sweep))
        return [*run_paths(runs), *trials]
    found = [path for reference in references for path in _meant(reference, runs)]
    return list(dict.fromkeys(found))


def _meant(reference: str, runs: Path) -> list[Path]:
    sweep = names_a_sweep(reference, runs)
    return trial_paths(sweep) if sweep else [find_run(reference, runs)]


def sweep_notes(references: Sequence[str], runs: Path) -> list[str]:
    """What must be known of the sweeps that are meant, as their sweep.json says."""
    sweeps = (names_a_sweep(reference, runs) for reference in references)
    found = [note_of(sweep) for sweep in dict.fromkeys(sweeps) if sweep is not None]
    return [note for note in found if note is not None]


def keys_of(rows: Iterable[RunRow]) -> list[str]:
    """Every label and every dotted key that a run has."""
    rows = list(rows)
    labels = {axis: None for row in rows if row.trial for axis in row.trial.labels}
    return list(dict.fromkeys([*labels, *known_keys([row.settings for row in rows])]))


def named(name: str, known: Sequence[str], what: str) -> str:
    """The one of `known` that is meant: it itself, or the only one that ends in `.name` or `/name`.

    what: how the message calls it, as in `--where`. Raises CommandError with the nearest name.
    """
    if name in known:
        return name
    ends = [each for each in known if each.endswith((f".{name}", f"/{name}"))]
    if len(ends) == 1:
        return ends[0]
    short = {re.split("[./]", each)[-1]: each for each in known}
    near = nearest(name, known) or short.get(nearest(name, short) or "")
    shown = ends or list(known)
    more = ", ..." if len(shown) > MOST_NAMES else ""
    raise CommandError(
        Problem(
            code="CMD121",
            message="more than one ends like that" if ends else "no such name",
            key=what,
            value=name,
            suggestion=ends[0] if ends else near,
            allowed=", ".join(shown[:MOST_NAMES]) + more if shown else None,
        )
    )


def conditions(texts: Iterable[str], known: Sequence[str], what: str) -> list[Condition]:
    """`key=value` texts. Raises CommandError (no `=`, an unknown key)."""
    found = []
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign:
            hint = f"write a key and its value: {what} model.cell=lstm"
            raise CommandError("no = in it", code="CMD122", key=what, value=text, hint=hint)
        found.append(Condition(named(key.strip(), known, what), value.strip()))
    return found


def where(rows: Sequence[RunRow], texts: Sequence[str]) -> list[RunRow]:
    """The rows of which all of `key=value` hold; those without settings stay.

    Raises CommandError: an unknown key, or a value that no run has.
    """
    known = [row for row in rows if row.settings]
    if not known:
        return list(rows)
    for condition in conditions(texts, keys_of(known), "--where"):
        kept = [row for row in known if condition.holds(row)]
        if not kept:
            raise _no_such_value(condition, known)
        known = kept
    left = set(map(id, known))
    return [row for row in rows if not row.settings or id(row) in left]


def _no_such_value(condition: Condition, rows: Sequence[RunRow]) -> CommandError:
    values = list(dict.fromkeys(text_of(setting(row, condition.key)) for row in rows))
    more = ", ..." if len(values) > MOST_NAMES else ""
    return CommandError(
        Problem(
            code="CMD123",
            message=f"no finished run has this {condition.key}",
            key="--where",
            value=condition.text,
            suggestion=nearest(condition.text, values),
            allowed=", ".join(values[:MOST_NAMES]) + more or None,
        )
    )


def metrics_named(names: Sequence[str], rows: Sequence[RunRow]) -> list[str]:
    """Metrics by name; `rmse` stands for `val/rmse` and `test/rmse`. Raises CommandError."""
    known = list(dict.fromkeys(metric for row in rows for metric in row.metrics))
    found = []
    for name in names:
        both = [each for each in (f"val/{name}", f"test/{name}") if each in known]
        found += both or [named(name, known, "--metric")]
    return list(dict.fromkeys(found))


def baseline_group(text: str, comparison: Comparison, runs: Path) -> Group:
    """The group that `key=value,...` describes, or that a run belongs to. Raises CommandError."""
    if "=" in text:
        keys = keys_of(comparison.rows())
        wanted = conditions(OUTSIDE_BRACKETS.split(text), keys, "--baseline")
        found = [g for g in comparison.groups if all(each.holds(g.rows[0]) for each in wanted)]
    else:
        path = find_run(text, runs).resolve()
        found = [group for group in comparison.groups if _holds(group, path)]
    if len(found) == 1:
        return found[0]
    here = [_described(group.settings_that_differ) for group in found or comparison.groups]
    more = "; ..." if len(here) > MOST_GROUPS else ""
    raise CommandError(
        Problem(
            code="CMD124",
            message=f"{len(found) or 'none'} of the compared groups is like that",
            key="--baseline",
            value=text,
            allowed="; ".join(here[:MOST_GROUPS]) + more or None,
            hint="describe one group: --baseline key=value,...",
        )
    )


def _holds(group: Group, path: Path) -> bool:
    return any(row.path.resolve() == path for row in (*group.rows, *group.superseded))


def _described(settings: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={text_of(value)}" for key, value in settings.items())


def text_of(value: Any) -> str:
    """A setting as it is written on the command line."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def same(value: Any, text: str) -> bool:
    """Whether a setting is what the text says, by the rules of a config or as JSON."""
    return (isinstance(value, str) and value == text) or _alike(value, _value(text))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return resolve(text)
    except LongNumberError:
        return text


def _alike(value: Any, other: Any) -> bool:
    if isinstance(value, tuple | list) and isinstance(other, list):
        return len(value) == len(other) and all(map(_alike, value, other))
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    return bool(value == other)
