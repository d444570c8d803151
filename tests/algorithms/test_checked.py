"""Arguments of solvers are what they are declared to be; numbers may be NumPy's."""

import dataclasses
import json
import math

import numpy as np
import pyspiel
import pytest

from algorithms import catalogue, checkpoint
from algorithms.checked import Checked
from algorithms.deep.config import NetworkConfig, changed
from algorithms.deep.response_solver import ResponseConfig
from algorithms.fictitious_play import FictitiousPlay
from algorithms.q_learning import QLearningFictitiousPlay
from algorithms.run import run
import mfg_games  # noqa: F401 (registers)

GAME = "mfg_sis(horizon=4)"

# Pairs of equal numbers, one of NumPy's.
MADE = {
    "float32": lambda half, three: FictitiousPlay(GAME, lr=np.float32(half)),
    "float64": lambda half, three: FictitiousPlay(GAME, lr=np.float64(half)),
    "an array": lambda half, three: FictitiousPlay(GAME, lr=np.array(half)),
    "int64": lambda half, three: QLearningFictitiousPlay(
        GAME, seed=np.int64(three), episodes=np.int32(500)
    ),
}
EQUAL = {
    "int64": lambda: QLearningFictitiousPlay(GAME, seed=3, episodes=500),
}


@pytest.mark.parametrize("name", MADE)
def test_numbers_of_numpy_are_numbers(tmp_path, name):
    solver = MADE[name](0.5, 3)
    expected = EQUAL.get(name, lambda: FictitiousPlay(GAME, lr=0.5))()
    assert json.dumps(solver.parameters) == json.dumps(expected.parameters)
    path = tmp_path / "checkpoint.npz"
    history = run(solver, np.int64(2), checkpoint_path=path, progress=False).history
    values = [record.exploitability for record in history]
    for value in values[:-1]:
        assert expected.exploitability == value
        expected.iteration()
    assert expected.exploitability == values[-1]
    checkpoint.load(path, expected)  # which is the same run


WRONG = (math.nan, -math.inf, np.float32("nan"), [0.5])


@pytest.mark.parametrize("algorithm", catalogue.SOLVERS)
def test_options_of_another_type_are_refused_by_name(algorithm):
    solver = catalogue.solver_class(algorithm)
    for name, default in solver.options().items():
        values = WRONG if isinstance(default, bool) else (*WRONG, True, np.bool_(True))
        if name == "device":
            continue
        for value in values:
            with pytest.raises(ValueError, match=name) as caught:
                solver.make(GAME, **{name: value})
            assert len(str(caught.value).splitlines()) == 1


def test_an_error_names_the_option_that_was_given():
    solver = catalogue.solver_class("deep_fictitious_play")
    for name, value in {"dqn_clip_norm": -1.0, "planning_law_width": 0}.items():
        with pytest.raises(ValueError, match=f"^`{name}` must be .*: {name}={value}"):
            solver.make(GAME, **{name: value})
    family = {"unseen": "unknown:3"}
    with pytest.raises(ValueError, match=r"^`unseen` must be .*: unseen='unknown:3'"):
        catalogue.solver_class("master_fictitious_play").make(
            f"{GAME[:-1]},initial_laws=own+uniform)", **family
        )


@dataclasses.dataclass(frozen=True)
class Options(metaclass=Checked):
    count: int = 1
    share: float = 0.5
    whether: bool = False
    word: str | None = None
    table: dict[str, float] = dataclasses.field(default_factory=dict)


def test_values_of_the_declared_types_are_taken():
    given = Options(np.int8(3), np.array(2), np.bool_(True), np.str_("a"), {"b": 1.0})
    assert dataclasses.astuple(given) == (3, 2, True, "a", {"b": 1.0})
    assert [type(value) for value in dataclasses.astuple(given)[:4]] == [
        int,
        float,
        bool,
        str,
    ]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({"count": 1.0}, "an integer"),
        ({"count": True}, "an integer"),
        ({"count": "1"}, "an integer"),
        ({"share": math.inf}, "a finite number"),
        ({"share": None}, "a number"),
        ({"share": np.zeros(1)}, "a number"),
        ({"share": np.complex64(1)}, "a number"),
        ({"whether": 1}, "true or false"),
        ({"word": 3}, "a word or none"),
    ],
)
def test_values_of_other_types_are_refused(given, allowed):
    (name,) = given
    with pytest.raises(ValueError, match=f"^`{name}` must be {allowed}. Received: "):
        Options(**given)


def test_parameters_of_games_may_be_numbers_of_numpy():
    game = pyspiel.load_game(GAME)
    given = {"horizon": np.int64(4), "recovery": np.float32(0.5)}
    expected = pyspiel.load_game("mfg_sis", {"horizon": 4, "recovery": 0.5})
    assert type(game)(given).get_parameters() == expected.get_parameters()
    for value in (True, 4.0, np.float64(4), None, "4"):
        with pytest.raises(ValueError, match="`horizon` must be an integer"):
            type(game)({"horizon": value})


def test_integers_become_the_floats_that_are_declared():
    made = NetworkConfig(learning_rate=1, width=np.int8(3))
    assert type(made.learning_rate) is float
    assert type(made.width) is int
    with pytest.raises(ValueError, match="`learning_rate` must be above 0"):
        NetworkConfig(learning_rate=10**400)


def test_related_options_are_named_as_they_are_given():
    config = ResponseConfig()
    both = r"`best_of_n_n` .* 1\.\.`best_of_n_group_size`"
    with pytest.raises(ValueError, match=both):
        changed(config, {"best_of_n_group_size": 1})
