"""What the cells of a row mean: text, a label, numbers or ids, as the config's units say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rnnexp.config.compatibility import target_of
from rnnexp.config.config import Config
from rnnexp.config.data_settings import RowTable, Unit
from rnnexp.data.sources.csv_numbers import number_of
from rnnexp.errors import ConfigError, DataError, Position

__all__ = ["RowValues", "row_values"]


@dataclass(frozen=True)
class RowValues:
    """Turns cells into the JSON values that an example holds.

    many_inputs, many_targets: whether one cell holds a sequence, its steps parted by blanks
    (texts are parted into their units later).
    """

    unit: Unit
    target_unit: Unit | None
    many_inputs: bool
    many_targets: bool

    def inputs(self, at: Position, names: tuple[str, ...], cells: list[str]) -> Any:
        """One cell, or several cells that are the steps of a sequence."""
        if len(cells) > 1:
            pairs = zip(names, cells, strict=True)
            return [_value(self.unit, False, at, name, cell) for name, cell in pairs]
        return _value(self.unit, self.many_inputs, at, names[0], cells[0])

    def target(self, at: Position, name: str, cell: str) -> Any:
        return _value(self.target_unit, self.many_targets, at, name, cell)


def row_values(config: Config, data: RowTable) -> RowValues:
    """How the rows of a table are read."""
    kind, unit = config.experiment.task.kind, data.target_unit
    try:
        regression = unit is None and target_of(config.experiment) == "regression"
    except ConfigError:
        regression = False
    return RowValues(
        data.unit,
        "number" if regression else unit,
        kind != "one_to_many",
        kind != "many_to_one",
    )


def _value(unit: Unit | None, many: bool, at: Position, name: str, cell: str) -> Any:
    if unit in ("number", "id"):
        read = [_number(unit, at, name, part) for part in (cell.split() if many else [cell])]
        return read if many else read[0]
    return cell.split() if many and unit == "label" else cell


def _number(unit: Unit, at: Position, name: str, cell: str) -> float | int:
    number = number_of(cell)
    if number is None or (unit == "id" and not number.is_integer()):
        expected = "a number" if unit == "number" else "a whole number"
        raise DataError(
            f"column {name!r} must be {expected}, got text",
            code="DAT112",
            position=at,
            key=name,
            value=cell,
            hint="data.unit and data.target_unit: label, character or word read text",
        )
    return number if unit == "number" else int(number)
