"""Seeds of the learners; XLA for tests that are about it, plain graphs for others."""

import pathlib
import signal

import pytest

_GAMES = pathlib.Path(__file__).parent / "mfg_games"

# A shell starts what runs in the background deaf to Ctrl-C, and so would all be that
# these tests start and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--seeds", type=int, default=1, help="of each test of a learner")
    parser.addoption("--xla", action="store_true", help="compile all tests by XLA")


def pytest_generate_tests(metafunc):
    """A test of what is learnt from random numbers takes their seed, `seed`.

    What it asserts must hold for each seed, since the arithmetic of another processor
    changes the outcome as much as another seed does. A fixture may take it too.
    """
    if "seed" in metafunc.fixturenames:
        seeds = range(metafunc.config.option.seeds)
        marked = [pytest.param(seed, marks=pytest.mark.learner) for seed in seeds]
        metafunc.parametrize("seed", marked, scope="session", ids="seed{}".format)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Chooses before any fixture runs, those of whole modules included.

    XLA's compilation outlasts most tests: only those marked `xla` or `slow` have it.
    """
    if _GAMES in item.path.parents:  # which compile no solver
        return
    from algorithms.model.compiled import Compiled

    compiled = {"xla", "slow"} & set(item.keywords)
    Compiled.xla = item.config.option.xla or bool(compiled)
