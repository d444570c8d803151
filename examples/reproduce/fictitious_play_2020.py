"""Reproduces Perrin et al. 2020, Fictitious Play for Mean Field Games.

    python examples/reproduce/fictitious_play_2020.py --fast
    python examples/reproduce/fictitious_play_2020.py

Solves the linear-quadratic game, the beach bar and both with common noise by fictitious
play, with exact best responses (model-based) and with ones learnt by tabular Q-learning
(model-free), draws the paper's figures and checks its claims. The exit status is 1 if
a claim fails.

A finer grid and a smaller time step approach the continuous linear-quadratic game. The
game's grid has spacing 1, so a grid s times as fine is the same game in units s times
as small: lengths, volatility and actions are multiplied by s, rewards thus by s^2, and
dt is divided by s.
"""

from __future__ import annotations

import pathlib
import sys

from absl import app, flags
import claims
from fp2020_experiments import FAST, FULL
from fp2020_report import reproduce

FLAGS = flags.FLAGS
flags.DEFINE_bool("fast", False, "Fewer iterations and a smaller tree: 3 minutes.")
flags.DEFINE_integer("seed", 0, "Seed of the Q-learning.", lower_bound=0)
flags.DEFINE_string("output_dir", "runs/fictitious_play_2020", "Where results go.")


def main(argv: list[str]) -> None:
    """Runs the experiments, writes everything and prints the claims."""
    if len(argv) > 1:
        sys.exit(f"Unexpected arguments: {argv[1:]}.")
    command = " ".join(["python", *sys.argv])
    output = pathlib.Path(FLAGS.output_dir)
    found = reproduce(FAST if FLAGS.fast else FULL, FLAGS.seed, output, command)
    print(claims.table(found))
    sys.exit(0 if all(claim.passed for claim in found) else 1)


if __name__ == "__main__":
    app.run(main)
