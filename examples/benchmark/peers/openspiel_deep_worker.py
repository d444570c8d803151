"""Times OpenSpiel's deep mirror descent in its own interpreter.

`remote.py` starts it with the case as JSON: "task", "game" and its "parameters", the
arguments of the "agent", and how many "episodes" and "updates" an iteration has. For
each line on standard input, the seconds of a round, it prints a `Timing` as JSON.

The tasks are those of one iteration of `DeepOnlineMirrorDescent` without its update of
the population: "acting", playing and remembering without an update; "learning", updates
without a move; "loop", all of it.
"""

from __future__ import annotations

from collections.abc import Callable
import dataclasses
import json
import math
import sys

from open_spiel.python import policy, rl_environment
from open_spiel.python.mfg.algorithms import distribution
from open_spiel.python.mfg.algorithms.munchausen_deep_mirror_descent import (
    MunchausenDQN,
)
import pyspiel
from timing import Stopwatch

ENOUGH = 1000  # remembered moves, before which OpenSpiel's agent does not learn


def main() -> None:
    """Answers until standard input ends."""
    case = json.loads(sys.argv[1])
    stopwatch = Stopwatch(lambda: start(case), 1)
    for line in sys.stdin:
        timing = stopwatch.run(float(line))
        print(json.dumps(dataclasses.asdict(timing)), flush=True)


def start(case: dict) -> Callable[[], float]:
    """A task, everything compiled and enough moves remembered."""
    env = environment(pyspiel.load_game(case["game"], case["parameters"]))
    options = dict(case["agent"])
    if case["task"] == "acting":
        options["learn_every"] = sys.maxsize
    agent = MunchausenDQN(
        0,
        env.observation_spec()["info_state"][0],
        env.action_spec()["num_actions"],
        **options,
    )
    remembered = 0
    while remembered < ENOUGH:
        remembered += play(env, agent)
    agent.learn()

    def learn() -> float:
        for _ in range(case["updates"]):
            loss = agent.learn()
        return float(loss)

    def act() -> float:
        for _ in range(case["episodes"]):
            play(env, agent)
        return math.nan if agent.loss is None else float(agent.loss)

    return learn if case["task"] == "learning" else act


def environment(game: pyspiel.Game) -> rl_environment.Environment:
    """Players in the population that plays uniformly."""
    uniform = policy.UniformRandomPolicy(game)
    return rl_environment.Environment(
        game,
        mfg_distribution=distribution.DistributionPolicy(game, uniform),
        mfg_population=0,
        observation_type=rl_environment.ObservationType.OBSERVATION,
    )


def play(env: rl_environment.Environment, agent: MunchausenDQN) -> int:
    """One episode, as `DeepOnlineMirrorDescent` plays it; the number of moves."""
    moves = 0
    step = env.reset()
    while not step.last():
        step = env.step([agent.step(step).action])
        moves += 1
    agent.step(step)
    return moves


if __name__ == "__main__":
    main()
