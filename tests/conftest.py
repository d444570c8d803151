"""XLA for the tests that are about it, TensorFlow's own graphs for all others."""

import pathlib

import pytest

_GAMES = pathlib.Path(__file__).parent / "mfg_games"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Chooses before any fixture runs, those of whole modules included.

    XLA's compilation outlasts most tests: only those marked `xla` or `slow` have it.
    """
    if _GAMES in item.path.parents:  # which need no solvers, nor TensorFlow
        return
    from algorithms.model.compiled import Compiled

    Compiled.xla = bool({"xla", "slow"} & set(item.keywords))
