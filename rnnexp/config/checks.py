"""Rules across fields: every key takes effect, and no two contradict each other.

Each rule is a small function in `check_data`, `check_model`, `check_decoder`, `check_tokens` or
`check_training`.
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnexp.config import check_data, check_decoder, check_model, check_tokens, check_training
from rnnexp.config.config import Config
from rnnexp.config.finding import CHECKS, Finding
from rnnexp.errors import ConfigError, Problem

__all__ = ["FITTING", "check", "findings"]

FITTING = (check_data.shape_of_the_source, check_data.target_of_the_source)
"""the rules that come first: can this data serve this task at all?"""

_REGISTERED = (check_data, check_model, check_decoder, check_tokens, check_training)
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
