"""The settings of a run that are not the defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rnnexp.config.loading import load_config

__all__ = ["Numbering", "chosen_settings", "differing", "known_keys", "settings_in", "value_at"]


# The settings of runs laid side by side: which dotted keys differ, and what stands at one.

Settings = Mapping[str, Any]
NOTHING: Settings = {}


def settings_in(run: Path) -> dict[str, Any]:
    """The settings of a run whose summary does not hold them, from its resolved.yaml; slow.

    Raises RnnexpError where that file does not load.
    """
    from rnnexp.config.loading import load_config, settings_of

    return settings_of(load_config(run / "resolved.yaml"))


def value_at(settings: Settings, key: str) -> Any:
    """What stands at a dotted key; None where nothing does."""
    value: Any = settings
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def known_keys(settings: Iterable[Settings], prefix: str = "") -> Iterator[str]:
    """Every dotted key that one of the settings has, sections before what is in them."""
    distinct = {id(section): section for section in settings}.values()
    inside: dict[str, dict[int, Settings]] = {}
    for section in distinct:
        for name, value in section.items():
            within = inside.setdefault(name, {})
            if isinstance(value, Mapping):
                within[id(value)] = value
    for name, sections in inside.items():
        yield prefix + name
        yield from known_keys(sections.values(), f"{prefix}{name}.")


class Numbering:
    """Called with a setting, gives a number: the same for equal settings, and only for those.

    A key that is null, and a section of such keys, counts as one that is not there: a run does not
    differ from another by keys that only one version knows. The settings must outlive it.
    """

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._seen: dict[int, int] = {}

    def __call__(self, value: Any) -> int:
        if isinstance(value, Mapping):
            if id(value) not in self._seen:
                parts = self._parts(value)
                self._seen[id(value)] = self._number((dict, *parts)) if parts else self(None)
            return self._seen[id(value)]
        if isinstance(value, list | tuple):
            return self._number((list, *map(self, value)))
        return self._number((type(value), value))

    def _parts(self, section: Settings) -> list[tuple[str, int]]:
        parts = ((name, self(part)) for name, part in section.items())
        return sorted(part for part in parts if part[1] != self(None))

    def _number(self, value: Any) -> int:
        return self._numbers.setdefault(value, len(self._numbers))


def differing(settings: Sequence[Settings], number: Numbering) -> list[str]:
    """The dotted keys whose values are not the same in all settings.

    Left out are keys that some lack, where another key of the same section tells their value: with
    `optimizer.name` it is known which have `betas`.
    """
    found = list(_differing(settings, number, ""))
    columns = {key: [number(value_at(each, key)) for each in settings] for key in found}
    none = number(None)
    for key in reversed(found):
        if none in columns[key] and any(
            _section(other) == _section(key) and _tells(columns[other], columns[key])
            for other in columns
            if other != key
        ):
            del columns[key]
    return list(columns)


def _differing(sections: Sequence[Settings], number: Numbering, prefix: str) -> Iterator[str]:
    distinct = list({number(section): section for section in sections}.values())
    for name in dict.fromkeys(name for section in distinct for name in section):
        values = {number(value): value for value in (each.get(name) for each in distinct)}
        if len(values) < 2:
            continue
        if all(value is None or isinstance(value, Mapping) for value in values.values()):
            inner = [value or NOTHING for value in values.values()]
            yield from _differing(inner, number, f"{prefix}{name}.")
        else:
            yield prefix + name


def _section(key: str) -> str:
    return key.rpartition(".")[0]


def _tells(known: Sequence[int], asked: Sequence[int]) -> bool:
    """Whether the one value always comes with the same other."""
    return len(set(zip(known, asked, strict=True))) == len(set(known))


# The settings of a run that are not the defaults.


def chosen_settings(run: Path) -> dict[str, Any]:
    """Dotted keys and values, from resolved.yaml. Raises RnnexpError where that does not load."""
    experiment = load_config(run / "resolved.yaml").experiment
    return dict(_flat(experiment.model_dump(mode="json", exclude_defaults=True), ""))


def _flat(section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
