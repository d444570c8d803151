"""Grid worlds: the geometry that all games on grids share.

A map is text: rows from top to bottom separated by `|`, `#` for a wall and `.` for a
free cell. The states of a game are the free cells in row-major order: a wall is no
state. A cell is (row, column), counted from the upper left corner of the map.

The moves are numbered as in OpenSpiel's `mfg_crowd_modelling_2d`, whose cells are
(x, y) = (column, row), so one table of action probabilities serves both.
"""

from __future__ import annotations

import re

import numpy as np

from mfg_games import parameters, sizes

MOVES = np.array([[-1, 0], [0, -1], [0, 0], [0, 1], [1, 0]])  # (row, column) steps
MOVE_NAMES = ("up", "left", "stay", "right", "down")
MOVE_LENGTHS = np.abs(MOVES).sum(axis=1)
STAY = 2

# Four rooms of 5 x 5 cells, with doors at 2 and 8 in the walls between them.
_FOUR_ROOMS = (
    ".....#.....",
    ".....#.....",
    "...........",
    ".....#.....",
    ".....#.....",
    "##.#####.##",
    ".....#.....",
    ".....#.....",
    "...........",
    ".....#.....",
    ".....#.....",
)

# The maze of OpenSpiel's setting `crowd_modelling_2d_maze`.
_MAZE = (
    "######################",
    "#......#.....#.....#.#",
    "#......#.....#.....#.#",
    "######....#..#.##..#.#",
    "#.........#..#.#...#.#",
    "#.........#..#.###.#.#",
    "#..########..#...#...#",
    "#....#.#.#..##...#...#",
    "#....#.#.#.....#.#.###",
    "#....#.#.#.....#.#.#.#",
    "######.#.#######.#.#.#",
    "#..#.........#...#.#.#",
    "#..#.##.###..#...#.#.#",
    "##.#.#....#..#####.#.#",
    "##.#.#.#..#......#.#.#",
    "#....#.####........#.#",
    "#.####..#.########...#",
    "#.......#..#...#.###.#",
    "#..#..#.#..#.#.#...#.#",
    "#.#####.#....#.#.....#",
    "#............#.......#",
    "######################",
)

LAYOUTS = {
    "four_rooms": "|".join(
        ["#" * 13, *("#" + row + "#" for row in _FOUR_ROOMS), "#" * 13]
    ),
    "four_rooms_open": "|".join(_FOUR_ROOMS),
    "maze": "|".join(_MAZE),
}


class Grid:
    """The free cells of a map and the moves between them.

    A move off a free cell into a wall, or over the edge of a map that does not wrap,
    is blocked: it is not legal, and its successor is the cell itself. Free cells need
    not be connected, so a map may hold several worlds; cells that no start reaches
    stay empty.

    Attributes:
      shape: (rows, columns) of the map.
      wraps: whether the map is a torus.
      num_states: S, the number of free cells.
      coordinates: int [S, 2], the cell of each state.
      successors: int32 [S, 5], the state that each of `MOVES` leads to.
      legal: bool [S, 5], the moves that are not blocked.
    """

    def __init__(self, free: np.ndarray, wraps: bool = False):
        """Builds the tables.

        Args:
          free: bool [rows, columns], the cells that are no walls.
          wraps: whether the map is a torus.
        """
        self.shape = free.shape
        self.wraps = wraps
        self.coordinates = np.argwhere(free)
        self.num_states = len(self.coordinates)
        self._states = np.full(free.shape, -1, np.int32)
        self._states[free] = np.arange(self.num_states)
        framed = (
            np.pad(self._states, 1, mode="wrap")
            if wraps
            else np.pad(self._states, 1, constant_values=-1)
        )
        rows, columns = np.moveaxis(self.coordinates[:, None] + MOVES + 1, -1, 0)
        targets = framed[rows, columns]
        self.legal = targets >= 0
        self.successors = np.where(self.legal, targets, targets[:, [STAY]])

    @property
    def center(self) -> np.ndarray:
        """The cell in the middle of the map, free or not, int [2]; rounded up."""
        return np.array(self.shape) // 2

    def placed(self, cells: np.ndarray) -> np.ndarray:
        """Cells off the map, [..., 2], wrapped on a torus, else put on its edge."""
        size = np.array(self.shape)
        return cells % size if self.wraps else np.clip(cells, 0, size - 1)

    def distances(self, cell, xp=np):
        """Distance in the 1-norm from every state to a cell, through walls, [S].

        Args:
          cell: [2], in the map; on a torus the shorter way round counts.
          xp: the array module that `cell` belongs to.
        """
        gaps = xp.abs(self.coordinates - cell)
        if self.wraps:
            gaps = xp.minimum(gaps, np.array(self.shape) - gaps)
        return xp.sum(gaps, axis=-1)

    def states_at(self, name: str, cells: str) -> np.ndarray:
        """Parses cells, "row|column;row|column", into states, int [n].

        Args:
          name: the parameter that holds the text, for the error.
          cells: the text.

        Raises:
          ValueError: the text is malformed, or a cell is a wall or not on the map.
        """
        states = []
        for cell in cells.split(";"):
            match = re.fullmatch(r"\s*(\d+)\s*\|\s*(\d+)\s*", cell, re.ASCII)
            parameters.require(
                match is not None,
                name,
                cells,
                f"cells row|column separated by `;`; {cell!r} is none",
            )
            row, column = (int(number) for number in match.groups())
            rows, columns = self.shape
            parameters.require(
                row < rows and column < columns and self._states[row, column] >= 0,
                name,
                cells,
                f"free cells of the {rows} x {columns} map; {row}|{column} is a wall "
                "or not on it",
            )
            states.append(self._states[row, column])
        return np.array(states)

    def start_distribution(self, name: str, start: str) -> np.ndarray:
        """The initial distribution that a parameter describes, float64 [S].

        Args:
          name: the parameter, for the error.
          start: "" for the first free cell (the upper left one), "uniform" for all
            free cells, else cells as in `states_at`, equally likely; a cell listed
            twice counts twice.

        Raises:
          ValueError: as for `states_at`.
        """
        if start == "uniform":
            return np.full(self.num_states, 1 / self.num_states)
        states = self.states_at(name, start) if start else np.array([0])
        return np.bincount(states, minlength=self.num_states) / len(states)

    def legal_move_noise(self, noise: float) -> np.ndarray:
        """Law of one more move, uniform over the legal ones with weight `noise`.

        Returns:
          float64 [S, 5], the probability of each of `MOVES`; the rest of the weight
          is on staying.
        """
        law = noise * self.legal / self.legal.sum(axis=1, keepdims=True)
        law[:, STAY] += 1.0 - noise
        return law


def direction_noise(noise: float) -> np.ndarray:
    """Law of one more move, noise / 4 in each direction, float64 [5] over `MOVES`."""
    law = np.full(len(MOVES), noise / 4)
    law[STAY] = 1.0 - noise
    return law


def drawn_outcomes(
    successors: np.ndarray, law: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What `Dynamics.transition` returns for one law everywhere, smallest possible.

    Args:
      successors: int [S, 5], where each of `MOVES` leads.
      law: [5], probabilities of the moves.

    Returns:
      (successors [S, K], probabilities [K]) of the K moves that are ever drawn.
    """
    drawn = law > 0
    return np.ascontiguousarray(successors[:, drawn]), law[drawn]


def box(rows: int, columns: int) -> Grid:
    """A grid without walls, closed at its edges."""
    return Grid(_without_walls(rows, columns))


def torus(rows: int, columns: int) -> Grid:
    """A grid without walls that wraps in both directions."""
    return Grid(_without_walls(rows, columns), wraps=True)


def _without_walls(rows: int, columns: int) -> np.ndarray:
    sizes.require(1, rows * columns, len(MOVES))
    return np.ones((rows, columns), bool)


def from_layout(layout: str) -> Grid:
    """The grid of the parameter `layout`.

    Args:
      layout: one of `LAYOUTS`, `empty_NxM` for N rows and M columns without walls, or
        a map.

    Raises:
      ValueError: no such layout, a map that is empty, ragged or without a free cell.
    """
    size = re.fullmatch(r"empty_([1-9]\d*)x([1-9]\d*)", layout, re.ASCII)
    if size:
        return box(*(int(number) for number in size.groups()))
    return Grid(_free_cells(LAYOUTS.get(layout, layout)))


def _free_cells(text: str) -> np.ndarray:
    """Parses a map, bool [rows, columns]."""
    parameters.require(
        text != "" and set(text) <= set("#.|"),
        "layout",
        text,
        f"one of {', '.join(LAYOUTS)}, empty_NxM (N, M >= 1), or a map of `#` (wall) "
        "and `.` (free) with `|` between rows",
    )
    # OpenSpiel would read dots alone as a number when it parses the game's string.
    parameters.require(
        set(text) != {"."},
        "layout",
        text,
        f"empty_1x{len(text)} for a single row without walls",
    )
    rows = text.split("|")
    odd = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), 0)
    parameters.require(
        odd == 0,
        "layout",
        text,
        f"a map with rows of one length; row 0 has {len(rows[0])} cells, "
        f"row {odd} has {len(rows[odd])}",
    )
    parameters.require("." in text, "layout", text, "a map with a free cell")
    cells = np.frombuffer("".join(rows).encode("ascii"), np.uint8)
    return cells.reshape(len(rows), -1) == ord(".")
