"""The experiments of `fictitious_play_2020`: games solved, and closed forms."""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses

from experiments import Runs, ancestors, run_solver, solve, total_variation
import numpy as np
import pyspiel
from scipy import special

from mfg_games import parameters
from mfg_games.linear_quadratic import LinearQuadratic
from mfg_games.settings import setting

EXACT, LEARNT = "model-based", "model-free"
LQ, BAR, NO_AVERSION, CLOSING, TREE = (
    "linear-quadratic",
    "beach bar",
    "beach bar without crowd aversion",
    "beach bar that may close",
    "linear-quadratic with common noise",
)
NEAR = 10  # places from the bar that count as near


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      linear_quadratic, beach_bar, closing_bar, tree: OpenSpiel strings of the games.
      lq_iterations, bar_iterations, tree_iterations: of fictitious play.
      lq_episodes, bar_episodes: of Q-learning in each iteration.
      batch_size: episodes played side by side.
      refinements: factors by which the grid gets finer and dt smaller.
    """

    linear_quadratic: str = setting("linear_quadratic_2020").game_string
    beach_bar: str = setting("beach_bar_2020").game_string
    closing_bar: str = setting("beach_bar_closing_2020").game_string
    # The paper has a shock at every step. Five shocks make 2^5 histories.
    tree: str = (
        "mfg_linear_quadratic(common_noise=0.5,horizon=15,dt=0.2,shock_every=3,"
        "max_action=9)"
    )
    lq_iterations: int = 200
    bar_iterations: int = 500
    tree_iterations: int = 100
    lq_episodes: int = 5000
    bar_episodes: int = 10_000
    batch_size: int = 1000
    refinements: tuple[int, ...] = (1, 2, 3, 4)


FULL = Scale()
FAST = Scale(
    tree="mfg_linear_quadratic(common_noise=0.5,horizon=12,dt=0.25,shock_every=3,"
    "max_action=9)",
    lq_iterations=50,
    bar_iterations=100,
    tree_iterations=25,
    refinements=(1, 2),
)


@dataclasses.dataclass(frozen=True)
class Refinement:
    """Distance of one grid's equilibrium from the closed form, in physical units.

    Attributes:
      factor: how many grid points a unit of length has.
      dt: length of a time step.
      residual: exploitability over that of the uniform policy.
      action_error: largest error of the action within 15 of the mean.
      variance_error: largest error of the variance.
      density_error: largest total variation distance of the distributions.
    """

    factor: int
    dt: float
    residual: float
    action_error: float
    variance_error: float
    density_error: float


def solve_all(scale: Scale, seed: int) -> Runs:
    """Solves every game by every algorithm.

    Args:
      scale: the games and how long.
      seed: of the Q-learning.
    """
    bar, episodes = scale.bar_iterations, scale.bar_episodes
    jobs = [
        (LQ, scale.linear_quadratic, scale.lq_iterations, scale.lq_episodes),
        (BAR, scale.beach_bar, bar, episodes),
        (CLOSING, scale.closing_bar, bar, episodes),
        (NO_AVERSION, without_aversion(scale.beach_bar), bar, None),
        (TREE, scale.tree, scale.tree_iterations, None),
    ]
    runs = {}
    for name, game, iterations, episodes in jobs:
        algorithms = {EXACT: ("fictitious_play", {})}
        if episodes:
            algorithms[LEARNT] = (
                "q_learning_fictitious_play",
                {"episodes": episodes, "batch_size": scale.batch_size, "seed": seed},
            )
        runs |= solve(name, game, algorithms, iterations)
    return runs


def without_aversion(game: str) -> pyspiel.Game:
    """The same game without the reward for keeping away from the crowd."""
    game = pyspiel.load_game(game)
    changed = {**game.get_parameters(), "crowd_aversion": 0.0}
    return pyspiel.load_game(game.get_type().short_name, changed)


def refine(game: str, factor: int) -> Refinement:
    """The equilibrium on a finer grid against the closed form.

    From a symmetric start the mean stays where it is whatever is played, so one best
    response is the equilibrium.

    Args:
      game: a linear-quadratic game without common noise.
      factor: how much finer grid and dt are.
    """
    from algorithms.fixed_point import FixedPoint

    label = f"equilibrium on a grid {factor} times as fine"
    solver = FixedPoint(pyspiel.load_game(*refined(game, factor)))
    found = run_solver(LQ, label, solver, 1)
    d, flow = found.dynamics, found.path()
    form, times = d.closed_form(), np.arange(d.horizon + 1) * d.dt
    mean = form.initial_mean
    policy = solver.get_policy().probabilities
    actions = policy.reshape(d.horizon, d.num_states, -1) @ d.actions
    expected = form.action(times[:-1, None], d.positions, mean)
    middle = np.abs(d.positions - mean) <= 15 * factor
    variances = flow @ (d.positions - mean) ** 2
    return Refinement(
        factor,
        d.dt,
        found.exploitability[1] / found.exploitability[0],
        np.abs(actions - expected)[:, middle].max() / factor,
        np.abs(variances - form.variance(times)).max() / factor**2,
        total_variation(flow, closed_form_flow(d)).max(),
    )


def refined(game: str, factor: int) -> tuple[str, dict]:
    """Short name and parameters of the same game on a grid `factor` times as fine.

    The grid has spacing 1, so lengths, volatility and actions are multiplied.
    """
    game = pyspiel.load_game(game)
    given = game.get_parameters()
    lengths = ("half_width", "max_action", "volatility", "mode_std", "horizon")
    modes = parameters.numbers("modes", given["modes"]) * factor
    changed = {name: given[name] * factor for name in lengths}
    changed |= {
        "dt": given["dt"] / factor,
        "modes": " ".join(map(repr, modes.tolist())),
    }
    return game.get_type().short_name, {**given, **changed}


def closed_form_flow(d: LinearQuadratic, shifts: Sequence[float] | None = None):
    """The equilibrium's flow in continuous time, summed over the grid's cells.

    Under the linear feedback each initial normal stays one: its distance from the mean
    shrinks, its variance follows the closed form.

    Args:
      d: the game.
      shifts: [T + 1], what the common noise has added to the mean; None for nothing.

    Returns:
      [T + 1, S].
    """
    form, times = d.closed_form(), np.arange(d.horizon + 1) * d.dt
    modes = parameters.numbers("modes", d.parameters["modes"])[:, None]
    std = d.parameters["mode_std"]
    noiseless = dataclasses.replace(form, volatility=0.0, initial_variance=1.0)
    shrink = np.sqrt(noiseless.variance(times))
    centres = form.initial_mean + (modes - form.initial_mean) * shrink
    if shifts is not None:
        centres = centres + shifts
    widths = np.sqrt(dataclasses.replace(form, initial_variance=std**2).variance(times))
    edges = np.append(d.positions - 0.5, d.positions[-1] + 0.5)
    below = special.ndtr((edges - centres[..., None]) / widths[:, None])
    return np.diff(below, axis=-1).mean(axis=0)


def shifts(d: LinearQuadratic, history: int) -> np.ndarray:
    """What the common noise adds to the mean on the way to a history, [T + 1]."""
    path = ancestors(d, history)
    shocks = [d.noise_value(t, h) for t, h in enumerate(path)]
    given = d.parameters
    step = given["common_noise"] * given["volatility"] * np.sqrt(given["dt"])
    return step * np.cumsum(shocks)


def near_bar(flow: np.ndarray) -> np.ndarray:
    """Share of the crowd within `NEAR` places of the bar, [..., S] gives [...]."""
    size = flow.shape[-1]
    return flow[..., np.abs(np.arange(size) - size // 2) <= NEAR].sum(axis=-1)
