"""Dynamics, which equal games share, cannot be changed once they are made."""

import copy
import functools
import gc
import pickle
import types

import numpy as np
import pyspiel
import pytest

from mfg_games.beach_bar import BeachBar
from mfg_games.dynamics import CommonNoise, Dynamics, make_dynamics
from mfg_games.immutable import make_read_only
from mfg_games.settings import SETTINGS, TESTING

TESTING_SETTINGS = [name for name, s in SETTINGS.items() if TESTING in s.tags]


class Remembering(BeachBar):
    """A beach bar that computes something on first use, and holds arrays in a list."""

    def __init__(self, size: int = 4):
        super().__init__(size=size, horizon=2)
        self._tables = [{"rewards": (np.zeros(3),)}]

    @functools.cached_property
    def costs(self) -> np.ndarray:
        return np.arange(self.num_actions)

    @functools.lru_cache  # noqa: B019 - what is tested
    def cost(self, action: int) -> int:
        return int(self.costs[action])


def arrays_of(thing):
    """All arrays that an object leads to, as the garbage collector sees it."""
    seen, left = {}, [vars(thing)]
    while left:
        each = left.pop()
        if id(each) not in seen and not isinstance(each, (type, types.ModuleType)):
            seen[id(each)] = each
            left += gc.get_referents(each)
            left += vars(each).values() if hasattr(each, "__dict__") else ()
    return [each for each in seen.values() if isinstance(each, np.ndarray)]


@pytest.mark.parametrize("name", TESTING_SETTINGS)
def test_no_array_of_a_game_can_be_written(name):
    arrays = arrays_of(SETTINGS[name].load().dynamics)
    assert arrays
    assert not any(array.flags.writeable for array in arrays)


def test_a_game_cannot_change_another():
    first, second = (pyspiel.load_game("mfg_exploration(horizon=3)") for _ in range(2))
    assert first.dynamics is second.dynamics
    before = second.dynamics.initial_distribution.copy()
    uniform = np.full(before.shape, 1 / before.size)
    with pytest.raises(AttributeError, match="`initial_laws` or a parameter"):
        first.dynamics.initial_distribution = uniform
    with pytest.raises(AttributeError, match=r"`initial_distribution` of Exploration"):
        first.dynamics.start_from(uniform[None])
    with pytest.raises(AttributeError, match="`horizon` of Exploration cannot be"):
        del first.dynamics.horizon
    with pytest.raises(ValueError, match="read-only"):
        first.dynamics.initial_distribution[0, 0] = 1.0
    np.testing.assert_array_equal(second.dynamics.initial_distribution, before)
    fresh = pyspiel.load_game("mfg_exploration(horizon=3)").dynamics
    np.testing.assert_array_equal(fresh.initial_distribution, before)


def test_common_noise_cannot_be_changed():
    source = np.array([0.5, 0.5])
    noise = CommonNoise.unroll([source], 0.0, lambda t, z, outcome: float(outcome))
    with pytest.raises(AttributeError, match="`values` of CommonNoise cannot be"):
        noise.values = None
    for array in (*noise.values, *noise.outcome_probabilities):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    source[0] = 1.0  # the author's own array is free, and the noise has a copy
    assert noise.outcome_probabilities[0].tolist() == [0.5, 0.5]


def test_what_is_computed_on_first_use_still_is():
    dynamics = make_dynamics(Remembering, {"size": 5})
    assert dynamics.costs is dynamics.costs
    assert not dynamics.costs.flags.writeable
    assert dynamics.cost(2) == 2
    assert not dynamics._tables[0]["rewards"][0].flags.writeable


def test_copies_and_pickles_are_the_same_game():
    dynamics = make_dynamics(Remembering, {"size": 5})
    assert copy.copy(dynamics) is copy.deepcopy(dynamics) is dynamics
    assert pickle.loads(pickle.dumps(dynamics)) is dynamics
    noise = pyspiel.load_game("mfg_beach_bar(closing_time=1)").dynamics.common_noise
    for twin in (copy.copy(noise), copy.deepcopy(noise)):
        np.testing.assert_array_equal(twin.values[2], noise.values[2])


def test_a_dynamics_of_ones_own_can_be_changed_until_it_is_a_game():
    own = BeachBar(size=3, horizon=2)
    own.horizon = 4
    assert isinstance(own, Dynamics) and own.horizon == 4


def test_arrays_are_found_wherever_they_are():
    class Slotted:
        __slots__ = ("array", "missing")

    class Holder:
        pass

    holder, slotted, base = Holder(), Slotted(), np.zeros((2, 2))
    slotted.array = np.zeros(1)
    holder.held, holder.view, holder.itself = [slotted], base[0], holder
    make_read_only({"a": (holder,)})
    assert not any(a.flags.writeable for a in (slotted.array, base, holder.view))
