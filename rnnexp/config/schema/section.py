"""The base of every section: strict types, finite numbers, no unknown key, frozen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["FilePath", "Fraction", "Positive", "Probability", "Section", "Size", "file_keys"]

_NAMES_A_FILE = object()


class Section(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
    )


FilePath = Annotated[str, _NAMES_A_FILE]
"""a file or folder, relative to the config that names it, or one of the registry"""
Size = Annotated[int, Field(ge=1, le=65536)]
Positive = Annotated[float, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(ge=0, lt=1)]


def file_keys(section: Section) -> Iterator[str]:
    """The dotted keys, within a section, at which it names a file."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from (f"{name}.{key}" for key in file_keys(value))
            continue
        optional = (getattr(part, "__metadata__", ()) for part in get_args(field.annotation))
        if value is not None and any(_NAMES_A_FILE in m for m in (field.metadata, *optional)):
            yield name
