"""The settings of a run that are not the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rnnexp.config.load import load_config

__all__ = ["chosen_settings"]


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
