"""What the targets of a JSONL file are, where `data.target_unit` does not say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnexp.config.config import Config
from rnnexp.config.schema.data import Jsonl
from rnnexp.data.sources.json_values import Unit
from rnnexp.errors import ConfigError

__all__ = ["target_unit"]


def target_unit(config: Config, data: Jsonl, targets: Sequence[Any]) -> Unit:
    """The configured unit, or what the task and the JSON values say.

    Regression reads numbers. Text is a label where there is one answer and in lists, otherwise a
    sequence of characters; true and false are labels; whole numbers are classes.

    Raises:
        ConfigError: whole numbers, and the task does not say whether they are classes.
    """
    task = config.experiment.task
    if data.target_unit:
        return data.target_unit
    if task.target == "regression":
        return "number"
    kinds = {kind for target in targets for kind in _kinds(target)}
    if str in kinds and list not in map(type, targets) and task.kind != "many_to_one":
        return "character"
    if kinds & {str, bool}:
        return "label"
    if task.target == "classification" or data.classes:
        return "id"
    if kinds == {int}:
        raise ConfigError(
            "the targets are whole numbers: classes, or amounts?",
            code="CFG407",
            position=config.where("task"),
            key="task.target",
            allowed="classification, regression",
            hint="say it with task.target",
        )
    return "number"


def _kinds(target: Any) -> set[type]:
    """The types of the numbers and texts in a target, nested lists included."""
    if type(target) is not list:
        return {type(target)}
    kinds = set(map(type, target))
    if list in kinds:
        kinds |= {kind for item in target if type(item) is list for kind in map(type, item)}
    return kinds - {list}
