"""A search that learns: Optuna's tree-structured Parzen estimator, with pruning (extra `sweep`).

What is frozen are the space and the seed. Which points come depends on the order in which results
came back, so with several workers two sweeps of the same seed may try other points.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rnnexp.errors import EnvironmentMissingError
from rnnexp.sweeps.definition import Axis, Definition, Interval, Setting
from rnnexp.sweeps.points import Point, point_of

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["Suggested"]

STARTUP = 10
"""settings drawn at random before the estimator has something to go by"""


class Suggested:
    """Points that Optuna suggests, one setting at a time, each with every seed.

    values: of the points there are already, None where they came to nothing. add: keeps a point.
    """

    def __init__(  # noqa: PLR0917
        self,
        definition: Definition,
        base_seed: int,
        larger_is_better: bool,
        monitor: str,
        points: Sequence[Point],
        values: Mapping[int, float | None],
        add: Callable[[Point], None],
    ) -> None:
        optuna = _optuna()
        self.definition, self.monitor, self.add = definition, monitor, add
        self.seeds = definition.seeds or (base_seed,)
        self.settings = definition.method.trials or 0
        self.total = self.settings * len(self.seeds)
        self.study = optuna.create_study(
            direction="maximize" if larger_is_better else "minimize",
            sampler=optuna.samplers.TPESampler(
                n_startup_trials=STARTUP, seed=definition.method.seed + len(points)
            ),
            pruner=_pruner(definition.method.pruner),
        )
        self._made = len(points)
        self._waiting: deque[Point] = deque()
        self._trials: dict[int, Trial] = {}
        self._values: dict[int, list[float | None]] = {}
        for point in points:
            self._remember(point)
            if point.number in values:
                self.told(point, values[point.number])

    @property
    def exhausted(self) -> bool:
        return not self._waiting and self._made >= self.total

    def next(self) -> Point | None:
        if not self._waiting and self._made < self.total:
            self._ask()
        return self._waiting.popleft() if self._waiting else None

    def told(self, point: Point, value: float | None) -> None:
        """A setting is told once all of its seeds are: by their mean."""
        values = self._values.setdefault(point.setting, [])
        values.append(value)
        if len(values) < len(self.seeds):
            return
        known = [value for value in values if value is not None]
        trial, states = self._trials.pop(point.setting), _optuna().trial.TrialState
        if len(known) == len(values):
            self.study.tell(trial, sum(known) / len(known))
        else:
            pruned = bool(trial.study.trials[trial.number].intermediate_values)
            self.study.tell(trial, state=states.PRUNED if pruned else states.FAIL)

    def goes_on(self, point: Point, step: int, metrics: Mapping[str, Any]) -> bool:
        """Whether the pruner lets a setting go on. Asked only where there is one seed."""
        trial, value = self._trials.get(point.setting), metrics.get(self.monitor)
        if self.definition.method.pruner is None or trial is None or value is None:
            return True
        trial.report(value, step)
        return not trial.should_prune()

    def _ask(self) -> None:
        number = self._made // len(self.seeds)
        trial = self.study.ask(_distributions(self.definition.axes))
        setting = _setting(self.definition.axes, trial.params)
        self._trials[number] = trial
        for seed in self.seeds:
            point = point_of(self.definition, self._made, number, setting, seed)
            point = replace(point, params=dict(trial.params))
            self.add(point)
            self._waiting.append(point)
            self._made += 1

    def _remember(self, point: Point) -> None:
        """A point of an earlier process: Optuna learns what it was."""
        if point.setting in self._trials or point.setting in self._values:
            return
        self.study.enqueue_trial(dict(point.params))
        self._trials[point.setting] = self.study.ask(_distributions(self.definition.axes))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise EnvironmentMissingError(
            "a search by TPE needs optuna, which is not installed",
            code="ENV010",
            hint="pip install 'rnnexp[sweep]'; or method: {name: random, trials: 20}",
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _pruner(name: str | None) -> Any:
    pruners = _optuna().pruners
    if name == "median":
        return pruners.MedianPruner(n_startup_trials=5)
    return pruners.SuccessiveHalvingPruner() if name == "asha" else pruners.NopPruner()


def _distributions(axes: Sequence[Axis]) -> dict[str, Any]:
    """A number between two, or the place in a list."""
    kinds = _optuna().distributions
    found = {}
    for axis in axes:
        if not isinstance(axis, Interval):
            found[axis.name] = kinds.CategoricalDistribution(range(len(axis.grid())))
        elif axis.whole:
            found[axis.name] = kinds.IntDistribution(axis.low, axis.high, log=axis.logarithmic)
        else:
            found[axis.name] = kinds.FloatDistribution(axis.low, axis.high, log=axis.logarithmic)
    return found


def _setting(axes: Sequence[Axis], params: Mapping[str, Any]) -> Setting:
    setting = Setting()
    for axis in axes:
        value = params[axis.name]
        if isinstance(axis, Interval):
            setting |= Setting({axis.name: value if axis.whole else float(f"{value:.6g}")})
        else:
            setting |= axis.grid()[value]
    return setting
