"""What `flocking_2021` measures in populations that have learnt to fly.

Shapes: T decision times, B players, X components of a state, K policies.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
import pathlib
import time

from deep_jobs import restored
from fl2021_experiments import GROUPS, LINE, LQ, Key, Scale
import numpy as np

from algorithms import catalogue
from algorithms.job import Job
from algorithms.newcomer import newcomer_gain
from mfg_games.continuous import ContinuousGame
from mfg_games.flocking import FlockingModel

_PLAYERS = 2000
ACCELERATIONS = 41  # of the grid game
_CHUNK = 20_000  # players at a time, which memory holds
_MEASURED = 5  # runs of which the fastest counts
_ENOUGH = 20.0  # seconds after which there is no other one


@dataclasses.dataclass(frozen=True)
class Flown:
    """A population that has learnt.

    Attributes:
      game: in continuous space.
      states: [T + 1, B, X], players of the average policy.
      numbers: what was measured, by name.
    """

    game: ContinuousGame
    states: np.ndarray
    numbers: Mapping[str, float]


def evaluate(
    scale: Scale, jobs: Mapping[Key, Job], root: pathlib.Path
) -> dict[Key, Flown]:
    """Measures all finished runs."""
    found = {}
    for (game, seed), job in jobs.items():
        print(f"{game}, seed {seed}")
        solver = restored(job, root)
        found[game, seed] = _flown(scale, game, solver)
    return found


def _flown(scale: Scale, game: str, solver) -> Flown:
    states = solver.players(_PLAYERS)
    numbers = {}
    if isinstance(solver.game, FlockingModel):
        numbers |= _velocities(solver.game, states)
        numbers |= _obstacles(solver, scale.counted)
        numbers["agent steps a second"] = _speed(solver, scale.counted)
    if game == GROUPS:
        numbers["kept direction"] = kept_direction(solver.game, states)
    if game == LQ:
        numbers["feedback error"] = feedback_error(solver)
    if game == LINE:
        numbers["exact exploitability"] = on_the_grid(solver, scale.grid)
        found = newcomer_gain(solver)
        numbers["newcomer's gain"] = found.gain
        numbers["half width of its interval"] = found.half_width
    return Flown(solver.game, states, numbers)


def _velocities(game: FlockingModel, states: np.ndarray) -> dict[str, float]:
    first, last = (states[time][:, game.num_controls :] for time in (0, -1))
    spread = [np.var(velocities, axis=0).sum() for velocities in (first, last)]
    mean = last.mean(axis=0)
    return {
        "variance at first": float(spread[0]),
        "variance at last": float(spread[1]),
        "distance of the mean velocity to a corner": float(
            np.abs(mean - np.sign(mean)).max()
        ),
    }


def _obstacles(solver, count: int) -> dict[str, float]:
    """How many of so many players are inside an obstacle, over all times."""
    game = solver.game
    if not len(game.columns) + len(game.walls):
        return {}
    inside = steps = 0
    for seed in range(-(-count // _CHUNK)):
        players = min(count, _CHUNK)
        states = solver.players(players, seed + 1, among_themselves=False)
        inside += int((game.clearance(np, states) < 0).sum())
        steps += players * game.horizon
    return {"inside an obstacle": float(inside), "steps looked at": float(steps)}


def _speed(solver, count: int) -> float:
    """Steps a second of so many players of the last response, in a frozen crowd."""
    seconds = []
    while len(seconds) < _MEASURED and sum(seconds) < _ENOUGH:
        start = time.perf_counter()
        for seed in range(-(-count // _CHUNK)):
            solver.simulate_response(min(count, _CHUNK), seed).returns.numpy()
        seconds.append(time.perf_counter() - start)
    return count * solver.game.horizon / min(seconds)


def kept_direction(game: FlockingModel, states: np.ndarray) -> float:
    """Share of birds that end in the direction in which their group began."""
    number = game.num_controls
    centers, velocities = (
        np.array(game.parameters[name]) for name in ("centers", "velocities")
    )
    gaps = states[0][:, None, :number] - centers
    group = np.linalg.norm(gaps, axis=2).argmin(axis=1)
    same = np.sign(states[-1][:, number:]) == np.sign(velocities[group])
    return float(same.all(axis=1).mean())


def feedback_error(solver) -> float:
    """Of the average policy's mean actions, to the closed form's, where players are.

    The root of the mean squared difference over that of the actions.
    """
    game, form = solver.game, solver.game.closed_form
    states = solver.players(_PLAYERS)
    learnt, exact = [], []
    for step in range(game.horizon):
        acted = solver.member_actions(step, states[step])
        learnt.append(np.tensordot(solver.member_weights, acted, axes=1))
        mean = states[step].mean()
        exact.append(form.action(step * game.dt, states[step], mean))
    difference = np.mean((np.array(learnt) - exact) ** 2)
    return float(np.sqrt(difference / np.mean(np.square(exact))))


def on_the_grid(solver, grid: tuple[int, int]) -> float:
    """Exact exploitability of the average policy in `mfg_flocking`.

    Players draw one of the nearest two accelerations of the grid, so that its mean is
    what the policy says.
    """
    from algorithms.exploitability import exploitability
    from algorithms.model import load_model
    from algorithms.policy import ArrayPolicy

    positions, velocities = grid
    game = catalogue.load_game(
        f"mfg_flocking(num_positions={positions},num_velocities={velocities},"
        f"num_accelerations={ACCELERATIONS},horizon={solver.game.horizon})"
    )
    model = load_model(game)
    policies = [
        drawn(solver.member_actions(step, game.dynamics.points)[..., 0])
        for step in range(game.dynamics.horizon)
    ]
    members = np.concatenate(policies, axis=1)  # [K, T S, A]
    average = np.zeros(members.shape[1:])
    for weight, policy in zip(solver.member_weights, members, strict=True):
        flow = model.compiled_distribution(model.as_tensor(policy)).mass
        average += weight * flow.numpy()[: len(policy), None] * policy
    total = average.sum(axis=1, keepdims=True)
    nobody = 1 / average.shape[1]
    average = np.where(total > 0, average / np.where(total > 0, total, 1), nobody)
    return exploitability(game, ArrayPolicy(model, model.as_tensor(average)))


def drawn(accelerations: np.ndarray, number: int = ACCELERATIONS) -> np.ndarray:
    """Probabilities of evenly spaced accelerations with such means, [..., number]."""
    place = (accelerations + 1) / 2 * (number - 1)
    return np.maximum(1 - np.abs(place[..., None] - np.arange(number)), 0)
