"""What selfishness costs: welfare at the equilibrium and at the social optimum.

    python examples/price_of_anarchy.py                            # a minute
    python examples/price_of_anarchy.py --game="mfg_sis(horizon=30)" --iterations=500

The welfare is the expected reward of all players together, added over populations. The
output directory holds price_of_anarchy.csv, a row for each game, a picture of both
crowds of each game, and README.md with all of it. Exploitability and optimality gap
tell how far the equilibrium and the optimum were found: of a game with several
equilibria, or a welfare that is not concave, the script compares those that its solvers
reach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses
import pathlib
import re
import sys
from typing import TYPE_CHECKING

from absl import app, flags
import numpy as np
import outputs
import pages
import pyspiel
import tqdm

from algorithms import catalogue, files, markdown_tables, quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from algorithms.policy import ArrayPolicy
    from algorithms.solver import Solver

FLAGS = flags.FLAGS

GAMES = (
    "mfg_beach_bar(size=20,horizon=15)",
    "mfg_crowd_chain(num_states=10,horizon=15,crowd_cost=10.0,center_attraction=0.1)",
    "mfg_congestion(layout=four_rooms_open,horizon=20,congestion=20.0)",
    "mfg_sis(horizon=30)",
    "mfg_kinetic_congestion(horizon=15)",
    "mfg_equilibrium_price(horizon=10,demand=20.0)",
    "mfg_predator_prey(horizon=10)",
)
HEADER = (
    f"{'equilibrium':>12} {'exploit.':>10} {'optimum':>12} {'gap':>10} "
    f"{'ratio':>8}  game"
)


def define_flags(into: flags.FlagValues = FLAGS) -> None:
    """Called when this is the program: tests import several scripts together."""
    flags.DEFINE_multi_string(
        "game", list(GAMES), "A game of this collection or a setting; repeatable.", into
    )
    flags.DEFINE_string(
        "equilibrium", "adaptive_mirror_descent", "The solver of the game.", into
    )
    flags.DEFINE_string(
        "optimum",
        "social_optimum",
        "The solver of the planner's problem; social_frank_wolfe is the other one.",
        into,
    )
    flags.DEFINE_integer(
        "iterations", 300, "Of both solvers.", lower_bound=0, flag_values=into
    )
    outputs.define_flags(into, "runs/price_of_anarchy")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A row of the table.

    Attributes:
      game: the game, as it was asked for.
      equilibrium: its welfare,
      exploitability: and how far it is from being one.
      optimum: the welfare of the optimum,
      optimality_gap: and how far it is from being one.
      difference: welfare lost.
      price_of_anarchy: the ratio of the welfares, at least 1; nan if they differ in
        sign.
      total_variation: between both crowds, averaged over time and populations.
      wasserstein: the same in moves.
    """

    game: str
    equilibrium: float
    exploitability: float
    optimum: float
    optimality_gap: float
    difference: float
    price_of_anarchy: float
    total_variation: float
    wasserstein: float

    @property
    def line(self) -> str:
        """The row as it is printed."""
        return (
            f"{self.equilibrium:>12.6g} {self.exploitability:>10.2g} "
            f"{self.optimum:>12.6g} {self.optimality_gap:>10.2g} "
            f"{self.price_of_anarchy:>8.4g}  {self.game}"
        )


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Compares the games; errors that can be expected end in one line."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the game string.")
    quiet.import_tensorflow()
    with outputs.claimed("price_of_anarchy", given) as output:
        names = (given.equilibrium, given.optimum)
        solvers = [catalogue.solver_class(name) for name in names]
        games = {text: catalogue.load_game(text) for text in given.game}
        rows = compare_all(games, solvers, given.iterations, output)
        pages.write(output, page(rows, names, given.iterations))


def compare_all(
    games: Mapping[str, pyspiel.Game],
    solvers: list[type[Solver]],
    iterations: int,
    output: pathlib.Path,
) -> list[Comparison]:
    """Prints and writes the table, and the pictures; the rows of the table."""
    from algorithms import pictures

    output.mkdir(parents=True, exist_ok=True)
    rows = []
    print(HEADER)
    for name in tqdm.tqdm(games, unit="game", dynamic_ncols=True):
        policies, row = compare(name, games[name], solvers, iterations)
        rows.append(row)
        tqdm.tqdm.write(row.line)
        files.write_table(
            output / "price_of_anarchy.csv", list(map(dataclasses.asdict, rows))
        )
        pictures.save(picture(policies, row), output / picture_name(name))
    print(f"{output}: {', '.join(sorted(path.name for path in output.iterdir()))}")
    return rows


def picture_name(game: str) -> str:
    """The file with the picture of a game."""
    return re.sub(r"[^A-Za-z0-9_.=-]+", "_", game).strip("_") + ".png"


def compare(
    name: str, game: pyspiel.Game, solvers: list[type[Solver]], iterations: int
) -> tuple[list[ArrayPolicy], Comparison]:
    """The policies of the equilibrium and of the optimum, and what they are worth."""
    from algorithms import equilibrium_distance, nash_conv, planner, run

    policies, welfare, far = [], [], []
    for solver in [cls.make(game) for cls in solvers]:
        found = run.run(solver, iterations, progress=False)
        policies.append(found.best_policy)
        values = nash_conv.NashConv(game, found.best_policy).policy_values()
        welfare.append(sum(values))
        far.append(found.best.distance)
    equilibrium, optimum = welfare
    distances = (
        equilibrium_distance.total_variation(game, *policies),
        equilibrium_distance.wasserstein(game, *policies, equilibrium_distance.MOVES),
    )
    ratio = planner.price_of_anarchy(optimum, equilibrium)
    return policies, Comparison(
        name,
        equilibrium,
        far[0],
        optimum,
        far[1],
        optimum - equilibrium,
        ratio,
        *(float(array.mean()) for array in distances),
    )


def page(rows: list[Comparison], solvers: Sequence[str], iterations: int) -> list[str]:
    """The parts of the page: the table, and a picture of each game."""
    heads = ["game", "equilibrium", "optimum", "ratio"]
    heads += ["exploitability", "optimality gap", "total variation", "moves"]
    cells = [
        [
            f"`{row.game}`",
            *(f"{x:.6g}" for x in (row.equilibrium, row.optimum)),
            f"{row.price_of_anarchy:.4f}",
            *(f"{x:.2g}" for x in (row.exploitability, row.optimality_gap)),
            *(f"{x:.3f}" for x in (row.total_variation, row.wasserstein)),
        ]
        for row in rows
    ]
    return [
        "# What selfishness costs",
        f"Welfare at an equilibrium, by `{solvers[0]}`, and at the social optimum, by "
        f"`{solvers[1]}`, after {iterations}\niterations of each; their ratio is the "
        "price of anarchy, at least 1 up to the errors of both. These are\nthe "
        "exploitability of the one and the optimality gap of the other. Both crowds "
        "are apart by a distance in\ntotal variation, and by so many moves of a "
        "player, averages over time. Where the exploitability\nis not small the first "
        "crowd is in no equilibrium.",
        markdown_tables.table(heads, cells),
        *(f"![Both crowds of {row.game}]({picture_name(row.game)})" for row in rows),
        "Unrounded: [price_of_anarchy.csv](price_of_anarchy.csv).",
    ]


def picture(policies: list[ArrayPolicy], row: Comparison) -> Figure:
    """Both crowds side by side, in one scale."""
    from matplotlib.ticker import MaxNLocator

    from algorithms.pictures.style import INK, colour_bar, crowd_colours, new_figure

    titles = (
        f"equilibrium, welfare {row.equilibrium:.5g}",
        f"social optimum, welfare {row.optimum:.5g}",
    )
    figure, axes = new_figure(1, 2, (9.0, 3.8), row.game, "constrained")
    images = [crowd(policy) for policy in policies]
    largest = max(np.nanmax(image) for image in images)
    dynamics = policies[0].model.game.dynamics
    flat = len(dynamics.state_shape) == 1
    for ax, image, title in zip(axes[0], images, titles, strict=True):
        shown = ax.imshow(
            image,
            origin="lower" if flat else "upper",
            aspect="auto" if flat else "equal",
            interpolation="nearest",
            cmap=crowd_colours(),
            vmin=0.0,
            vmax=largest,
        )
        ax.set_title(title, fontsize=10, color=INK)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        if dynamics.state_names and len(dynamics.state_names) <= 20:
            ax.set_yticks(range(len(dynamics.state_names)), dynamics.state_names)
        names = (*dynamics.factor_names, "time")
        ax.set_ylabel(names[0], color=INK)
        ax.set_xlabel(names[1], color=INK)
    label = "share of the population" + ("" if flat else ",\naverage over time")
    colour_bar(figure, shown, label, ax=list(axes[0]), pad=0.015)
    return figure


def crowd(policy: ArrayPolicy) -> np.ndarray:
    """Where the crowd is, averaged over noise and populations.

    Returns:
      [places, times] where a state is one factor, else [rows, columns], averaged over
      time and summed over further factors.
    """
    from algorithms.pictures import Geometry, layers_of

    model = policy.model
    flow = model.compiled_distribution(model.as_tensor(policy.probabilities))
    masses = np.stack([m.sum(0).mean(0) for m in layers_of(model, flow)])
    geometry = Geometry.of(model.game.dynamics)
    if len(geometry.state_shape) == 1:
        return geometry.image(masses).T
    return geometry.image(masses.mean(0))


if __name__ == "__main__":
    define_flags()
    app.run(main)
