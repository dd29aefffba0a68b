"""Rules across fields: every key takes effect, and no two contradict each other.

Each rule is a small function in `check_data`, `check_model`, `check_decoder`, `check_tokens` or
`check_training`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config import data_rules, model_rules, training_rules
from rnnexp.config.config import Config
from rnnexp.config.rules import CHECKS, Finding
from rnnexp.errors import ConfigError, Problem

__all__ = ["FITTING", "check", "findings"]

FITTING = (data_rules.shape_of_the_source, data_rules.target_of_the_source)
"""the rules that come first: can this data serve this task at all?"""

_REGISTERED = (data_rules, model_rules, model_rules, model_rules, training_rules)
"""importing these modules registers their rules in CHECKS"""


def findings(config: Config) -> Iterator[Finding]:
    """What every rule finds.

    Where data and task do not fit each other, what rests on the task is not reported on top of it;
    and a rule that cannot tell regression from classification is silent.
    """
    unfit = [finding for rule in FITTING for finding in rule(config)]
    yield from unfit
    for rule in CHECKS:
        try:
            yield from (found for found in rule(config) if not (unfit and _rests_on_task(found)))
        except ConfigError:
            continue


def _rests_on_task(finding: Finding) -> bool:
    keys = (finding.key, *finding.because)
    return any(key.startswith("task.") or key == "data.source" for key in keys)


def check(config: Config) -> list[Problem]:
    """The problems of a config whose every field is valid by itself."""
    return [finding.problem(config) for finding in findings(config)]
