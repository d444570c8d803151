"""Pictures: the masses in them, panels, walls, noise paths, files, bad input."""

import itertools
import os

import numpy as np
from picture_data import images_of, line, plane, random_layers, uniform_distribution
import pyspiel
import pytest

from algorithms import pictures
from algorithms.model import load_model
from algorithms.pictures.frames import frame_times
from algorithms.pictures.geometry import likeliest
from mfg_games.dynamics import CommonNoise
from mfg_games.nodes import Node

# Two outcomes before time 1 and two before time 3; a history is its outcomes.
LAWS = [[0.25, 0.75], [1.0], [0.5, 0.5]]
NOISE = CommonNoise.unroll(LAWS, 0, lambda t, z, outcome: 2 * z + outcome)


# ---- exploitability ------------------------------------------------------------------


def test_curves_hold_the_numbers_and_mark_the_best_iterate():
    curves = {"a": ([0, 1, 2], [4.0, 0.5, 2.0]), "b": ([0, 10], [3.0, 1.0])}
    (ax,) = pictures.exploitability_figure(curves, title="Two").axes
    first, second = ax.get_lines()
    np.testing.assert_array_equal(first.get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(first.get_ydata(), [4.0, 0.5, 2.0])
    assert (first.get_markevery(), second.get_markevery()) == ([1], [1])
    assert first.get_color() != second.get_color()
    assert first.get_linestyle() != second.get_linestyle()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["a (best 0.5 at 1)", "b (best 1 at 10)"]
    assert ax.figure.get_suptitle() == "Two"
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "log")


def test_zeros_and_negatives_are_drawn_at_the_floor():
    curve = ([0, 1, 2], [1.0, 0.0, -1e-17])
    (ax,) = pictures.exploitability_figure({"a": curve}, floor=1e-6).axes
    curve, floor = ax.get_lines()
    np.testing.assert_array_equal(curve.get_ydata(), [1.0, 1e-6, 1e-6])
    np.testing.assert_array_equal(floor.get_ydata(), [1e-6, 1e-6])
    assert "1e-06 or less" in [text.get_text() for text in ax.texts]


def test_linear_iterations_a_single_point_and_many_curves(tmp_path):
    point = ([0], [0.0])
    figure = pictures.exploitability_figure({"a": point}, log_iterations=False)
    assert figure.axes[0].get_xscale() == "linear"
    pictures.save(figure, tmp_path / "point.png")
    many = {f"curve {i}": ([0, 5], [1.0, 0.1 * i]) for i in range(9)}
    lines = pictures.exploitability_figure(many).axes[0].get_lines()[:9]
    looks = {(line.get_color(), line.get_linestyle()) for line in lines}
    assert len(looks) == 9


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        (([0, 1], [1.0]), r"'a' .* Received shapes: \(2,\), \(1,\)"),
        (([], []), "one at least"),
        (([0, 1], [1.0, np.nan]), "'a' must hold finite numbers"),
        (([0, np.inf], [1.0, 1.0]), "'a' must hold finite numbers"),
        (([-1, 1], [1.0, 1.0]), "0 or more. Received: -1"),
    ],
)
def test_bad_curves_are_refused(curve, message):
    with pytest.raises(ValueError, match=message):
        pictures.exploitability_figure({"good": ([0], [1.0]), "a": curve})


def test_no_curves_and_a_bad_floor_are_refused():
    with pytest.raises(ValueError, match="`curves`"):
        pictures.exploitability_figure({})
    with pytest.raises(ValueError, match="`floor` must be above 0"):
        pictures.exploitability_figure({"a": ([0], [1.0])}, floor=0.0)


# ---- flows ---------------------------------------------------------------------------


def test_a_line_is_a_heat_map_of_time_and_place():
    layers = random_layers((1, 1, 6), times=4)
    (image,) = images_of(pictures.flow_figure(layers, line(6)))
    np.testing.assert_array_equal(image, np.concatenate(layers)[:, 0].T)


def test_populations_stand_side_by_side():
    layers = random_layers((1, 3, 5), times=4)
    figure = pictures.flow_figure(layers, line(5, num_populations=3))
    images = images_of(figure)
    np.testing.assert_array_equal(images, np.concatenate(layers).transpose(1, 2, 0))
    rows = {round(ax.get_position().y0, 6) for ax in figure.axes[:3]}
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert len(rows) == 1
    assert titles == ["population 0", "population 1", "population 2"]
    limits = {ax.images[0].get_clim() for ax in figure.axes[:3]}
    assert len(limits) == 1


@pytest.mark.parametrize("places", [3, 9])
def test_many_populations_are_wrapped(places):
    layers = random_layers((1, 5, places), times=4)
    figure = pictures.flow_figure(layers, line(places, num_populations=5))
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in panels] == [f"population {i}" for i in range(5)]
    assert [bool(ax.get_xlabel()) for ax in panels] == [False, False, True, True, True]


def test_a_long_title_is_broken_into_lines():
    layers = random_layers((1, 1, 9), times=4)
    for geometry in (line(9), plane(3, 3)):
        title = pictures.flow_figure(layers, geometry, "x" * 200).get_suptitle()
        assert title.replace("\n", "") == "x" * 200
        assert max(map(len, title.split("\n"))) < 100


def test_each_noise_path_has_a_panel_from_the_start_to_the_end():
    layers = [
        np.multiply.outer(p, np.full((1, 5), 0.1) + 0.5 * np.eye(5)[[t]])
        for t, p in enumerate(NOISE.history_probabilities)
    ]
    layers[1][1] = 0.75 * np.eye(5)[4]  # after outcome 1 all are in 4 at time 1
    figure = pictures.flow_figure(layers, line(5, common_noise=NOISE))
    images = images_of(figure)
    shared = np.full((5, 4), 0.1) + 0.5 * np.eye(5, 4)
    moved = shared.copy()
    moved[:, 1] = np.eye(5)[4]
    for image, expected in zip(images, [shared, shared, moved, moved], strict=True):
        np.testing.assert_allclose(image, expected, rtol=1e-12)
    assert [ax.get_title() for ax in figure.axes[:4]] == [
        "noise 0.0, probability 0.125",
        "noise 0.1, probability 0.125",
        "noise 1.0, probability 0.375",
        "noise 1.1, probability 0.375",
    ]
    drawn = [rule.get_xdata()[0] for rule in figure.axes[0].get_lines()]
    assert drawn == [0.5, 2.5]


def test_only_the_likeliest_noise_paths_are_drawn_and_the_title_says_so():
    layers = [
        np.outer(p, np.full(5, 0.2))[:, None] for p in NOISE.history_probabilities
    ]
    figure = pictures.flow_figure(
        layers, line(5, common_noise=NOISE), title="Few", max_branches=2
    )
    assert len(images_of(figure)) == 2
    assert figure.get_suptitle() == "Few\n2 of 4 paths of the common noise"
    assert [ax.get_title()[:9] for ax in figure.axes[:2]] == ["noise 1.0", "noise 1.1"]


def test_a_flow_may_end_early():
    layers = [
        np.outer(p, np.full(5, 0.2))[:, None] for p in NOISE.history_probabilities
    ]
    figure = pictures.flow_figure(layers[:3], line(5, common_noise=NOISE))
    assert [ax.get_title() for ax in figure.axes[:2]] == [
        "noise 0, probability 0.25",
        "noise 1, probability 0.75",
    ]


def test_likeliest_spreads_over_ties():
    assert likeliest(np.array([0.2, 0.5, 0.3]), 3) == [0, 1, 2]
    assert likeliest(np.array([0.2, 0.5, 0.3]), 2) == [1, 2]
    assert likeliest(np.full(8, 1 / 8), 4) == [0, 2, 5, 7]
    assert likeliest(np.array([0.1, 0.1, 0.6, 0.1, 0.1]), 3) == [0, 2, 4]


def test_few_states_are_lines_with_names():
    layers = random_layers((1, 2, 3), times=6)
    figure = pictures.flow_figure(layers, line(3, num_populations=2))
    assert len(figure.axes) == 2
    for population, ax in enumerate(figure.axes):
        for x, curve in enumerate(ax.get_lines()):
            expected = [layer[0, population, x] for layer in layers]
            np.testing.assert_array_equal(curve.get_ydata(), expected)
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["x = 0", "x = 1", "x = 2"]


def test_a_plane_is_shown_in_frames_with_walls():
    free = np.array([[0, 0], [0, 2], [1, 0], [1, 1], [1, 2]])  # (0, 1) is a wall
    geometry = pictures.Geometry((2, 3), free, ("row", "column"))
    layers = random_layers((1, 1, 5), times=4)
    figure = pictures.flow_figure(layers, geometry)
    images = images_of(figure)
    assert len(images) == 4
    for image, layer in zip(images, layers, strict=True):
        a, b, c, d, e = layer[0, 0]
        np.testing.assert_array_equal(image, [[a, np.nan, b], [c, d, e]])
    titles = [ax.get_title() for ax in figure.axes[:4]]
    assert titles == ["t = 0", "t = 1", "t = 2", "t = 3"]
    assert "log scale" in figure.axes[-1].get_ylabel()
    colours = figure.axes[0].images[0]
    wall, crowd = colours.cmap(colours.norm(np.ma.masked_invalid([np.nan, a])))
    assert max(wall[:3]) < 0.4
    assert max(crowd[:3]) > 0.4


def test_populations_and_paths_on_a_plane_are_rows_of_frames():
    layers = [
        np.multiply.outer(p, np.eye(6)[[t % 6, 5]])
        for t, p in enumerate(NOISE.history_probabilities)
    ]
    geometry = plane(2, 3, num_populations=2, common_noise=NOISE)
    figure = pictures.flow_figure(layers, geometry, max_branches=3)
    images = images_of(figure)
    assert len(images) == 3 * 2 * 4
    np.testing.assert_array_equal(images[1], [[0, 1, 0], [0, 0, 0]])
    np.testing.assert_array_equal(images[5], [[0, 0, 0], [0, 0, 1]])
    heading = figure.axes[12].get_ylabel()
    assert heading == "population 1\nnoise 1.0\nprobability 0.375"


def test_further_factors_are_summed_over():
    cells = np.array(list(itertools.product(range(2), range(3), range(2))))
    geometry = pictures.Geometry((2, 3, 2), cells, ("row", "column", "mood"))
    layers = random_layers((1, 1, 12), times=2)
    figure = pictures.flow_figure(layers, geometry, title="Moods")
    expected = layers[1].reshape(2, 3, 2).sum(-1)
    np.testing.assert_allclose(images_of(figure)[1], expected, rtol=1e-12)
    assert figure.get_suptitle() == "Moods\nsummed over mood"


def test_frames_show_a_crowd_while_it_moves():
    resting = np.tile(np.eye(3)[0], (41, 1))
    assert frame_times(resting) == [0, 6, 11, 17, 23, 29, 34, 40]
    moving = resting.copy()
    moving[10:20] = np.eye(3)[1:].repeat(5, axis=0)  # moves at 9, 14 and 19
    times = frame_times(moving)
    assert sum(9 <= t <= 20 for t in times) >= 4
    assert times == sorted(set(times))
    assert (times[0], times[-1], len(times)) == (0, 40, 8)
    assert frame_times(resting[:3]) == [0, 1, 2]
    assert frame_times(resting[:1]) == [0]


def test_crowds_thinner_than_the_scale_and_empty_cells_have_its_lowest_colour():
    layer = np.array([[[1 - 1e-9, 1e-9, 0.0, 0.0]]])
    figure = pictures.flow_figure([layer], plane(2, 2))
    image = figure.axes[0].images[0]
    assert image.get_clim()[1] / image.get_clim()[0] == pytest.approx(1e4)
    thickest, thin, empty, _ = image.cmap(image.norm(image.get_array().ravel()))
    np.testing.assert_array_equal(thin, empty)
    assert thickest[:3].max() < empty[:3].min()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "from 1 to 1 times. Received: 0"),
        ([np.ones((1, 1, 4))], r"`layers\[0\]` .* \(1, 1, 5\). Received: \(1, 1, 4\)"),
        ([np.ones((2, 1, 5))], r"\(1, 1, 5\). Received: \(2, 1, 5\)"),
        ([np.ones((1, 1, 5)), np.full((1, 1, 5), np.nan)], r"`layers\[1\]`.*finite"),
        ([np.full((1, 1, 5), -0.1)], "at least 0"),
        ([np.zeros((1, 1, 5))], "above 0"),
    ],
)
def test_bad_layers_are_refused(layers, message):
    with pytest.raises(ValueError, match=message):
        pictures.flow_figure(layers, line(5))


def test_more_layers_than_the_noise_has_times_are_refused():
    with pytest.raises(ValueError, match=r"from 1 to 4 times. Received: 5"):
        pictures.flow_figure([np.ones((1, 1, 5))] * 5, line(5, common_noise=NOISE))
    with pytest.raises(ValueError, match=r"`max_branches` .* Received: 0"):
        pictures.flow_figure([np.ones((1, 1, 5))], line(5), max_branches=0)


# ---- games ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["mfg_beach_bar(size=6,horizon=3,closing_time=2)", "mfg_predator_prey(size=3)"],
)
def test_layers_of_a_model_are_openspiels_distribution(name):
    game = pyspiel.load_game(name)
    model = load_model(game)
    d = game.dynamics
    layers = pictures.layers_of(model, model.distribution(model.uniform_policy()))
    masses = uniform_distribution(game)
    assert len(layers) == d.horizon + 1
    for t, layer in enumerate(layers[:-1]):
        for history, population, x in np.ndindex(layer.shape):
            state = game.decision_state(population, t, history, x)
            found = layer[history, population, x]
            assert found == pytest.approx(masses.get(str(state), 0.0), abs=1e-12)
    support = [
        name
        for history in range(d.num_histories(3))
        for name in game.names.support(Node.MEAN_FIELD, 3, history)
    ]
    expected = [masses.get(string, 0.0) for string in support]
    np.testing.assert_allclose(layers[3].ravel(), expected, atol=1e-12)
    figure = pictures.flow_figure(layers, d)
    assert len(images_of(figure)) == (2 if d.common_noise else 3 * 8)


def test_a_flow_of_another_model_is_refused():
    small, large = (load_model(f"mfg_sis(horizon={n})") for n in (3, 4))
    flow = large.distribution(large.uniform_policy())
    with pytest.raises(ValueError, match=r"has 8 masses. Received: 10"):
        pictures.layers_of(small, flow)


# ---- files ---------------------------------------------------------------------------


def test_save_writes_a_png_and_leaves_nothing_else(tmp_path):
    figure = pictures.flow_figure(random_layers((1, 1, 9), times=3), plane(3, 3))
    path = tmp_path / "flow.png"
    path.write_bytes(b"old")
    pictures.save(figure, path)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert 2_000 < len(content) < 300_000
    assert os.listdir(tmp_path) == ["flow.png"]


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "flow.png"
    path.write_bytes(b"old")
    figure = pictures.exploitability_figure({"a": ([0], [1.0])})

    def half(target, **_):
        target.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(figure, "savefig", half)
    with pytest.raises(OSError, match="full"):
        pictures.save(figure, path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["flow.png"]


def test_only_png_is_written(tmp_path):
    figure = pictures.exploitability_figure({"a": ([0], [1.0])})
    with pytest.raises(ValueError, match=r"must end in .png. Received: '.*a.pdf'"):
        pictures.save(figure, tmp_path / "a.pdf")
