r"""Times the stationary solvers as games grow.

    python examples/benchmark/stationary_scaling.py --largest=1000
    python examples/benchmark/stationary_scaling.py \
        --output_dir=examples/benchmark/results

The output directory then holds the table, stationary.csv and stationary.md. Run it
while the machine does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
import functools
import pathlib
import shlex
import sys

from absl import app, flags
import tqdm

FLAGS = flags.FLAGS

NOTES = """\
An iteration includes the law of the crowd and the exploitability of its policy, both by
factorised sparse matrices. In the room, a square, players look for empty cells, with
five actions and five outcomes of noise; the chain has three actions and three outcomes.
"""
_SIDES = (10, 32, 100, 316)
_SOLVERS = {"mirror_descent": {"lr": 0.01}, "fictitious_play": {}}
_FIRST = 5  # iterations after which exploitability is shown
_SECONDS = 5.0


def define_flags() -> None:
    """Called when this is the program: tests import several scripts together."""
    flags.DEFINE_string("output_dir", "runs/benchmark", "Where the table goes.")
    flags.DEFINE_integer("largest", 100_000, "States of the largest game.")


def main(argv: list[str]) -> None:
    """Times all and prints the table."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}")
    text = benchmark(FLAGS.largest, pathlib.Path(FLAGS.output_dir))
    print(text)


def benchmark(largest: int, output: pathlib.Path, seconds: float = _SECONDS) -> str:
    """Times games of up to so many states; writes the table and returns it."""
    from table import Table
    from timing import measure

    command = ["python", "examples/benchmark/stationary_scaling.py", *sys.argv[1:]]
    table = Table(output / "stationary", shlex.join(command), NOTES, "stationary")
    for contest in tqdm.tqdm(list(contests(largest, seconds)), unit="contest"):
        (contender,) = contest.contenders
        timing = measure(contender.start, contest.compare_at, contender.seconds)
        table.add(contest, {contender: timing})
    return table.markdown()


def contests(largest: int, seconds: float) -> Iterator:
    """A contest for each game, criterion and solver."""
    from contests import Contender, Contest

    for side in _SIDES:
        room = f"mfg_exploration(layout=empty_{side}x{side},horizon=1)"
        chain = f"mfg_crowd_chain(num_states={side * side})"
        for game, actions in ((room, 5), (chain, 3)):
            for criterion in ("discounted", "ergodic"):
                for name in _SOLVERS:
                    if side * side > largest:
                        continue
                    start = functools.partial(started, game, criterion, name)
                    contender = Contender("stationary", game, start, seconds)
                    size = side * side, actions, 1
                    task = f"{name}, {criterion}"
                    yield Contest("", task, *size, _FIRST, (contender,))


def started(game: str, criterion: str, name: str) -> Callable[[], float]:
    """Sets a solver up: a function that iterates and gives the exploitability."""
    from algorithms import stationary

    discount = None if criterion == "ergodic" else 0.99
    model = stationary.StationaryModel(game, criterion, discount)
    solver = stationary.SOLVERS[name](model, **_SOLVERS[name])

    def iterate() -> float:
        solver.iteration()
        return solver.exploitability

    return iterate


if __name__ == "__main__":
    define_flags()
    app.run(main)
