"""What a comparison that failed says: one problem for each tensor that is off."""

from __future__ import annotations

from typing import Any

from rnnexp.errors import CheckFailedError, Problem
from rnnexp.experiment import Experiment
from rnnexp.verification.document import compare_experiment

__all__ = ["checked", "failure"]


def checked(experiment: Experiment) -> dict[str, Any]:
    """The comparison of an experiment's network with the equations.

    Raises:
        CheckFailedError: a tensor is further away than the limit.
    """
    result = compare_experiment(experiment)
    error = failure(result)
    if error is not None:
        raise error
    return result


def failure(result: dict[str, Any]) -> CheckFailedError | None:
    """The error that a comparison ends in, None where everything is equal."""
    if result["passed"]:
        return None
    worst: dict[str, Problem] = {}
    for comparison in result["comparisons"]:
        for row in comparison["rows"]:
            if not row["passed"]:
                worst.setdefault(row["tensor"], _problem(row, comparison))
    for each in result["finite_differences"]:
        if not each["passed"]:
            message = f"finite differences lie {each['relative']:.1e} of its largest value away"
            problem = Problem(code="CHK102", key=each["tensor"], message=message)
            worst.setdefault(each["tensor"], problem)
    if not worst:
        message = f"the values that the lecture prints are {result['printed']['largest']:.1e} away"
        worst["printed"] = Problem(code="CHK103", message=message)
    return CheckFailedError(worst.values())


def _problem(row: dict[str, Any], comparison: dict[str, Any]) -> Problem:
    what = "gradient" if row["kind"] == "gradient" else "value"
    gate = f", gate {row['gate']}" if row["gate"] else ""
    step = f", from time step {row['step']}" if row["step"] else ""
    return Problem(
        code="CHK101",
        key=row["tensor"],
        message=f"its {what} by the layers is {row['relative']:.1e} of the largest value away from"
        f" the one by hand ({comparison['precision']}, path {comparison['path']}{gate}{step})",
        allowed=f"at most {row['limit']:.1e}",
    )
