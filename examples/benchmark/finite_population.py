r"""Times simulations of finitely many players as players and states grow.

    python examples/benchmark/finite_population.py --most_states=1000
    python examples/benchmark/finite_population.py \
        --output_dir=examples/benchmark/results/finite_population --force

The output directory then holds finite_population.csv and finite_population.md. Run it
while the machine does nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import os
import pathlib
import statistics
import time
from typing import NamedTuple

from absl import app, flags
import benchmarks
import tqdm

from algorithms import files, quiet

FLAGS = flags.FLAGS
benchmarks.define_flags(FLAGS, "finite_population")
flags.DEFINE_integer("horizon", 100, "Steps of each game.", lower_bound=1)
flags.DEFINE_integer("most_players", 10**7, "The largest crowd.", lower_bound=100)
flags.DEFINE_integer("most_states", 10**5, "The largest game.", lower_bound=100)
flags.DEFINE_integer("repetitions", 3, "How often each is timed.", lower_bound=1)

SIMULATE, EPSILON_NASH = "simulate", "epsilon_nash"
_PLAYERS = 10**5  # where states grow
_RUNS = 4  # of the others of a deviating player, the fewest that there can be
_SIDES = (10, 32, 100, 316)
_MOST_DEVIATING = 1000  # states, where each state costs a call of the game a step
_NOTES = """\
All play the uniform policy, which leaves no state empty for long. `simulate` plays a
run: it draws how many go where, so that its cost grows with the pairs of states and
actions that have players, little with the players. `epsilon_nash` has {runs} runs of
the others and asks the game for rewards and transitions with the player in each state,
so that in large games its cost grows with the square of the states.
"""
_HEADS = (
    "task",
    "game",
    "states",
    "actions",
    "steps",
    "players",
    "least s",
    "median s",
    "million player-steps/s",
    "load",
)


class Contest(NamedTuple):
    """A task on a game."""

    task: str
    game: str
    players: int


def main(argv: Sequence[str]) -> None:
    """Measures in a directory of its own."""
    benchmarks.run("finite_population", argv, FLAGS, measure)


def measure(output: pathlib.Path) -> None:
    """Times all, writes the table and prints it."""
    quiet.import_tensorflow()
    rows = []
    for contest in tqdm.tqdm(list(contests()), unit="contest", dynamic_ncols=True):
        rows.append(row_of(contest))
        text = markdown(rows)
        files.write_text(output / "finite_population.md", text)
        files.write_table(output / "finite_population.csv", rows)
    print(text)


def contests() -> Iterator[Contest]:
    """Players grow on a chain of 100 states; states grow on chains and in rooms."""
    chain = f"mfg_crowd_chain(num_states={{}},horizon={FLAGS.horizon})"
    room = f"mfg_exploration(layout=empty_{{0}}x{{0}},horizon={FLAGS.horizon})"
    sizes = [10**power for power in range(2, 8) if 10**power <= FLAGS.most_players]
    for players in sizes:
        yield Contest(SIMULATE, chain.format(100), players)
    largest = min(_PLAYERS, FLAGS.most_players)
    sides = [side for side in _SIDES if side**2 <= FLAGS.most_states]
    for side in sides:
        for game in (chain.format(side**2), room.format(side)):
            contest = Contest(SIMULATE, game, largest)
            if contest != Contest(SIMULATE, chain.format(100), largest):
                yield contest
    for states in (10, 32, 100, 316, 1000):
        if states <= min(FLAGS.most_states, _MOST_DEVIATING):
            yield Contest(EPSILON_NASH, chain.format(states), largest)


def row_of(contest: Contest) -> dict[str, str]:
    """Times a contest."""
    from algorithms import finite_population
    from algorithms.model import load_model
    from algorithms.policy import ArrayPolicy

    model = load_model(contest.game)
    policy = ArrayPolicy(model, model.uniform_policy())
    play, runs = finite_population.simulate, 1
    if contest.task == EPSILON_NASH:
        play, runs = finite_population.epsilon_nash, _RUNS
    seconds = []
    for seed in range(FLAGS.repetitions):
        began = time.perf_counter()
        play(model.game, policy, contest.players, runs, seed)
        seconds.append(time.perf_counter() - began)
    dynamics = model.game.dynamics
    moved = runs * contest.players * dynamics.horizon
    figures = (
        contest.task,
        contest.game,
        dynamics.num_states,
        dynamics.num_actions,
        dynamics.horizon,
        contest.players,
        f"{min(seconds):.4g}",
        f"{statistics.median(seconds):.4g}",
        f"{moved / min(seconds) / 1e6:.3g}",
        f"{os.getloadavg()[0]:.1f}",
    )
    return dict(zip(_HEADS, map(str, figures), strict=True))


def markdown(rows: Sequence[dict[str, str]]) -> str:
    """The table with the command and the environment."""
    from table import environment

    command = benchmarks.command("finite_population")
    constants = ", ".join(f"{k} {v}" for k, v in environment().items())
    lines = [f"`{command}`", "", f"{constants}.", "", _NOTES.format(runs=_RUNS)]
    lines += ["| " + " | ".join(_HEADS) + " |", "|" + " --- |" * len(_HEADS)]
    lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    app.run(main)
