"""Which configuration a sweep tries next: Bayesian (Optuna's TPE), random or grid search.

A suggestion depends on the sweep's seed and on its runs alone, so that a server started anew
continues as the old one would have. A configuration is never suggested twice: when every one of a
finite space has been tried, the search ends.
"""

import math
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState, create_trial

from src.sweep_language.distributions import Choice, Key, Numeric
from src.sweep_language.grammar import Method, SweepSpec
from src.wandb_server.search.space import Point, SearchSpace, crossed
from src.wandb_server.states import RunState

optuna.logging.set_verbosity(optuna.logging.ERROR)

# Drawn from the prior before the model has this many results to learn from.
_STARTUP_RESULTS = 10
# When the model suggests what has been tried already: how often it is asked again, and then how
# many neighbours of its suggestion are looked at before any untried configuration will do.
_MODEL_ATTEMPTS = 3
_NEIGHBOUR_ATTEMPTS = 100


@dataclass(frozen=True)
class Trial:
    """One run of the sweep: running, finished or failed.

    ``value`` is its best value of the metric, so far while it is running.
    """

    params: dict[str, Any]
    state: RunState
    value: float | None


class Searcher:
    """Suggests the configurations of one sweep. For one thread at a time."""

    def __init__(self, spec: SweepSpec) -> None:
        self._method = spec.method
        self._goal = spec.goal
        self._space = SearchSpace(spec.parameters, spec.conditions)
        self._seed = secrets.randbits(63) if spec.seed is None else spec.seed
        self._model = _Model(self._space)

    def suggest(self, trials: Sequence[Trial]) -> dict[str, Any] | None:
        """The next configuration, nested as in the sweep's YAML.

        Args:
            trials: All runs of the sweep in the order of their creation. One whose parameters lie
                outside the space (of another sweep, or before an edit) is ignored.

        Returns:
            None, for every method, when the space is finite and all of it is among the trials.
        """
        points = [self._space.locate(trial.params) for trial in trials]
        tried = {point for point in points if point is not None}
        if self._space.size is not None and len(tried) >= self._space.size:
            return None
        if self._method is Method.GRID:
            return self._space.params(self._space.first_untried(0, tried))
        rng = np.random.default_rng([self._seed, len(trials)])
        observations = self._observations(points, trials) if self._method is Method.BAYES else []
        return self._space.params(self._search(observations, tried, rng))

    def _search(
        self, observations: list["_Observation"], tried: Collection[Point], rng: np.random.Generator
    ) -> Point:
        origin = None
        if sum(map(_Observation.is_result, observations)) >= _STARTUP_RESULTS:
            self._model.observe(observations)
            for _ in range(_MODEL_ATTEMPTS):
                origin = self._model.suggest(seed=int(rng.integers(2**32)))
                if origin not in tried:
                    return origin
        for attempt in range(_NEIGHBOUR_ATTEMPTS):
            point = self._space.draw(rng)
            if origin is not None:
                changes = 1 + attempt * len(point) // _NEIGHBOUR_ATTEMPTS
                point = crossed(self._space, origin, point, changes, rng)
            if point not in tried:
                return point
        return self._space.first_untried(int(rng.integers(2**62)), tried)

    def _observations(
        self, points: Sequence[Point | None], trials: Sequence[Trial]
    ) -> list["_Observation"]:
        observations = [
            _Observation(point, self._loss(trial))
            for point, trial in zip(points, trials, strict=True)
            if point is not None
        ]
        # A run that failed says nothing against a configuration that another run finished.
        finished = {observation.point for observation in observations if observation.is_result()}
        return [
            observation
            for observation in observations
            if observation.loss != math.inf or observation.point not in finished
        ]

    def _loss(self, trial: Trial) -> float | None:
        if trial.state is RunState.RUNNING:
            return None
        if trial.state is RunState.FAILED or trial.value is None or not math.isfinite(trial.value):
            return math.inf
        return self._goal.sign * trial.value


@dataclass(frozen=True)
class _Observation:
    """A point and its loss: None while running, infinite if the run failed."""

    point: Point
    loss: float | None

    def is_result(self) -> bool:
        return self.loss is not None and math.isfinite(self.loss)


class _Model:
    """TPE over the space, on a study that is extended as observations come in.

    Adding to the study costs far less than filling a new one with a thousand trials at every
    suggestion, and gives the same suggestions. A parameter that is not read is no part of a trial:
    those that are always read are modelled together, each of the others from the trials with it.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._parameters = space.parameters
        self._distributions: dict[str, BaseDistribution] = {
            str(place): (
                CategoricalDistribution(range(parameter.size))
                if isinstance(parameter, Choice)
                else FloatDistribution(0, 1)
            )
            for place, parameter in enumerate(self._parameters)
        }
        self._study = optuna.create_study()
        self._observed: list[_Observation] = []
        self._numbers: list[int] = []  # of the observations' trials in the study

    def observe(self, observations: Sequence[_Observation]) -> None:
        """Bring the study up to date."""
        if not self._is_continued_by(observations):
            self._study, self._observed, self._numbers = optuna.create_study(), [], []
        for known, number, now in zip(self._observed, self._numbers, observations, strict=False):
            if known.loss != now.loss:
                self._study.tell(number, now.loss)
        for observation in observations[len(self._observed) :]:
            self._numbers.append(len(self._study.get_trials(deepcopy=False)))
            coordinates = self._coordinates(observation.point)
            self._study.add_trial(
                create_trial(
                    state=TrialState.RUNNING if observation.loss is None else TrialState.COMPLETE,
                    value=observation.loss,
                    params=coordinates,
                    distributions={name: self._distributions[name] for name in coordinates},
                )
            )
        self._observed = list(observations)

    def suggest(self, seed: int) -> Point:
        """The model's most promising point, which may have been tried already."""
        conditional = self._space.conditional
        joint = {
            name: one for name, one in self._distributions.items() if int(name) not in conditional
        }
        self._study.sampler = _Sampler(joint, seed)
        trial = self._study.ask(joint)
        keys = {int(name): self._key(int(name), value) for name, value in trial.params.items()}
        for place in conditional:
            if self._space.is_active(place, keys):
                keys[place] = self._key(place, self._ask_alone(trial, place))
        # The run that may come of it is observed once it exists; a failed trial counts nothing.
        self._study.tell(trial, state=TrialState.FAIL)
        return self._space.settled(keys)

    def _ask_alone(self, trial: optuna.Trial, place: int) -> Any:
        distribution = self._distributions[str(place)]
        if isinstance(distribution, CategoricalDistribution):
            return trial.suggest_categorical(str(place), distribution.choices)
        return trial.suggest_float(str(place), 0, 1)

    def _key(self, place: int, coordinate: Any) -> Key:
        parameter = self._parameters[place]
        key: Key = parameter.draw(coordinate) if isinstance(parameter, Numeric) else coordinate
        return key

    def _is_continued_by(self, observations: Sequence[_Observation]) -> bool:
        return len(self._observed) <= len(observations) and all(
            known.point == now.point and known.loss in (None, now.loss)
            for known, now in zip(self._observed, observations, strict=False)
        )

    def _coordinates(self, point: Point) -> dict[str, Key]:
        return {
            str(place): parameter.quantile(key) if isinstance(parameter, Numeric) else key
            for place, (parameter, key) in enumerate(zip(self._parameters, point, strict=True))
            if self._space.is_active(place, point)
        }


class _Sampler(TPESampler):
    """TPE whose space is known, instead of inferred from all trials at every suggestion."""

    def __init__(self, distributions: dict[str, BaseDistribution], seed: int) -> None:
        super().__init__(seed=seed, multivariate=True, constant_liar=True, n_startup_trials=0)
        self._known = {name: one for name, one in distributions.items() if not one.single()}

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, BaseDistribution]:
        return self._known
