"""How good the policies of `master_policies_2021` are from each initial law."""

from __future__ import annotations

from collections.abc import Mapping
import csv
import dataclasses
import pathlib

from deep_jobs import restored
from mp2021_experiments import EXACT, LABELS, MASTERS, OWN, Key, Scale
import numpy as np

from algorithms import catalogue
from algorithms.job import Job


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """A game's policies, evaluated from all laws of the training and unseen ones.

    Attributes:
      by_law: label -> exploitability, [seeds, laws]; specialised policies have
        "specialised: law" for a label, the exact solution one seed.
      unseen: label -> mean exploitability from unseen laws after each iteration from
        the first, [seeds, iterations].
      flows: label -> flow from each law, [laws, T + 1, S]: of one population, of the
        first seed.
    """

    by_law: Mapping[str, np.ndarray]
    unseen: Mapping[str, np.ndarray]
    flows: Mapping[str, np.ndarray]

    def specialised(self, laws: list[tuple[int, str]]) -> np.ndarray:
        """Exploitability of specialised policies from their laws, [seeds, laws].

        Args:
          laws: numbers and names.
        """
        return np.stack(
            [self.by_law[own(law)][:, number] for number, law in laws], axis=1
        )


def own(law: str) -> str:
    """Label of the policy that was learnt for a law."""
    return f"{OWN}: {law}"


def evaluate(
    scale: Scale, jobs: Mapping[Key, Job], root: pathlib.Path
) -> dict[str, Evaluated]:
    """Evaluates all finished runs, and solves all games exactly, by game."""
    return {
        each.name: _evaluated(
            scale,
            each.of("+".join(scale.laws)),
            {key[1:]: job for key, job in jobs.items() if key[0] == each.name},
            root,
        )
        for each in scale.environments
    }


def _evaluated(
    scale: Scale, game: str, jobs: Mapping[tuple, Job], root: pathlib.Path
) -> Evaluated:
    from algorithms.population_policy import exploitabilities

    by_law, unseen, flows = {}, {}, {}
    for (label, law, seed), job in jobs.items():
        print(f"{game}, {label} {law}, seed {seed}")
        policy = restored(job, root).policy_on(game)
        name = own(law) if law else label
        by_law.setdefault(name, []).append(exploitabilities(policy))
        if label in LABELS:
            unseen.setdefault(label, []).append(_unseen(root / job.name / "log.csv"))
        if label in MASTERS:
            flows.setdefault(label, _flows(policy))
    policy = _exact(game, scale.exact_iterations)
    by_law[EXACT] = [exploitabilities(policy)]
    flows[EXACT] = _flows(policy)
    return Evaluated(_stacked(by_law), _stacked(unseen), flows)


def _stacked(lists: Mapping[str, list]) -> dict[str, np.ndarray]:
    return {name: np.stack(rows) for name, rows in lists.items()}


def _unseen(path: pathlib.Path) -> np.ndarray:
    with open(path, encoding="utf-8") as file:
        values = [row["unseen_exploitability"] for row in csv.DictReader(file)]
    return np.array([float(value) for value in values if value])


def _exact(game: str, iterations: int):
    """The best policy of exact solutions, one for each law."""
    from algorithms.run import run

    solver = catalogue.solver_class("adaptive_mirror_descent")
    return run(solver(catalogue.load_game(game)), iterations).best_policy


def _flows(policy) -> np.ndarray:
    from algorithms.pictures import layers_of

    model = policy.model
    flow = model.compiled_distribution(model.as_tensor(policy.probabilities))
    layers = np.stack(layers_of(model, flow))[:, :, 0]
    return np.moveaxis(layers / layers.sum(axis=2, keepdims=True), 0, 1)
