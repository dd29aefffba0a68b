"""A config file and overrides -> a checked Config; and an experiment -> YAML again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from rnnexp.config.checks import findings
from rnnexp.config.config import Config, KeyPath
from rnnexp.config.document import Document, load_document, load_with_bases
from rnnexp.config.explain import explain
from rnnexp.config.overrides import apply_overrides
from rnnexp.config.rules import NO_EFFECT
from rnnexp.config.schema import Experiment
from rnnexp.config.section import file_keys
from rnnexp.config.yaml_reading import read_config, resolve
from rnnexp.errors import CommandError, ConfigError, Position, Problem

__all__ = [
    "MAX_PROBLEMS",
    "flow_yaml",
    "load_config",
    "resolved_yaml",
    "settings_of",
    "written_yaml",
]

MAX_PROBLEMS = 20

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*")


def load_config(path: Path, overrides: Sequence[str] = (), section: str | None = None) -> Config:
    """The experiment that a config file describes, with `a.b=c` and `~a.b` applied.

    section: the key at which the experiment stands, where the file holds more than that.

    Raises CommandError (no such file, or all that is wrong is in the overrides), ConfigError (every
    problem of the file at once, at most `MAX_PROBLEMS`) and UnsafeError (tags, exploding aliases).
    """
    text = read_config(path)
    document = _document(path, text, section)
    apply_overrides(document, overrides)
    experiment, wrong = _validate(document)
    problems = [*document.problems, *(problem for _, problem in wrong)]
    config = None
    if experiment is not None:
        positions = {at: place.value for at, place in document.places.items()}
        config = Config(experiment, path, text, tuple(overrides), positions)
        problems += _cross_field(config, _suspects(wrong))
    if problems or config is None:
        raise _error(problems)
    return config


def _document(path: Path, text: str, section: str | None) -> Document:
    if section is not None:
        return load_document(text, str(path)).section(section)
    return load_with_bases(path, text)


def _validate(document: Document) -> tuple[Experiment | None, list[tuple[KeyPath, Problem]]]:
    """What is wrong, and the experiment, if need be without the keys that are wrong."""
    if not document.tree and document.problems:
        return None, []
    try:
        return Experiment.model_validate(document.tree), []
    except ValidationError as error:
        wrong = explain(error.errors(include_url=False), document)
        return _without(document.tree, [at for at, _ in wrong]), wrong


def _without(tree: dict[str, Any], wrong: Iterable[KeyPath]) -> Experiment | None:
    """The experiment that is left without the wrong keys, or None: so that all checks can run."""
    rest = _copy(tree)
    paths = {
        at[: next((n for n, part in enumerate(at) if isinstance(part, int)), len(at))]
        for at in wrong
    }
    for _ in range(3):
        for at in paths:
            _drop(rest, at)
        try:
            return Experiment.model_validate(rest)
        except ValidationError:
            paths = {at[:-1] for at in paths if len(at) > 1}
    return None


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _drop(tree: dict[str, Any], path: KeyPath) -> None:
    for name in path[:-1]:
        inner = tree.get(str(name))
        if not isinstance(inner, dict):
            return
        tree = inner
    tree.pop(str(path[-1]), None)


def _cross_field(config: Config, wrong: list[KeyPath]) -> list[Problem]:
    """What the checks across fields find, unless it rests on a key that is wrong by itself."""
    return [
        finding.problem(config)
        for finding in findings(config)
        if not any(
            _touch(tuple(key.split(".")), at)
            for key in (finding.key, *finding.because)
            for at in wrong
        )
    ]


def _touch(path: KeyPath, other: KeyPath) -> bool:
    shared = min(len(path), len(other))
    return path[:shared] == other[:shared]


def _suspects(wrong: list[tuple[KeyPath, Problem]]) -> list[KeyPath]:
    """The keys that are wrong, and those that a misspelt key was probably meant to be."""
    meant = [(*at[:-1], problem.suggestion) for at, problem in wrong if problem.suggestion]
    return [*(at for at, _ in wrong), *meant]


def _error(problems: list[Problem]) -> ConfigError | CommandError:
    """All problems in reading order; a CommandError where only the command line is at fault."""
    ordered = sorted(_distinct(problems), key=_reading_order)
    shown = ordered[:MAX_PROBLEMS]
    if rest := len(ordered) - len(shown):
        more = f"... and {rest} more problem{'s' if rest > 1 else ''}"
        shown[-1] = replace(shown[-1], hint="\n".join(filter(None, (shown[-1].hint, more))))
    typed = all(problem.exit == CommandError.exit_code for problem in ordered)
    return CommandError(shown) if typed else ConfigError(shown)


def _distinct(problems: Iterable[Problem]) -> Iterable[Problem]:
    return {(p.code, p.key, p.position, p.message): p for p in problems}.values()


def _reading_order(problem: Problem) -> tuple[str, int, int]:
    position = problem.position or Position("")
    return (position.file, position.line or 0, position.column or 0)


def resolved_yaml(config: Config) -> str:
    """The whole experiment as YAML, defaults included, file paths absolute or of the registry.

    Keys that have no effect in this experiment are left out; what is written loads again, without
    a base or overrides, to an experiment that trains the same.
    """
    tree = _portable(config, config.experiment.model_dump(exclude_none=True))
    for key in _idle(tree, config.path):
        _drop(tree, tuple(key.split(".")))
    return _dump(tree)


def written_yaml(
    path: Path, overrides: Sequence[str] = (), section: str | None = None
) -> tuple[Config, str]:
    """A config, and what was written in its file, its bases and the overrides, as one YAML file.

    Unlike `resolved_yaml` it leaves the defaults open, so that more overrides mean the same to it
    as to the file. Raises as `load_config`.
    """
    config = load_config(path, overrides, section)
    document = _document(path, config.text, section)
    apply_overrides(document, overrides)
    return config, _dump(_portable(config, document.tree))


def flow_yaml(value: Any) -> str:
    """A value in one line, as an override may give it."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, width=10**6)
    return text.removesuffix("...\n").strip()


def settings_of(config: Config) -> dict[str, Any]:
    """The same as JSON has it, every key there is: what two runs are compared by."""
    return _portable(config, config.experiment.model_dump(mode="json"))


def _portable(config: Config, tree: dict[str, Any]) -> dict[str, Any]:
    """The tree of an experiment with its files as they are called from anywhere."""
    for key in file_keys(config.experiment):
        section, _, name = key.rpartition(".")
        _section(tree, section)[name] = config.portable_file(key)
    return tree


def _section(tree: dict[str, Any], key: str) -> dict[str, Any]:
    """The section at a dotted key; an empty one where there is none."""
    for part in key.split("."):
        tree = tree.get(part, {})
    return tree


def _idle(tree: dict[str, Any], path: Path) -> list[str]:
    """The keys of a fully written experiment that have no effect."""
    text = _dump(tree)
    document = load_document(text, str(path))
    positions = {at: place.value for at, place in document.places.items()}
    config = Config(Experiment.model_validate(document.tree), path, text, (), positions)
    return [finding.key for finding in findings(config) if finding.code == NO_EFFECT]


class _Dumper(yaml.SafeDumper):
    """Writes lists in one line, and quotes what YAML 1.2 would not read back as text."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _PLAIN.fullmatch(text) and isinstance(resolve(text), str)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


def _represent_list(dumper: yaml.SafeDumper, values: tuple[Any, ...]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=True)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(tuple, _represent_list)


def _dump(tree: dict[str, Any]) -> str:
    return yaml.dump(
        tree,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=1000,
    )
