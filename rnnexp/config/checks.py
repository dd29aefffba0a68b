"""Rules across fields: every key takes effect, and no two contradict each other.

Each rule is a small function in `check_data`, `check_model` or `check_training`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config import check_data, check_model, check_training
from rnnexp.config.config import Config
from rnnexp.config.finding import CHECKS, Finding
from rnnexp.errors import ConfigError, Problem

__all__ = ["check", "findings"]

_MODULES = (check_data, check_model, check_training)


def findings(config: Config) -> Iterator[Finding]:
    """What every rule finds; a rule that cannot tell regression from classification is silent."""
    for rule in CHECKS:
        try:
            yield from rule(config)
        except ConfigError:
            continue


def check(config: Config) -> list[Problem]:
    """The problems of a config whose every field is valid by itself."""
    return [finding.problem(config) for finding in findings(config)]
