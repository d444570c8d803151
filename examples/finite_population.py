r"""How far finitely many players are from the mean field, and what one could gain.

    python examples/finite_population.py                              # three minutes
    python examples/finite_population.py --game="mfg_sis(horizon=20)" \
        --num_players=10,100,1000 --deviation_runs=100
    python examples/finite_population.py --num_players=5,20,80 --deviation_runs=100 \
        --game="python_mfg_dynamic_routing(max_num_time_step=40,time_step_length=0.125)"

All players play one policy, an equilibrium of the limit: found here, or a file that
solve.py has left. For each number N of players finite_population.csv tells, with 95%
confidence intervals,

- distance: total variation between the players' distribution and the limit's, averaged
  over time and runs, which falls like 1 / sqrt(N);
- gain: what one player gains by the best deviation that was found, the policy's
  epsilon. It falls to what the policy's errors leave in the limit, its exploitability.

finite_population.png shows both on logarithmic axes with the slopes that are printed,
fitted where the interval is above zero, and README.md all of it. In routing the players
are the vehicles of OpenSpiel's own game, N of all demands together, whose deviations
are routes; there is no distance.
"""

from __future__ import annotations

from collections.abc import Sequence
import pathlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from absl import app, flags
import numpy as np
from open_spiel.python.mfg.games.dynamic_routing import MeanFieldRoutingGame
import outputs
import pages
import pyspiel
from scipy import stats
import tqdm

from algorithms import catalogue, files, markdown_tables, quiet, record
from mfg_games import parameters
from mfg_games.openspiel_game import MeanFieldGame

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from algorithms.policy import ArrayPolicy

FLAGS = flags.FLAGS

_SIZES = ("10", "31", "100", "316", "1000", "3162", "10000")
_CONFIDENCE = 0.95
_NAN = float("nan")
_LABELS = {
    "distance": "total variation from the limit",
    "gain": "gain of a player who deviates",
}


class Row(NamedTuple):
    """What a number of players has shown of one population.

    Attributes:
      num_players: of the population.
      population: its number.
      distance, distance_low, distance_high: to the limit, and its interval.
      gain, gain_low, gain_high: of deviating; nan if no deviation was looked for.
    """

    num_players: int
    population: int
    distance: float
    distance_low: float
    distance_high: float
    gain: float
    gain_low: float
    gain_high: float

    def interval(self, what: str) -> tuple[float, float, float]:
        """The mean of "distance" or "gain", and the ends of its interval."""
        return tuple(getattr(self, what + end) for end in ("", "_low", "_high"))

    def __str__(self) -> str:
        text = f"{self.num_players:>9,} players"
        for what in measured(self):
            mean, low, high = self.interval(what)
            text += f", {what} {mean:.4g} ({low:.4g} to {high:.4g})"
        return f"{text}, population {self.population}"


def define_flags(into: flags.FlagValues = FLAGS) -> None:
    """Called when this is the program: tests import several scripts together."""
    own = {"flag_values": into}
    game = "A game of this collection, a python_mfg_dynamic_routing, or a setting."
    flags.DEFINE_string("game", "mfg_beach_bar(size=20,horizon=15)", game, **own)
    played = "A policy file, as solve.py leaves it; default: an equilibrium found here."
    flags.DEFINE_string("policy", None, played, **own)
    steps = "Of adaptive mirror descent, which finds the equilibrium."
    flags.DEFINE_integer("iterations", 500, steps, lower_bound=0, **own)
    sizes = "Players of each population, several numbers."
    flags.DEFINE_list("num_players", list(_SIZES), sizes, **own)
    often = "How often each number of players plays."
    flags.DEFINE_integer("runs", 200, often, lower_bound=2, **own)
    others = (
        "How often the others of a deviating player play, at least 4; 0 looks for no "
        "deviation, as in games with common noise."
    )
    flags.DEFINE_integer("deviation_runs", 400, others, lower_bound=0, **own)
    flags.DEFINE_integer("seed", 0, "Of all that is drawn.", **own)
    outputs.define_flags(into, "runs/finite_population")


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Plays, prints and draws; errors that can be expected end in one line."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the game string.")
    quiet.import_tensorflow()
    with outputs.claimed("finite_population", given) as output:
        sizes = numbers(given.num_players)
        game = catalogue.load_game(given.game)
        check(game, given.deviation_runs)
        policy = policy_of(game, given.policy, given.iterations)
        rows = measure(policy, sizes, given.runs, given.deviation_runs, given.seed)
        found = write(given.game, policy, rows, output)
        pages.write(output, page(given, rows, found))


def numbers(texts: Sequence[str]) -> list[int]:
    """Numbers of players in increasing order.

    Raises:
      ValueError: one is no whole number of at least 2, or there is but one.
    """
    whole = all(text.strip().isdecimal() for text in texts)
    sizes = sorted({int(text) for text in texts}) if whole else []
    allowed = "at least two different whole numbers, from 2 on"
    right = len(sizes) > 1 and sizes[0] >= 2
    parameters.require(right, "num_players", ",".join(texts), allowed)
    return sizes


def check(game: pyspiel.Game, deviation_runs: int) -> None:
    """Raises a ValueError unless the game can be played so, before it is solved."""
    ours = isinstance(game, MeanFieldGame)
    if not ours and not isinstance(game, MeanFieldRoutingGame):
        raise ValueError(
            "`game` must be one of mfg_games or a python_mfg_dynamic_routing. "
            f"Received: {game}"
        )
    right, allowed = deviation_runs >= 4, "at least 4"
    if ours and game.dynamics.common_noise:
        right, allowed = deviation_runs == 0, "0 in games with common noise"
    elif ours:
        right, allowed = right or deviation_runs == 0, "0 or at least 4"
    parameters.require(right, "deviation_runs", deviation_runs, allowed)


def policy_of(game: pyspiel.Game, path: str | None, iterations: int) -> ArrayPolicy:
    """The policy in a file, or an equilibrium of the limit."""
    from algorithms import policy_file, run
    from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent

    if path is not None:
        return policy_file.load_policy(path, game)
    return run.run(AdaptiveMirrorDescent(game), iterations).best_policy


def measure(
    policy: ArrayPolicy, sizes: Sequence[int], runs: int, deviation_runs: int, seed: int
) -> list[Row]:
    """The rows of all numbers of players, which are printed as they come."""
    rows = []
    for size in tqdm.tqdm(sizes, unit="size", dynamic_ncols=True):
        if isinstance(policy.model.game, MeanFieldGame):
            found = of_players(policy, size, runs, deviation_runs, seed)
        else:
            found = of_vehicles(policy, size, deviation_runs, seed)
        for population, values in enumerate(found.T.tolist()):
            rows.append(Row(size, population, *values))
            tqdm.tqdm.write(str(rows[-1]))
    return rows


def of_players(
    policy: ArrayPolicy, size: int, runs: int, deviation_runs: int, seed: int
) -> np.ndarray:
    """Distance and gain with their intervals, [6, populations]."""
    from algorithms import finite_population

    game = policy.model.game
    played = finite_population.simulate(game, policy, size, runs, seed)
    gaps = finite_population.distances(game, policy, played).mean(axis=1)  # [R, N]
    mean = gaps.mean(axis=0)
    width = stats.norm.ppf((1 + _CONFIDENCE) / 2) * stats.sem(gaps)
    gains = np.full((3, len(mean)), _NAN)
    if deviation_runs:
        deviation = finite_population.epsilon_nash(
            game, policy, size, deviation_runs, seed, _CONFIDENCE
        )
        gains = np.stack([deviation.gain, *deviation.interval])
    return np.stack([mean, mean - width, mean + width, *gains])


def of_vehicles(
    policy: ArrayPolicy, size: int, deviation_runs: int, seed: int
) -> np.ndarray:
    """The same, [6, 1], of vehicles in OpenSpiel's game; it has no distance."""
    from algorithms import routing_bridge

    vehicles = routing_bridge.vehicle_game(policy.model.game, size)
    played = routing_bridge.VehiclePolicy(vehicles, policy)
    deviation = routing_bridge.route_deviation(
        vehicles, played, (0,), deviation_runs, seed, _CONFIDENCE
    )
    gains = [deviation.gain, *deviation.interval]
    return np.stack([np.full(1, _NAN)] * 3 + gains)


def write(
    name: str, policy: ArrayPolicy, rows: Sequence[Row], output: pathlib.Path
) -> dict:
    """Writes the table, the picture and `run.json`; exploitability and slopes."""
    from algorithms import nash_conv, pictures

    values = nash_conv.NashConv(policy.model.game, policy)
    limits = np.subtract(values.br_values(), values.policy_values()).tolist()
    slopes = {
        f"{what}, population {population}": fitted(rows, what, population)[0]
        for what in measured(rows[0])
        for population in populations(rows)
    }
    for label, slope in slopes.items():
        print(f"Slope of the {label}: {slope:.3f}")
    print(f"Exploitability in the limit: {sum(limits):.4g}")
    output.mkdir(parents=True, exist_ok=True)
    files.write_csv(output / "finite_population.csv", Row._fields, rows)
    figure = picture(rows, limits, name)
    pictures.save(figure, output / "finite_population.png")
    fits = {label: slope for label, slope in slopes.items() if np.isfinite(slope)}
    found = {"exploitability": sum(limits), "slopes": fits}
    made = {"command": sys.argv, **found}
    files.write_json(output / "run.json", made | record.of_machine())
    print(f"{output}: {', '.join(sorted(path.name for path in output.iterdir()))}")
    return found


def page(given: flags.FlagValues, rows: Sequence[Row], found: dict) -> list[str]:
    """The parts of the page: the table, the picture and the slopes."""
    shown = measured(rows[0])
    cells = [
        [f"{row.num_players:,}", str(row.population)]
        + [
            f"{mean:.4f} ({low:.4f} to {high:.4f})"
            for mean, low, high in map(row.interval, shown)
        ]
        for row in rows
    ]
    slopes = (f"{label} {slope:.2f}" for label, slope in found["slopes"].items())
    return [
        "# Finitely many players",
        f"`{given.game}`, where N players play a policy whose exploitability in the "
        f"limit is {found['exploitability']:.2g}:\nhow far their distribution is from "
        "the limit's in total variation, and what one of them gains by the best\n"
        f"deviation that was found. Means over {given.runs} and over half of "
        f"{given.deviation_runs} runs, with 95% confidence intervals.",
        "![Distance and gain against the number of players](finite_population.png)",
        f"Slopes of the logarithms: {', '.join(slopes) or 'none fitted'}.",
        markdown_tables.table(["players", "population", *shown], cells),
        "Unrounded: [finite_population.csv](finite_population.csv).",
    ]


def measured(row: Row) -> list[str]:
    """What the row tells, of "distance" and "gain"."""
    return [what for what in _LABELS if np.isfinite(getattr(row, what))]


def populations(rows: Sequence[Row]) -> range:
    """The numbers of the populations."""
    return range(1 + max(row.population for row in rows))


def fitted(rows: Sequence[Row], what: str, population: int) -> tuple[float, float]:
    """Slope and intercept of the logarithms; nan where fewer than two can be fitted."""
    points = [
        (row.num_players, row.interval(what)[0])
        for row in rows
        if row.population == population and row.interval(what)[1] > 0
    ]
    if len(points) < 2:
        return _NAN, _NAN
    slope, intercept = np.polyfit(*np.log(points).T, deg=1)
    return float(slope), float(intercept)


def picture(rows: Sequence[Row], limits: Sequence[float], title: str) -> Figure:
    """Distances and gains against the number of players.

    Args:
      rows: of all numbers of players.
      limits: exploitability in the limit by population, dotted.
      title: of the figure.
    """
    from algorithms.pictures.style import COLOURS, INK, grid, new_figure

    shown = measured(rows[0])
    size = (4.5 * len(shown), 4.0)
    figure, axes = new_figure(1, len(shown), size, title, "constrained")
    for ax, what in zip(axes[0], shown, strict=True):
        for population in populations(rows):
            colour = COLOURS[population % len(COLOURS)]
            draw(ax, rows, what, population, colour)
            if what == "gain" and limits[population] > 0:
                ax.axhline(limits[population], color=colour, linestyle=":", zorder=1)
        ax.set_xscale("log")
        ax.set_yscale("log", nonpositive="clip")
        ax.set_xlabel("players", color=INK)
        ax.set_ylabel(_LABELS[what], color=INK)
        ax.tick_params(which="minor", labelsize=8)
        ends = [end for row in rows if (end := row.interval(what)[2]) > 0]
        if ends:  # below them intervals may go down to zero
            ax.set_ylim(bottom=min(ends) / 10 if what == "gain" else None)
        ax.legend(fontsize=8, frameon=False, labelcolor=INK)
        grid(ax)
    return figure


def draw(
    ax: Axes, rows: Sequence[Row], what: str, population: int, colour: str
) -> None:
    """Means of a population with their intervals, and the fitted line."""
    own = [row for row in rows if row.population == population]
    sizes = np.array([row.num_players for row in own])
    means, low, high = np.array([row.interval(what) for row in own]).T
    slope, intercept = fitted(rows, what, population)
    label = f"population {population}" if len(own) < len(rows) else "mean, 95% interval"
    if np.isfinite(slope):
        label += f", slope {slope:.2f}"
        line = np.exp(intercept) * sizes**slope
        ax.plot(sizes, line, linestyle="--", linewidth=1.2, color=colour)
    bars = {"linestyle": "none", "marker": "o", "markersize": 4, "capsize": 3}
    widths = (means - low, high - means)
    ax.errorbar(sizes, means, widths, label=label, color=colour, **bars)


if __name__ == "__main__":
    define_flags()
    app.run(main)
