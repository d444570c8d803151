"""Compares correlated with Nash equilibria and with social optima.

    python examples/correlated_equilibria.py            # a few minutes
    python examples/correlated_equilibria.py --game="mfg_beach_bar(size=30)" --steps=40

Mean-field PSRO looks for coarse correlated and correlated equilibria, with several
regret minimisers and with two aims: the least gap, or the highest welfare at which
nobody gains. The output directory then holds correlated_equilibria.csv, a row for each
device, gaps.csv, the gaps after every step, a picture of these, and README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
import pathlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from absl import app, flags
import outputs
import pages
import pyspiel
import tqdm

from algorithms import catalogue, files, markdown_tables, quiet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from algorithms.correlated.device import CorrelationDevice

FLAGS = flags.FLAGS

GAMES = (
    "mfg_rock_paper_scissors(horizon=4)",
    "mfg_beach_bar(size=20,horizon=15)",
    "mfg_predator_prey(size=5,horizon=8)",
)
# Label of the curve -> options of the solver.
CURVES = {
    "coarse, regret matching": {},
    "coarse, hedge": {"regret_minimiser": "hedge"},
    "coarse, polynomial weights": {"regret_minimiser": "polynomial_weights"},
    "correlated, regret matching": {"equilibrium": "correlated"},
}
WELFARE = {
    "coarse, highest welfare": {"weights": "welfare"},
    "correlated, highest welfare": {"equilibrium": "correlated", "weights": "welfare"},
}
NASH, OPTIMUM = "adaptive mirror descent", "social optimum"
_OTHERS = {NASH: "adaptive_mirror_descent", OPTIMUM: "social_optimum"}
_STEM = "correlated_equilibria"


class Row(NamedTuple):
    """What was found in a game.

    Attributes:
      game: the game, as it was asked for.
      found: label of what was looked for.
      cce_gap: what a player gains by ignoring the device,
      ce_gap: and by deviating from recommendations.
      welfare: what all players earn together, added over populations.
      draws: how many distributions over policies the device draws from.
      policies: how many policies it recommends.
    """

    game: str
    found: str
    cce_gap: float
    ce_gap: float
    welfare: float
    draws: int
    policies: int

    @property
    def cells(self) -> list[str]:
        """The row as it is shown."""
        numbers = [self.cce_gap, self.ce_gap, self.welfare]
        shown = [f"{number:.4g}" for number in numbers]
        return [
            f"`{self.game}`",
            self.found,
            *shown,
            f"{self.draws}",
            f"{self.policies}",
        ]


class Gap(NamedTuple):
    """The gap of the kind of equilibrium that is looked for, after so many steps."""

    game: str
    curve: str
    step: int
    gap: float


def define_flags(into: flags.FlagValues = FLAGS) -> None:
    """Called when this is the program: tests import several scripts together."""
    own = {"flag_values": into}
    game = (
        "A game of this collection whose crowd does not move its players; repeatable."
    )
    flags.DEFINE_multi_string("game", list(GAMES), game, **own)
    flags.DEFINE_integer("steps", 15, "Steps of PSRO.", lower_bound=1, **own)
    regret = "Of the regret minimiser in each step."
    flags.DEFINE_integer("regret_steps", 30, regret, lower_bound=1, **own)
    others = "Of the solvers of Nash equilibria and social optima."
    flags.DEFINE_integer("iterations", 300, others, lower_bound=1, **own)
    outputs.define_flags(into, f"runs/{_STEM}")


def main(argv: list[str], given: flags.FlagValues = FLAGS) -> None:
    """Compares the games; errors that can be expected end in one line."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}. Quote the game string.")
    quiet.import_tensorflow()
    with outputs.claimed(_STEM, given) as output:
        games = {text: catalogue.load_game(text) for text in given.game}
        rows = compare(games, given, output)
        pages.write(output, page(rows, given))


def compare(
    games: Mapping[str, pyspiel.Game], given: flags.FlagValues, output: pathlib.Path
) -> list[Row]:
    """Looks for all equilibria, and writes tables and the picture; the rows."""
    from algorithms import pictures

    output.mkdir(parents=True, exist_ok=True)
    rows, gaps = [], []
    total = len(games) * len(CURVES | WELFARE | _OTHERS)
    with tqdm.tqdm(total=total, unit="run", dynamic_ncols=True) as bar:
        for name, game in games.items():
            for row, curve in runs(name, game, given):
                rows.append(row)
                gaps += curve
                tqdm.tqdm.write("  ".join(row.cells))
                bar.update()
    files.write_csv(output / f"{_STEM}.csv", Row._fields, rows)
    files.write_csv(output / "gaps.csv", Gap._fields, gaps)
    pictures.save(figure(gaps), output / f"{_STEM}.png")
    print(f"{output}: {', '.join(sorted(path.name for path in output.iterdir()))}")
    return rows


def runs(
    name: str, game: pyspiel.Game, given: flags.FlagValues
) -> Iterator[tuple[Row, list[Gap]]]:
    """What is found in a game, and the gaps on the way."""
    from algorithms.correlated.device import CorrelationDevice
    from algorithms.correlated.psro import MeanFieldPSRO
    from algorithms.run import run

    for label, options in (CURVES | WELFARE).items():
        solver = MeanFieldPSRO(game, regret_steps=given.regret_steps, **options)
        history = run(solver, given.steps, progress=False).history
        shown = history if label in CURVES else []
        yield (
            row_of(name, label, solver.correlation_device),
            [Gap(name, label, each.iteration, each.distance) for each in shown],
        )
    for label, algorithm in _OTHERS.items():
        solver = catalogue.solver_class(algorithm)(game)
        policy = run(solver, given.iterations, progress=False).best_policy
        device = CorrelationDevice.of(game, [policy], [[1.0]], [1.0])
        yield row_of(name, label, device), []


def row_of(name: str, label: str, device: CorrelationDevice) -> Row:
    """What a device is worth."""
    recommended = int((device.probabilities > 0).sum())
    numbers = (device.cce_gap, float(device.ce_gap), device.welfare)
    return Row(name, label, *numbers, len(device.weights), recommended)


def figure(gaps: Sequence[Gap]) -> Figure:
    """A panel for each game: gaps against steps."""
    from algorithms.pictures.style import COLOURS, INK, LINE_STYLES, grid, new_figure

    games = list(dict.fromkeys(gap.game for gap in gaps))
    drawing, axes = new_figure(
        1, len(games), (4.6 * len(games), 3.8), "", "constrained"
    )
    for ax, game in zip(axes[0], games, strict=True):
        for number, label in enumerate(CURVES):
            own = [gap for gap in gaps if (gap.game, gap.curve) == (game, label)]
            steps, values = zip(*((gap.step, gap.gap) for gap in own), strict=True)
            style = {"color": COLOURS[number], "linestyle": LINE_STYLES[number]}
            ax.plot(steps, values, label=label, **style)
        ax.set_yscale("symlog", linthresh=1e-4)  # an equilibrium has no gap
        ax.set_ylim(bottom=0)
        ax.set_title(game, fontsize=10, color=INK)
        ax.set_xlabel("steps of PSRO", fontsize=9, color=INK)
        ax.set_ylabel("gap", fontsize=9, color=INK)
        ax.legend(fontsize=8, frameon=False, labelcolor=INK)
        grid(ax)
    return drawing


def page(rows: Iterable[Row], given: flags.FlagValues) -> list[str]:
    """The parts of the page: what is compared, the picture and the table."""
    head = ["game", "device", "CCE gap", "CE gap", "welfare", "draws", "policies"]
    return [
        "# Correlated equilibria",
        "A device draws one of some distributions over policies, and recommends to "
        "each player a policy drawn\nfrom it. The CCE gap is what a player gains by "
        "ignoring the device, the CE gap what players gain who\nhear what is "
        "recommended. A negative CCE gap says that to follow is worth more than any "
        "policy.",
        f"Devices are those after {given.steps} steps of mean-field PSRO with "
        f"{given.regret_steps} steps of the regret minimiser in each,\nof the least "
        "gap unless the welfare is named. Where the policy of adaptive mirror descent, "
        f"after {given.iterations}\niterations, has no gap, it is a Nash "
        "equilibrium: it and the social optimum always draw the same.",
        f"![Gaps against the steps of PSRO]({_STEM}.png)",
        markdown_tables.table(head, (row.cells for row in rows)),
        f"Draws and policies count what the device uses. Unrounded: "
        f"[{_STEM}.csv]({_STEM}.csv); all gaps: [gaps.csv](gaps.csv).",
    ]


if __name__ == "__main__":
    define_flags()
    app.run(main)
