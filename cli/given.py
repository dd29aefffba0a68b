"""What a command that uses a run is given: the run's config, and JSON on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnexp.errors import CheckpointError, CommandError, ConfigError

if TYPE_CHECKING:
    from rnnexp.config.config import Config

__all__ = ["json_of", "run_config"]


def run_config(reference: str, runs: Path | None) -> tuple[Path, Config]:
    """The folder of a run and its config, before anything slow is imported.

    Raises:
        CommandError: no such run.
        CheckpointError: the run does not hold what it was trained from.
    """
    from rnnexp.config.load import load_config
    from rnnexp.reports.runs import find_run, runs_folder

    run = find_run(reference, runs_folder(runs))
    try:
        return run, load_config(run / "resolved.yaml")
    except (ConfigError, CommandError) as error:
        raise CheckpointError(error.problems) from error


def json_of(option: str, text: str) -> Any:
    """The value that an option spells in JSON. Raises CommandError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "too deep or too long"
        raise CommandError(f"not JSON: {reason}", code="CMD104", key=option, value=text) from None
