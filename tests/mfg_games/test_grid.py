import re

import numpy as np
import pytest

from mfg_games import grid

# Two corridors that meet: states 0 (0, 0), 1 (0, 1), 2 (0, 3), 3 (1, 1), 4 (1, 2),
# 5 (1, 3), 6 (2, 0), the last cut off from the others.
CORRIDORS = "..#.|#...|.###"
UP, LEFT, STAY, RIGHT, DOWN = range(5)


def test_moves_are_named_as_they_look_on_the_map():
    steps = dict(zip(grid.MOVE_NAMES, grid.MOVES.tolist(), strict=True))
    assert steps == {
        "up": [-1, 0],
        "left": [0, -1],
        "stay": [0, 0],
        "right": [0, 1],
        "down": [1, 0],
    }
    assert grid.MOVE_NAMES[grid.STAY] == "stay"


def test_states_are_the_free_cells_in_row_major_order():
    world = grid.from_layout(CORRIDORS)
    assert world.shape == (3, 4)
    assert world.num_states == 7
    assert world.coordinates.tolist() == [
        [0, 0],
        [0, 1],
        [0, 3],
        [1, 1],
        [1, 2],
        [1, 3],
        [2, 0],
    ]


def test_walls_and_edges_block_moves():
    world = grid.from_layout(CORRIDORS)
    assert world.successors.dtype == np.int32
    assert world.successors.tolist() == [
        [0, 0, 0, 1, 0],
        [1, 0, 1, 1, 3],
        [2, 2, 2, 2, 5],
        [1, 3, 3, 4, 3],
        [4, 3, 4, 5, 4],
        [2, 4, 5, 5, 5],
        [6, 6, 6, 6, 6],
    ]
    legal = [np.flatnonzero(row).tolist() for row in world.legal]
    assert legal == [
        [STAY, RIGHT],
        [LEFT, STAY, DOWN],
        [STAY, DOWN],
        [UP, STAY, RIGHT],
        [LEFT, STAY, RIGHT],
        [UP, LEFT, STAY],
        [STAY],
    ]


def test_torus_wraps():
    world = grid.torus(2, 3)
    assert world.successors.tolist() == [
        [3, 2, 0, 1, 3],
        [4, 0, 1, 2, 4],
        [5, 1, 2, 0, 5],
        [0, 5, 3, 4, 0],
        [1, 3, 4, 5, 1],
        [2, 4, 5, 3, 2],
    ]
    assert world.legal.all()


def test_box_stays_put_at_its_edges():
    world = grid.box(2, 2)
    assert world.successors.tolist() == [
        [0, 0, 0, 1, 2],
        [1, 0, 1, 1, 3],
        [0, 2, 2, 3, 2],
        [1, 2, 3, 3, 3],
    ]


@pytest.mark.parametrize("wraps", [False, True])
def test_tables_equal_a_cell_by_cell_construction(wraps):
    free = np.random.default_rng(3).random((7, 9)) < 0.7
    world = grid.Grid(free, wraps)
    cells = [tuple(cell) for cell in world.coordinates.tolist()]
    for state, (row, column) in enumerate(cells):
        for move, (down, right) in enumerate(grid.MOVES.tolist()):
            target = (row + down, column + right)
            if wraps:
                target = (target[0] % 7, target[1] % 9)
            legal = target in cells
            assert world.legal[state, move] == legal
            expected = cells.index(target) if legal else state
            assert world.successors[state, move] == expected


def test_legal_move_noise_is_uniform_over_legal_moves():
    law = grid.from_layout(CORRIDORS).legal_move_noise(0.6)
    np.testing.assert_allclose(law[1], [0.0, 0.2, 0.6, 0.0, 0.2])
    np.testing.assert_allclose(law[2], [0.0, 0.0, 0.7, 0.0, 0.3])
    np.testing.assert_allclose(law[6], [0.0, 0.0, 1.0, 0.0, 0.0])


def test_direction_noise():
    np.testing.assert_allclose(grid.direction_noise(0.8), [0.2] * 5)
    np.testing.assert_allclose(grid.direction_noise(0.4), [0.1, 0.1, 0.6, 0.1, 0.1])


def test_outcomes_that_are_never_drawn_are_left_out():
    world = grid.box(2, 2)
    successors, law = grid.drawn_outcomes(world.successors, grid.direction_noise(0.0))
    assert successors.tolist() == [[0], [1], [2], [3]]
    assert law.tolist() == [1.0]
    successors, law = grid.drawn_outcomes(world.successors, grid.direction_noise(1.0))
    assert successors[0].tolist() == [0, 0, 1, 2]
    np.testing.assert_allclose(law, 0.25)


def test_distances_on_maps_with_walls():
    world = grid.from_layout(CORRIDORS)
    assert world.distances(np.array([0, 2])).tolist() == [2, 1, 1, 2, 1, 2, 4]


def test_distances_go_the_shorter_way_round_a_torus():
    distances = grid.torus(4, 3).distances(np.array([0, 2]))
    assert distances.reshape(4, 3).tolist() == [
        [1, 1, 0],
        [2, 2, 1],
        [3, 3, 2],
        [2, 2, 1],
    ]


def test_distance_from_a_cell_is_that_to_it():
    for world in (grid.torus(5, 4), grid.box(5, 4)):
        table = np.stack([world.distances(cell) for cell in world.coordinates])
        np.testing.assert_array_equal(table, table.T)
        assert (np.diag(table) == 0).all()
        # One step of the moves changes the distance by at most one.
        assert np.abs(table[:, world.successors] - table[..., None]).max() == 1


def test_cells_off_the_map_are_placed():
    cells = np.array([[-1, 3], [2, 0], [0, -1]])
    assert grid.torus(2, 3).placed(cells).tolist() == [[1, 0], [0, 0], [0, 2]]
    assert grid.box(2, 3).placed(cells).tolist() == [[0, 2], [1, 0], [0, 0]]


@pytest.mark.parametrize(
    ("layout", "center"),
    [("empty_3x5", [1, 2]), ("empty_4x1", [2, 0]), ("four_rooms", [6, 6])],
)
def test_center(layout, center):
    assert grid.from_layout(layout).center.tolist() == center


def test_move_lengths():
    assert grid.MOVE_LENGTHS.tolist() == [1, 1, 0, 1, 1]


def test_four_rooms_has_its_doors():
    world = grid.from_layout("four_rooms")
    cells = {tuple(cell) for cell in world.coordinates.tolist()}
    assert world.shape == (13, 13)
    assert world.num_states == 104 == 4 * 25 + 4
    assert {cell for cell in cells if 6 in cell} == {(3, 6), (9, 6), (6, 3), (6, 9)}
    assert world.coordinates.min() == 1
    assert world.coordinates.max() == 11


def test_four_rooms_open_is_four_rooms_without_its_border():
    closed, opened = (
        grid.from_layout(name) for name in ("four_rooms", "four_rooms_open")
    )
    assert opened.shape == (11, 11)
    np.testing.assert_array_equal(opened.coordinates + 1, closed.coordinates)
    np.testing.assert_array_equal(opened.successors, closed.successors)
    np.testing.assert_array_equal(opened.legal, closed.legal)


def test_maze_is_connected():
    world = grid.from_layout("maze")
    assert world.shape == (22, 22)
    assert world.num_states == 259
    reached = np.zeros(259, bool)
    reached[0] = True
    for _ in range(259):
        reached[world.successors[reached]] = True
    assert reached.all()


def test_empty_layout_gives_rows_before_columns():
    world = grid.from_layout("empty_2x12")
    assert world.shape == (2, 12)
    assert world.num_states == 24


def test_a_million_cells():
    world = grid.torus(1000, 1000)
    assert world.successors[0].tolist() == [999_000, 999, 0, 1, 1000]


@pytest.mark.parametrize(
    ("layout", "complaint"),
    [
        ("", "empty_NxM"),
        ("four_room", "four_rooms, four_rooms_open, maze"),
        ("..|.x", "empty_NxM"),
        ("empty_0x3", "N, M >= 1"),
        ("empty_3", "N, M >= 1"),
        ("empty_3x-1", "N, M >= 1"),
        ("..|.#|...", "row 0 has 2 cells, row 2 has 3"),
        ("..|..|", "row 0 has 2 cells, row 2 has 0"),
        ("##|##", "a map with a free cell"),
        ("|", "a map with a free cell"),
        ("...", "empty_1x3 for a single row"),
    ],
)
def test_malformed_layouts_are_refused(layout, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)) as error:
        grid.from_layout(layout)
    assert "`layout`" in str(error.value)
    assert f"layout={layout!r}" in str(error.value)


def test_start_distributions():
    world = grid.from_layout(CORRIDORS)
    np.testing.assert_array_equal(world.start_distribution("start", ""), np.eye(7)[0])
    np.testing.assert_allclose(world.start_distribution("start", "uniform"), 1 / 7)
    law = world.start_distribution("start", "1|3; 2|0;1|3;0|1")
    np.testing.assert_allclose(law, [0, 0.25, 0, 0, 0, 0.5, 0.25])


def test_states_at_keeps_the_order_of_the_cells():
    world = grid.from_layout(CORRIDORS)
    assert world.states_at("target", "2|0;0|0").tolist() == [6, 0]


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ("0|2", "0|2 is a wall or not on it"),
        ("0|0;3|0", "3|0 is a wall or not on it"),
        ("0|4", "0|4 is a wall or not on it"),
        ("0|-1", "'0|-1' is none"),
        ("0|0;", "'' is none"),
        ("0 0", "'0 0' is none"),
        ("center", "'center' is none"),
    ],
)
def test_cells_that_are_not_free_are_refused(cells, complaint):
    world = grid.from_layout(CORRIDORS)
    with pytest.raises(ValueError, match=re.escape(complaint)) as error:
        world.start_distribution("start", cells)
    assert f"start={cells!r}" in str(error.value)
