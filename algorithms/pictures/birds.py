"""Players in continuous space: their places and velocities at several times, moving.

Shapes: T decision times, B players, X components of a state.
"""

from __future__ import annotations

import pathlib

from matplotlib.animation import FuncAnimation, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
import numpy as np

from algorithms import files
from algorithms.pictures.style import COLOURS, DPI, INK, PALE, WALL, fitted
from mfg_games.continuous import ContinuousGame
from mfg_games.flocking import FlockingModel

_ARROW = 0.07  # length of the fastest bird's arrow, as a share of the picture
_SHOWN = 300  # birds at most
_FRAMES_PER_SECOND = 10


def birds_figure(
    game: ContinuousGame, states: np.ndarray, title: str, frames: int = 4
) -> Figure:
    """The population at several times.

    Birds in a plane or in space are arrows, birds on a line points of position and
    velocity, and players of other games are drawn by their component over time.

    Args:
      game: the game.
      states: [T + 1, B, X].
      title: of the figure.
      frames: how many times.
    """
    if not isinstance(game, FlockingModel):
        return _lines(states, title)
    times = np.linspace(0, len(states) - 1, frames).round().astype(int)
    figure = Figure(figsize=(3.4 * frames, 3.9), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(fitted(title, 3.4 * frames), fontsize=12, color=INK)
    box = _box(game, states)
    for column, time in enumerate(times):
        ax = _axes(figure, game, box, (1, frames, column + 1))
        ax.set_title(f"t = {time * game.dt:g}", fontsize=10, color=INK)
        _draw(ax, game, states[time, :_SHOWN], box)
    return figure


def save_animation(
    game: FlockingModel, states: np.ndarray, title: str, path: str | pathlib.Path
) -> None:
    """Writes birds that move as a GIF, which appears whole or not at all.

    Args:
      game: a game of birds.
      states: [T + 1, B, X].
      title: of the picture.
      path: ends in ".gif".

    Raises:
      ValueError: the path does not end in `.gif`, or the game has no birds.
    """
    path = pathlib.Path(path)
    if path.suffix != ".gif":
        raise ValueError(f"`path` must end in .gif. Received: {str(path)!r}")
    if not isinstance(game, FlockingModel):
        raise ValueError(f"`game` must have birds. Received: game={game}")
    figure = Figure(figsize=(4.2, 4.4), dpi=70)
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=10, color=INK)
    box = _box(game, states)
    ax = _axes(figure, game, box, (1, 1, 1))
    drawn = []

    def show(time: int):
        while drawn:
            drawn.pop().remove()
        drawn.append(_draw(ax, game, states[time, :_SHOWN], box))
        ax.set_title(f"t = {time * game.dt:.1f}", fontsize=9, color=INK)
        return drawn

    moving = FuncAnimation(figure, show, frames=len(states), repeat=True)
    with files.replacing(path) as own:
        moving.save(own, writer=PillowWriter(fps=_FRAMES_PER_SECOND))


def _lines(states: np.ndarray, title: str) -> Figure:
    figure = Figure(figsize=(7.0, 3.6), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(fitted(title, 7.0), fontsize=12, color=INK)
    ax = figure.subplots()
    for player in range(min(60, states.shape[1])):
        ax.plot(states[:, player, 0], color=COLOURS[0], alpha=0.25, linewidth=0.7)
    ax.plot(states[:, :, 0].mean(axis=1), color=COLOURS[1], label="mean")
    ax.set_xlabel("t", color=INK)
    ax.legend(fontsize=8)
    return figure


def _box(game: FlockingModel, states: np.ndarray) -> np.ndarray:
    """Bounds of what is seen, [dimensions, 2]: as long as wide."""
    places = states[..., : game.num_controls]
    low, high = np.quantile(places, [0.01, 0.99], axis=1)
    low, high = low.min(axis=0), high.max(axis=0)
    reach = 0.55 * (high - low).max() + 0.5
    middle = (low + high) / 2
    return np.stack([middle - reach, middle + reach], axis=1)


def _axes(figure: Figure, game: FlockingModel, box: np.ndarray, place: tuple):
    """Axes with the obstacles in them."""
    space = game.num_controls == 3
    ax = figure.add_subplot(*place, **({"projection": "3d"} if space else {}))
    ax.tick_params(labelsize=7, color=INK, labelcolor=INK)
    if game.num_controls == 1:
        ax.set(xlim=box[0], ylim=(-1.1, 1.1), xlabel="x", ylabel="v")
        return ax
    ax.set(xlim=box[0], ylim=box[1])
    if space:
        ax.set(zlim=box[2], box_aspect=(1, 1, 1))
        _columns_in_space(ax, game, box[2])
        return ax
    ax.set_aspect("equal")
    for spine in ax.spines.values():
        spine.set_color(PALE)
    for x, y, radius in game.columns:
        ax.add_patch(Circle((x, y), radius, color=WALL))
    for left, right, low, high in game.walls:
        ax.add_patch(Rectangle((left, low), right - left, high - low, color=WALL))
    return ax


def _columns_in_space(ax, game: FlockingModel, heights: np.ndarray) -> None:
    angle, height = np.meshgrid(np.linspace(0, 2 * np.pi, 24), heights)
    for x, y, radius in game.columns:
        ax.plot_surface(
            x + radius * np.cos(angle),
            y + radius * np.sin(angle),
            height,
            color=WALL,
            alpha=0.6,
        )


def _draw(ax, game: FlockingModel, states: np.ndarray, box: np.ndarray):
    """Birds at one time, coloured by the signs of their velocities."""
    number = game.num_controls
    places, velocities = states[:, :number], states[:, number:]
    signs = (velocities > 0) @ (2 ** np.arange(number))
    colours = np.array(COLOURS)[signs % len(COLOURS)]
    if number == 1:
        return ax.scatter(places[:, 0], velocities[:, 0], s=5, c=colours)
    length = _ARROW * (box[0, 1] - box[0, 0]) / game.largest_speed
    if number == 3:
        return ax.quiver(
            *places.T, *(length * velocities.T), colors=colours, linewidth=0.7
        )
    return ax.quiver(
        *places.T,
        *velocities.T,
        color=colours,
        angles="xy",
        scale_units="xy",
        scale=1 / length,
        width=0.006,
    )
