"""Random inputs for all that users give: each is answered, or refused in one line.

    python -m tests.fuzz --kinds=games,options --scale=0.1 --seed=3

Each kind is a module that says how many inputs there are (`COUNT`) and how much time
one may take (`SECONDS`), draws an input from a random generator (`draw`), and tries it
(`attempt`, which returns whether it was refused).
"""

import pathlib
import sys

_TESTS = pathlib.Path(__file__).parents[1]
# For the helpers of other tests.
sys.path += [str(_TESTS / name) for name in ("algorithms", "examples")]
