"""What the targets of a JSONL file are, where `data.target_unit` does not say it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rnnexp.config.compatibility import shape_of, target_of
from rnnexp.config.config import Config
from rnnexp.config.schema.data import Records
from rnnexp.data.records.field import Unit

__all__ = ["target_unit"]


def target_unit(config: Config, data: Records, targets: Sequence[Any]) -> Unit:
    """The configured unit, or what the task and the JSON values say.

    Delayed targets are made of what the inputs are made of. Regression reads numbers. In a
    classification whole numbers are class ids; text is a label where there is one answer and in
    lists, otherwise a sequence of characters; true and false are labels.
    """
    if data.target_unit:
        return data.target_unit
    if shape_of(config.experiment.task) == "delayed":
        return data.unit
    if target_of(config.experiment) == "regression":
        return "number"
    kinds = {kind for target in targets for kind in _kinds(target)}
    one = config.experiment.task.kind == "many_to_one"
    if str in kinds and not one and list not in map(type, targets):
        return "character"
    return "label" if kinds & {str, bool} else "id"


def _kinds(target: Any) -> set[type]:
    """The types of the values in a target, be it one or a list."""
    return set(map(type, target)) if type(target) is list else {type(target)}
