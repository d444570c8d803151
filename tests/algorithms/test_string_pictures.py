"""Pictures of OpenSpiel's games, drawn from the strings of their nodes."""

import numpy as np
from open_spiel.python.mfg import games  # noqa: F401  registers OpenSpiel's games
from picture_data import images_of, uniform_distribution
import pyspiel
import pytest

from algorithms import pictures


@pytest.mark.parametrize(
    "name", ["mfg_crowd_modelling", "python_mfg_crowd_modelling", "mfg_garnet"]
)
def test_places_and_times_in_strings_give_a_heat_map(name):
    masses = uniform_distribution(pyspiel.load_game(name))
    (image,) = images_of(pictures.string_flow_figure(masses))
    assert image.shape == (10, 11)
    for x, t in np.ndindex(10, 10):
        assert image[x, t] == masses.get(f"({x}, {t})", 0.0)
        assert image[x, t + 1] == masses.get(f"({x}, {t + 1})_a", 0.0)


def test_cells_in_strings_give_frames_with_x_to_the_right():
    masses = {
        "initial": 1.0,
        "(1, 1, 0)": 1.0,
        "(1, 1, 0)_a_mu": 1.0,
        "(3, 1, 1)_a": 0.75,
        "(1, 2, 1)_a": 0.25,
    }
    nan = np.nan
    first, last = images_of(pictures.string_flow_figure(masses))
    np.testing.assert_array_equal(first, [[1, nan, 0], [0, nan, nan]])
    np.testing.assert_array_equal(last, [[0, nan, 0.75], [0.25, nan, nan]])


def test_predators_and_prey_have_rows():
    masses = uniform_distribution(pyspiel.load_game("python_mfg_predator_prey"))
    figure = pictures.string_flow_figure(masses)
    images = images_of(figure)
    assert len(images) == 3 * 8
    assert images[8][0, 4] == masses["(pop=1, t=0, pos=[4 0])"] == 1.0
    t = int(figure.axes[4].get_title()[4:])
    expected = masses[f"(pop=2, t={t}, pos=[1 3])"]
    assert images[20][3, 1] == expected > 0


def test_roads_are_named():
    masses = uniform_distribution(pyspiel.load_game("python_mfg_dynamic_routing"))
    figure = pictures.string_flow_figure(masses)
    (image,) = images_of(figure)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[::-1][0] == "O->A"
    assert names[::-1][-1] == "arrived"
    np.testing.assert_array_equal(image[names.index("A->B")][:5], [0, 0.5, 0.5, 0.5, 0])
    np.testing.assert_array_equal(image[names.index("arrived")], [0] * 8 + [1] * 3)


def test_of_many_named_places_the_most_visited_are_shown():
    masses = {f"place {i}, t=0": float(i) for i in range(40)}
    figure = pictures.string_flow_figure(masses)
    (image,) = images_of(figure)
    assert sorted(image[:, 0]) == list(range(16, 40))
    assert figure.axes[0].get_ylabel() == "the 24 most visited of 40 places"


def test_other_strings_give_bars_of_the_most_occupied_nodes():
    masses = {f"node {i}": 1 / (1 + abs(i - 30)) for i in range(60)}
    (ax,) = pictures.string_flow_figure(masses, title="Nodes").axes
    assert len(ax.patches) == 20
    assert max(bar.get_width() for bar in ax.patches) == 1.0
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [f"node {i}" for i in range(20, 40)]  # 20 and 40 are tied
    assert ax.get_xlabel() == "mass of the 20 most occupied of 60 nodes"


@pytest.mark.parametrize("masses", [{}, {"(0, 0)": 0.0}])
def test_no_mass_is_refused(masses):
    with pytest.raises(ValueError, match=r"above 0. Received: none"):
        pictures.string_flow_figure(masses)


@pytest.mark.parametrize("mass", [-0.5, np.nan, np.inf])
def test_bad_masses_are_refused(mass):
    with pytest.raises(ValueError, match=r"Received: .* at '\(1, 0\)'"):
        pictures.string_flow_figure({"(0, 0)": 1.0, "(1, 0)": mass})


def test_named_places_that_nobody_visits_are_left_out():
    masses = {"a, t=0": 1.0, "b, t=0": 0.0, "a, t=1": 0.25, "c, t=1": 0.75}
    figure = pictures.string_flow_figure(masses)
    labels = [label.get_text() for ax in figure.axes for label in ax.get_yticklabels()]
    labels += [text.get_text() for ax in figure.axes for text in ax.texts]
    legends = [ax.get_legend() for ax in figure.axes]
    labels += [t.get_text() for one in legends if one for t in one.get_texts()]
    shown = " ".join(labels)
    assert "a" in shown
    assert "c" in shown
    assert "b" not in shown
