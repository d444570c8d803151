"""Solvers of one game share their programs, and never their numbers."""

import collections

import pytest
import tensorflow as tf
from toy_dynamics import RANDOM_GAMES

from algorithms import catalogue, model
from algorithms.deep.deep_solver import DeepSolver
from algorithms.exploitability import exploitability
from algorithms.mirror_descent import MirrorDescent
from algorithms.model.compiled import Compiled
from algorithms.solver import Solver, Update

GAME = RANDOM_GAMES[0]
STOCHASTIC = {"episodes": 20, "batch_size": 10}

# Solver, options of a first one, and of a second one that differs in numbers alone.
RATES = [
    ("adaptive_mirror_descent", {}, {}),
    ("admm", {"lr": 0.05}, {"lr": 0.1}),
    ("boltzmann_policy_iteration", {"lr": 0.5}, {"lr": 2.0}),
    ("fictitious_play", {"temperature": 0.5}, {"temperature": 2.0}),
    ("fictitious_play", {}, {"lr": 0.3}),
    ("fixed_point", {"damping": 0.2}, {"damping": 0.5}),
    ("frank_wolfe", {}, {"step": "2/(k+2)"}),
    ("mean_field_psro", {"regret_steps": 2}, {"regret_steps": 3}),
    ("mf_omo", {"value_weight": 1.0}, {"value_weight": 2.0}),
    ("mf_omo", {"optimizer": "adam"}, {"optimizer": "adam", "slack_weight": 0.5}),
    ("mirror_descent", {"lr": 0.5}, {"lr": 1.5, "damping": 0.3}),
    (
        "munchausen_mirror_descent",
        {"lr": 1.0, "alpha": 0.9},
        {"lr": 0.5, "alpha": 0.5},
    ),
    ("particle_swarm", {"particles": 20}, {"particles": 20, "spread": 2.0}),
    ("policy_iteration", {"temperature": 0.5}, {"temperature": 2.0}),
    ("prior_descent", {"temperature": 0.5}, {"temperature": 2.0, "n_inner": 2}),
    ("proximal_gradient", {}, {"lr": 0.01}),
    ("q_learning_fictitious_play", STOCHASTIC, STOCHASTIC | {"seed": 1}),
    ("regularised_equilibrium", {"temperature": 0.5}, {"temperature": 2.0}),
    (
        "regularised_equilibrium",
        {"regulariser": "tsallis", "temperature": 0.5},
        {"regulariser": "tsallis", "temperature": 1.5, "damping": 0.5},
    ),
    ("sarsa_mirror_descent", STOCHASTIC, STOCHASTIC | {"lr": 0.5}),
    ("social_frank_wolfe", {"step": "1/(k+1)"}, {"step": "2/(k+2)"}),
    ("social_optimum", {}, {}),
    (
        "two_timescale_q_learning",
        {"crowds": 2, "temperature": 0.5},
        {"crowds": 2, "temperature": 2.0},
    ),
]

# Those whose second solver differs in the shape of its graph.
SHAPES = [
    ("fictitious_play", {}, {"temperature": 0.5}),
    ("frank_wolfe", {}, {"step": "line_search"}),
    ("frank_wolfe", {"step": "line_search"}, {"step": "line_search", "away_atoms": 3}),
    ("mf_omo", {}, {"optimizer": "adam"}),
    ("mirror_descent", {}, {"regulariser": "euclidean"}),
    (
        "mirror_descent",
        {"regulariser": "tsallis", "tsallis_order": 0.5},
        {"regulariser": "tsallis", "tsallis_order": 1.5},
    ),
    ("munchausen_mirror_descent", {"alpha": 1.0}, {"alpha": 0.5}),
    ("policy_iteration", {}, {"temperature": 0.5}),
    ("regularised_equilibrium", {}, {"regulariser": "euclidean"}),
]


# The others are alike, and tried by the slow tests.
QUICK = ("mirror_descent", "fictitious_play", "regularised_equilibrium")


def cases(table: list) -> list:
    """Cases for `parametrize`."""
    return [
        pytest.param(*case, marks=() if case[0] in QUICK else pytest.mark.slow)
        for case in table
    ]


def solved(name: str, options: dict) -> list[float]:
    """What a solver and the metrics say in and after three iterations."""
    solver = catalogue.solver_class(name).make(GAME, **options)
    found = []
    for _ in range(3):
        solver.iteration()
        found.append(solver.exploitability)
    found.append(getattr(solver, "regularised_exploitability", 0.0))
    return [*found, exploitability(solver.game, solver.get_policy())]


@pytest.fixture
def compilations(monkeypatch):
    """What has been compiled since, one entry each."""
    done = []
    compile_it = Compiled._compile

    def counted(self, *arguments):
        done.append(self)
        compile_it(self, *arguments)

    monkeypatch.setattr(Compiled, "_compile", counted)
    return done


@pytest.fixture
def forget(monkeypatch):
    """Makes every game's model anew, as in a fresh process."""
    return lambda: monkeypatch.setattr(model, "_recent", collections.OrderedDict())


def check(name: str, first: dict, second: dict, forget, compilations) -> int:
    """Solves by both, then by the second anew; what it compiled beside the first."""
    forget()
    before = solved(name, first)
    compilations.clear()
    shared = solved(name, second)
    count = len(compilations)
    assert solved(name, first) == before
    forget()
    assert solved(name, second) == shared
    assert (shared == before) == (first == second)
    return count


@pytest.mark.parametrize("name, first, second", cases(RATES))
def test_numbers_alone_need_no_other_programs(
    name, first, second, forget, compilations
):
    assert check(name, first, second, forget, compilations) == 0


@pytest.mark.parametrize("name, first, second", cases(SHAPES))
def test_other_shapes_are_other_programs(name, first, second, forget, compilations):
    assert check(name, first, second, forget, compilations) > 0


def test_every_exact_solver_is_tested():
    tested = {name for name, *_ in RATES}
    for name in catalogue.SOLVERS.keys() - tested:
        solver = catalogue.solver_class(name)
        assert issubclass(solver, DeepSolver) or not issubclass(solver, Solver), name


class Boasting(MirrorDescent):
    """Reads an attribute that its programs do not know of."""

    def __init__(self, game, boast: float):
        self._boast = boast
        super().__init__(game)

    def _update(self, state, step_size) -> Update:
        update = super()._update(state, step_size)
        boast = tf.cast(self._boast, tf.float64)
        totals = update.totals._replace(value=update.totals.value + boast)
        return update._replace(totals=totals)


class Honest(Boasting):
    graph_options = (*Boasting.graph_options, "_boast")


def test_what_is_not_declared_cannot_be_read():
    with pytest.raises(AttributeError, match=r"`Boasting\._boast`.*`graph_options`"):
        Boasting(GAME, 1.0).iteration()


def test_what_is_declared_is_each_solvers_own(compilations):
    plain, low, high = MirrorDescent(GAME), Honest(GAME, 1.0), Honest(GAME, 3.0)
    for solver, boast in ((low, 1.0), (high, 3.0)):
        assert solver.values == pytest.approx(plain.values + boast, abs=1e-12)
    assert len(compilations) <= 2


class Undecided(Honest):
    """Lets a number decide what is computed."""

    def _update(self, state, step_size) -> Update:
        return super()._update(state, step_size * 2 if self._boast > 2 else step_size)


def test_a_number_cannot_shape_a_graph():
    with pytest.raises(TypeError, match="bool"):
        Undecided(GAME, 3.0).iteration()


class Whole(Honest):
    """Its boast is a whole number, as which it may shape graphs."""

    def __init__(self, game, boast: int):
        super().__init__(game, boast)

    def _update(self, state, step_size) -> Update:
        assert not tf.is_tensor(self._boast)
        return super()._update(state, step_size)


def test_whole_numbers_are_part_of_the_program(compilations):
    plain = MirrorDescent(GAME)
    for boast in (1, 3):
        values = Whole(GAME, boast).values
        assert values == pytest.approx(plain.values + boast, abs=1e-12)
    assert len(compilations) in (2, 3)  # of the two, and of the plain one


def test_games_known_by_their_api_alone_work_alike():
    game = "mfg_crowd_modelling(size=4,horizon=3)"
    with pytest.raises(AttributeError, match=r"`Boasting\._boast`"):
        Boasting(game, 1.0).iteration()
    plain = MirrorDescent(game)
    assert Honest(game, 2.0).values == pytest.approx(plain.values + 2, abs=1e-12)
