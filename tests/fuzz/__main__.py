"""Tries random inputs of all kinds, and prints what came of them."""

import argparse
import sys

from . import kinds, trying


def main() -> int:
    """The exit status: 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of all inputs")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the counts")
    names = ",".join(kinds.KINDS)
    parser.add_argument("--kinds", default=names, help=f"some of {names}")
    given = parser.parse_args()
    chosen = given.kinds.split(",")
    if unknown := set(chosen) - kinds.KINDS.keys():
        parser.error(f"unknown kinds: {', '.join(sorted(unknown))}")
    print(trying.Counts.header(), flush=True)
    failed = 0
    for name in chosen:
        kind = kinds.load(name)
        count = max(1, round(given.scale * kind.COUNT))
        counts = trying.try_all(kind, count, given.seed)
        print(counts.row(name), flush=True)
        failed += counts.failed
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
