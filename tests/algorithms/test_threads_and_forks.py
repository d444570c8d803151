"""One solver in several threads, and processes made while TensorFlow is in use."""

import concurrent.futures
import multiprocessing
import subprocess
import sys
import textwrap

import joblib
import pytest
import tensorflow as tf
from toy_dynamics import RANDOM_GAMES

from algorithms.exploitability import exploitability
from algorithms.fictitious_play import FictitiousPlay
from algorithms.mirror_descent import MirrorDescent
from algorithms.model import load_model
from algorithms.model.compiled import Compiled

ENUMERATED = "mfg_crowd_modelling(size=4,horizon=4)"
THREADS = 4


def in_threads(function, *arguments):
    """Runs a function in several threads at once; what each one returned."""
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        tasks = [pool.submit(function, *arguments) for _ in range(THREADS)]
        return [task.result() for task in tasks]


@pytest.mark.parametrize("game", [RANDOM_GAMES[0], ENUMERATED])
def test_iterations_in_threads_are_iterations_one_after_another(game):
    shared, alone = FictitiousPlay(game), FictitiousPlay(game)

    def iterate():
        for _ in range(5):
            shared.iteration()
            assert shared.exploitability >= -1e-12

    in_threads(iterate)
    for _ in range(5 * THREADS):
        alone.iteration()
    assert shared.num_iterations == 5 * THREADS
    assert shared.exploitability == alone.exploitability
    policies = [solver.get_policy().probabilities for solver in (shared, alone)]
    assert (policies[0] == policies[1]).all()


@pytest.mark.parametrize("game", [RANDOM_GAMES[0], ENUMERATED])
def test_solvers_of_one_game_in_threads(game):
    def solved():
        solver = MirrorDescent(game, lr=0.5)
        for _ in range(3):
            solver.iteration()
        return solver.exploitability, exploitability(game, solver.get_policy())

    expected = solved()
    assert in_threads(solved) == [expected] * THREADS


def test_a_program_is_compiled_by_one_thread():
    traces = []

    def twice(x):
        traces.append(x)
        return 2 * x

    function = Compiled(twice)
    results = in_threads(function, tf.constant(3.0))
    assert [float(result) for result in results] == [6.0] * THREADS
    assert len(traces) == 1


def in_a_fork(task) -> str:
    """What a task says that runs in a child forked from this process."""
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:
        return pool.apply_async(task).get(timeout=60)


def error_of(function) -> str:
    try:
        function()
    except RuntimeError as error:
        return str(error)
    return "no error"


SOLVERS = [MirrorDescent(game) for game in (RANDOM_GAMES[0], ENUMERATED)]


@pytest.mark.filterwarnings("ignore:This process")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    "use",
    [
        lambda solver: solver.iteration(),
        lambda solver: solver.exploitability,
        lambda solver: solver.get_policy(),
        lambda solver: solver.state,
        lambda solver: MirrorDescent(solver.game),
        lambda solver: exploitability(solver.game, None),
        lambda solver: solver.model.compiled_distribution(None),
    ],
)
def test_a_forked_process_is_told_so(solver, use, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "_task", lambda: use(solver))
    found = in_a_fork(_error_of_the_task)
    assert found.startswith("This process was forked after TensorFlow had been used")
    assert "\n" not in found


def _task():
    """Set before a process is forked, which inherits it."""


def _error_of_the_task() -> str:
    return error_of(_task)


@pytest.mark.slow
def test_a_process_forked_before_tensorflow_is_used_solves():
    script = """
        import multiprocessing
        from algorithms.mirror_descent import MirrorDescent

        def solved(lr):
            solver = MirrorDescent("mfg_left_right", lr=lr)
            solver.iteration()
            return solver.exploitability

        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(1) as pool:
                found = pool.apply_async(solved, (0.5,)).get(timeout=100)
            assert found == solved(0.5)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    subprocess.run(command, check=True, timeout=200)


def _solved(lr: float) -> float:
    solver = MirrorDescent("mfg_left_right", lr=lr)
    solver.iteration()
    return solver.exploitability


@pytest.mark.slow
def test_joblib_works_after_tensorflow_was_used():
    load_model("mfg_left_right")
    rates = (0.5, 2.0)
    found = joblib.Parallel(n_jobs=2)(joblib.delayed(_solved)(lr) for lr in rates)
    assert found == pytest.approx([_solved(lr) for lr in rates], abs=1e-12)
