r"""Compares adaptive mirror descent with fixed rates of mirror descent, game by game.

    python examples/benchmark/adaptive.py \
        --output_dir=examples/benchmark/results/adaptive --force
    python examples/benchmark/adaptive.py --setting=beach_bar_2020 --iterations=50

Every run has the same number of iterations, each of one sweep forwards and one
backwards. The output directory then holds adaptive.csv, with all runs, and adaptive.md,
which compares the adaptive one with the best rate for each game.
"""

from __future__ import annotations

import pathlib

from absl import app, flags
import benchmarks
import pyspiel
import tqdm

from algorithms import files, quiet
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
)
ADAPTIVE = "adaptive"
RATES = tuple(f"{10 ** (exponent / 2):.3g}" for exponent in range(-6, 3))
REPORTED = (0, 10, 30, 100)  # iterations in the CSV, beside the last one

_NOTES = """\
Exploitability before the first and after the last of {} iterations, and the lowest on
the way. The best fixed rate is the one of half decades from 0.001 to 10 whose last
policy is the best. An iteration of either solver is one sweep forwards and one
backwards; a step that is rejected counts as one.
"""

benchmarks.define_flags(FLAGS, "adaptive")
flags.DEFINE_multi_string("setting", SETTINGS, "Play these; repeat for several.")
flags.DEFINE_integer("iterations", 300, "Of each run.", lower_bound=1)


def main(argv: list[str]) -> None:
    """Compares the rates in a directory of their own."""
    benchmarks.run("adaptive", argv, FLAGS, compare)


def compare(output: pathlib.Path) -> None:
    """Plays the games, writes the comparison and prints it."""
    quiet.import_tensorflow()
    from table import environment

    constants = ", ".join(f"{k} {v}" for k, v in environment().items())
    runs = {}
    with tqdm.tqdm(total=len(FLAGS.setting) * (1 + len(RATES)), unit="run") as progress:
        for name in FLAGS.setting:
            progress.set_description(name)
            runs[name] = play(setting(name).load(), progress)
            write_csv(output / "adaptive.csv", runs)
    text = f"`{benchmarks.command('adaptive')}`\n\n{constants}.\n\n{markdown(runs)}"
    files.write_text(output / "adaptive.md", text)
    print(text)


def play(game: pyspiel.Game, progress: tqdm.tqdm) -> dict[str, list[float]]:
    """Exploitabilities before and after each iteration, by rate."""
    from algorithms.run import run

    found = {}
    for rate in (ADAPTIVE, *RATES):
        history = run(solver_at(rate, game), FLAGS.iterations, progress=False).history
        found[rate] = [record.exploitability for record in history]
        progress.update()
    return found


def solver_at(rate: str, game: pyspiel.Game):
    """Mirror descent at a rate, or the adaptive one."""
    from algorithms.adaptive_mirror_descent import AdaptiveMirrorDescent
    from algorithms.mirror_descent import MirrorDescent

    if rate == ADAPTIVE:
        return AdaptiveMirrorDescent(game)
    return MirrorDescent(game, lr=float(rate))


def write_csv(path: pathlib.Path, runs: dict[str, dict[str, list[float]]]) -> None:
    """All runs, one row each."""
    reported = [k for k in REPORTED if k < FLAGS.iterations] + [FLAGS.iterations]
    rows = []
    for name, by_rate in runs.items():
        for rate, found in by_rate.items():
            figures = [found[k] for k in reported] + [min(found)]
            rows.append([name, rate, *(f"{x:.6g}" for x in figures)])
    files.write_csv(path, ["setting", "rate", *reported, "best"], rows)


def markdown(runs: dict[str, dict[str, list[float]]]) -> str:
    """The adaptive run beside the rate whose last policy is the best, a row a game."""
    lines = [_NOTES.format(FLAGS.iterations)]
    names = (
        "setting|first|adaptive, last|best|best fixed rate|last|best|adaptive / fixed"
    )
    lines += [f"| {names.replace('|', ' | ')} |", "|" + " --- |" * 8]
    for name, by_rate in runs.items():
        found = by_rate[ADAPTIVE]
        rate = min(RATES, key=lambda rate: by_rate[rate][-1])
        fixed = by_rate[rate]
        ratio = found[-1] / fixed[-1] if fixed[-1] > 0 else float("nan")
        cells = [found[0], found[-1], min(found)]
        cells = [f"{x:.3g}" for x in cells] + [rate]
        cells += [f"{x:.3g}" for x in (fixed[-1], min(fixed), ratio)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    app.run(main)
