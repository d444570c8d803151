"""Families of initial distributions, and games that start from them."""

import copy
import pickle

import numpy as np
import pyspiel
import pytest

from mfg_games.conformance import check_game
from mfg_games.initial_laws import initial_laws, separate
from mfg_games.nodes import Node

LINE = np.arange(20)[:, None]
OWN = np.eye(20)[[3]]


def drawn(family: str, own=OWN, coordinates=LINE, shape=(20,)) -> np.ndarray:
    laws = initial_laws(family, own, coordinates, shape)
    assert (laws >= 0).all()
    np.testing.assert_allclose(laws.sum(axis=2), 1, rtol=1e-12)
    return laws


def test_parts_are_joined_in_their_order():
    laws = drawn("uniform+own+points:2")
    assert laws.shape == (4, 1, 20)
    np.testing.assert_array_equal(laws[0], 1 / 20)
    np.testing.assert_array_equal(laws[1], OWN)
    np.testing.assert_array_equal(np.sort(laws[2:], axis=2)[..., -1], 1)


def test_a_gaussian_is_one():
    """The logarithm of its density is a parabola of its width around its mean."""
    for law in drawn("gaussians:30")[:, 0]:
        mean = np.argmax(law)
        log = np.log(law[max(mean - 2, 0) : mean + 3])
        curvature = np.diff(log, 2)
        np.testing.assert_allclose(curvature, curvature[0], rtol=1e-6)
        width = np.sqrt(-1 / curvature[0]) / 20
        assert 0.05 <= width <= 0.3


def test_a_gaussian_in_a_plane_knows_walls_by_their_states():
    """Each factor's width is the same share of its size."""
    cells = np.array([(r, c) for r in range(4) for c in range(8) if (r, c) != (1, 2)])
    own = np.full((1, len(cells)), 1 / len(cells))
    for law in drawn("gaussians:10:5", own, cells, (4, 8))[:, 0]:
        center = cells[np.argmax(law)]
        squares = (((cells - center) / (4, 8)) ** 2).sum(axis=1)
        far = squares > 0
        precision = -2 * np.log(law[far] / law.max()) / squares[far]
        np.testing.assert_allclose(precision, precision[0], rtol=1e-6)


def test_a_mixture_has_more_than_one_top():
    tops = [
        ((law[1:-1] > law[:-2]) & (law[1:-1] > law[2:])).sum()
        for law in drawn("mixtures:40:2")[:, 0]
    ]
    assert max(tops) in (2, 3)


def test_dirichlet_laws_are_uniform_over_all_laws():
    """Each state's share has mean 1 / S and variance (S - 1) / (S^2 (S + 1))."""
    shares = drawn("dirichlet:4000")[:, 0]
    variance = 19 / (400 * 21)
    assert np.abs(shares.mean(axis=0) - 1 / 20).max() < 5 * np.sqrt(variance / 4000)
    np.testing.assert_allclose(shares.var(axis=0).mean(), variance, rtol=0.05)


@pytest.mark.parametrize("kind", ["gaussians", "mixtures", "dirichlet", "points"])
def test_seeds_and_counts(kind):
    few, many, other = (drawn(f"{kind}:{part}") for part in ("3", "6:0", "6:1"))
    np.testing.assert_array_equal(few, many[:3])
    assert (many != other).any()
    np.testing.assert_array_equal(drawn(kind), few[:1])


def test_a_family_can_be_taken_apart():
    family = "uniform+gaussians:3:7:1+own+dirichlet:2"
    names = separate(family)
    assert names[:3] == ["uniform", "gaussians:1:7:1", "gaussians:1:7:2"]
    apart = np.concatenate([drawn(name) for name in names])
    np.testing.assert_array_equal(apart, drawn(family))
    with pytest.raises(ValueError, match="gauss"):
        separate("gauss")


def test_populations_have_laws_of_their_own():
    laws = drawn("gaussians:2", own=np.repeat(OWN, 2, axis=0))
    assert laws.shape == (2, 2, 20)
    assert (laws[:, 0] != laws[:, 1]).any()


@pytest.mark.parametrize(
    "family",
    ["gauss:2", "own:2", "points:0", "points:-1", "points:1:2:3:4", "own+", " "],
)
def test_errors_name_the_family(family):
    with pytest.raises(ValueError, match=r"initial_laws.*parts") as error:
        drawn(family)
    assert repr(family) in str(error.value)


# ---- games ---------------------------------------------------------------------------

FAMILY = "mfg_beach_bar(size=6,horizon=3,initial_laws=gaussians:3)"


def test_the_start_draws_a_law_and_a_state_in_it():
    game = pyspiel.load_game(FAMILY)
    laws = game.dynamics.initial_laws
    state = game.new_initial_state()
    outcomes = dict(state.chance_outcomes())
    assert outcomes == pytest.approx(
        {b * 6 + x: laws[b, 0, x] / 3 for b in range(3) for x in range(6)}
    )
    state.apply_action(2 * 6 + 4)
    assert str(state) == "t=0 x=4 law=2"
    np.testing.assert_array_equal(state.mean_field, laws[2])
    support = game.names.support(Node.MEAN_FIELD, 1, 2)
    assert [name.split()[2] for name in support] == ["law=2"] * 6


def test_observations_show_the_distribution_and_not_the_law():
    game = pyspiel.load_game(FAMILY)
    state = game.new_initial_state()
    state.apply_action(1 * 6 + 4)
    observer = game.make_py_observer()
    observer.set_from(state, 0)
    assert list(observer.dict) == ["x", "t", "mean_field"]
    np.testing.assert_allclose(
        observer.dict["mean_field"], game.dynamics.initial_laws[1, 0], rtol=1e-6
    )


def test_one_law_replaces_the_initial_distribution():
    game = pyspiel.load_game("mfg_beach_bar(size=6,initial_laws=points:1:4)")
    expected = drawn("points:1:4", np.full((1, 6), 1 / 6), LINE[:6], (6,))
    np.testing.assert_array_equal(game.dynamics.initial_distribution, expected[0])
    assert game.dynamics.common_noise is None


def test_strings_and_copies_keep_the_family():
    game = pyspiel.load_game(FAMILY)
    assert "initial_laws=gaussians:3" in str(game)
    for other in (
        pyspiel.load_game(str(game)),
        copy.deepcopy(game),
        pickle.loads(pickle.dumps(game)),
    ):
        np.testing.assert_array_equal(
            other.dynamics.initial_laws, game.dynamics.initial_laws
        )
    assert "initial_laws" not in str(pyspiel.load_game("mfg_beach_bar"))


@pytest.mark.parametrize(
    "game",
    [
        FAMILY,
        "mfg_beach_bar(size=5,horizon=3,closing_time=1,closing_probability=0.5,"
        "initial_laws=own+points:2)",
        "mfg_predator_prey(size=3,horizon=2,initial_laws=dirichlet:2:1)",
        "mfg_price_impact(horizon=2,initial_laws=own+uniform)",
    ],
)
def test_families_conform(game):
    check_game(game)


def test_a_wrong_family_is_refused_by_the_game():
    with pytest.raises(Exception, match="initial_laws"):
        pyspiel.load_game("mfg_beach_bar(initial_laws=gauss)")
