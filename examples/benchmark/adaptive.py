"""Compares adaptive mirror descent with fixed rates of mirror descent, game by game.

    python examples/benchmark/adaptive.py --output_dir=examples/benchmark/results
    python examples/benchmark/adaptive.py --setting=beach_bar_2020 --iterations=50

Every run has the same number of iterations, each of one sweep forwards and one
backwards. The output directory then holds adaptive.csv, with all runs, and adaptive.md,
which compares the adaptive one with the best rate for each game.
"""

from __future__ import annotations

import csv
import pathlib
import shlex
import sys

from absl import app, flags
import tqdm

from algorithms import quiet
from mfg_games.settings import setting

FLAGS = flags.FLAGS

SETTINGS = (
    "four_rooms_deep_2022",
    "four_rooms_survey_2022",
    "maze_deep_2022",
    "chasing_3_populations_2021",
    "chasing_4_populations_2021",
    "beach_bar_2020",
    "beach_bar_closing_2020",
    "building_small_2021",
    "linear_quadratic_2020",
    "linear_quadratic_common_noise_2020",
)
RATES = tuple(10 ** (exponent / 2) for exponent in range(-6, 3))

flags.DEFINE_string("output_dir", "runs/benchmark", "Where the tables go.")
flags.DEFINE_multi_string("setting", SETTINGS, "Play these; repeat for several.")
flags.DEFINE_integer("iterations", 300, "Of each run.", lower_bound=1)


def main(argv: list[str]) -> None:
    """Plays the games and prints the comparison."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}")
    quiet.import_tensorflow()
    directory = pathlib.Path(FLAGS.output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    command = shlex.join(["python", "examples/benchmark/adaptive.py", *sys.argv[1:]])
    games = {name: setting(name).load() for name in FLAGS.setting}
    runs = {}
    with tqdm.tqdm(total=len(games) * (1 + len(RATES)), unit="run") as progress:
        for name, game in games.items():
            progress.set_description(name)
            runs[name] = play(game, FLAGS.iterations, progress)
            write_csv(directory / "adaptive.csv", runs)
            text = markdown(runs, command)
            (directory / "adaptive.md").write_text(text, "utf-8")
    print(text)


def play(game, iterations: int, progress: tqdm.tqdm) -> dict[str, list[float]]:
    """Exploitabilities before and after each iteration, by rate."""
    from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
    from algorithms.mirror_descent import MirrorDescent

    runs = {"adaptive": trajectory(AdaptiveMirrorDescent(game), iterations)}
    progress.update()
    fixed = MirrorDescent(game)
    for rate in RATES:  # on one solver, which is compiled once
        fixed.restore(fixed.fresh_state(), 0)
        runs[f"{rate:.3g}"] = trajectory(fixed, iterations, rate)
        progress.update()
    return runs


def trajectory(solver, iterations: int, rate: float | None = None) -> list[float]:
    """Exploitabilities of a run."""
    found = []
    for _ in range(iterations):
        solver.iteration(learning_rate=rate)
        # The policy before an iteration is evaluated by it.
        found.append(solver.last_exploitability)
    return found


def write_csv(path: pathlib.Path, runs: dict[str, dict[str, list[float]]]) -> None:
    """All runs, a row each."""


if __name__ == "__main__":
    app.run(main)
