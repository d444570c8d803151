"""Frames of a crowd on a plane at a few times."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
import numpy as np

from algorithms.pictures.geometry import Branch, Geometry
from algorithms.pictures.style import (
    INK,
    colour_bar,
    crowd_colours,
    fitted,
    new_figure,
)

_MAX_FRAMES = 8
_WIDTH = 9.2  # of a row of frames with its heading, inches
_BAR_WIDTH = 0.95  # of the colour bar with its labels
_MAX_DECADES = 4  # that the colours span, below the thickest crowd


def frame_times(masses: np.ndarray) -> list[int]:
    """Up to eight times from the start to the end, both included.

    They are evenly spaced in the sum of time and of the way that the distribution has
    moved by then, in total variation, each counting from 0 to 1: a crowd that spreads
    and then rests is seen spreading.

    Args:
      masses: [T + 1, ..., S].
    """
    last = len(masses) - 1
    count = np.arange(min(_MAX_FRAMES, last + 1))
    moved = np.abs(np.diff(masses, axis=0)).sum(axis=tuple(range(1, masses.ndim)))
    moved = np.append(0.0, np.cumsum(moved))
    clock = np.arange(last + 1) / max(last, 1) + moved / max(moved[-1], 1e-9)
    spaced = np.interp(np.linspace(0, clock[-1], len(count)), clock, range(last + 1))
    times = np.floor(spaced + 0.5).astype(int)
    times = np.maximum.accumulate(times - count) + count  # apart by one at least,
    return np.minimum(times, last - count[::-1]).tolist()  # up to the last


def frames_figure(
    paths: list[Branch],
    geometry: Geometry,
    title: str,
    times: Sequence[int] | None = None,
) -> Figure:
    """Draws frames: a row for each path and population, wrapped if there is one only.

    Args:
      paths: the flows to draw.
      geometry: where the states are; of more than two factors the first two count.
      title: of the figure.
      times: of the frames; None for those of `frame_times`.
    """
    masses = np.stack([path.masses for path in paths], axis=1)  # [T + 1, paths, N, S]
    times = frame_times(masses) if times is None else list(times)
    headings = _headings(paths, geometry.num_populations)
    figure, axes = _canvas(len(times), headings, geometry.state_shape, title)
    images = np.moveaxis(geometry.image(masses[times]), 0, 2)  # frames of a story last
    _draw_frames(figure, axes, images.reshape(-1, *images.shape[3:]))
    for ax, t in zip(axes.flat, times, strict=False):
        ax.set_title(f"t = {t}", fontsize=10, color=INK)
    for ax in axes.flat[len(times) * len(headings) :]:
        ax.remove()
    for ax, heading in zip(axes[:, 0], headings, strict=False):
        ax.set_ylabel(
            heading, fontsize=9, color=INK, rotation=0, ha="right", va="center"
        )
    return figure


def _headings(paths: list[Branch], populations: int) -> list[str]:
    """What each row of frames shows."""
    names = [f"population {i}" for i in range(populations)] if populations > 1 else [""]
    return [
        "\n".join(filter(None, [name, path.label.replace(", ", "\n")]))
        for path in paths
        for name in names
    ]


def _canvas(
    frames: int, headings: list[str], shape: tuple[int, ...], title: str
) -> tuple[Figure, np.ndarray]:
    """A figure with axes that have the shape of the plane, [rows, columns].

    The places are computed here, in inches: a layout engine takes seconds for that many
    axes.
    """
    wrapped = len(headings) == 1 and frames > 4
    columns = -(-frames // 2) if wrapped else frames
    rows = len(headings) * (2 if wrapped else 1)
    longest = max(len(line) for text in headings for line in [*text.splitlines(), ""])
    left = 0.2 + 0.07 * longest if longest else 0.1
    title = fitted(title, _WIDTH)
    top = 0.32 + 0.24 * len(title.splitlines())
    gap = 0.1
    row_gap = 0.32 if wrapped else gap
    width = (_WIDTH - left) / columns - gap
    height = width * _ratio(shape)
    size = (
        left + columns * (width + gap) - gap + _BAR_WIDTH,
        top + rows * (height + row_gap) - row_gap + gap,
    )
    figure, axes = new_figure(rows, columns, size, title, "none")
    figure.subplots_adjust(
        left=left / size[0],
        right=1 - _BAR_WIDTH / size[0],
        bottom=gap / size[1],
        top=1 - top / size[1],
        wspace=gap / width,
        hspace=row_gap / height,
    )
    return figure, axes


def _ratio(shape: tuple[int, ...]) -> float:
    """Height of a frame over its width; the cells of extreme planes are no squares."""
    return float(np.clip(shape[0] / shape[1], 0.4, 2.0))


def _draw_frames(figure: Figure, axes: np.ndarray, images: np.ndarray) -> None:
    """Draws images [n, rows, columns] on one colour scale."""
    highest = np.nanmax(images)
    lowest = np.clip(np.nanmin(images), highest / 10**_MAX_DECADES, highest / 10)
    scale = LogNorm(vmin=lowest, vmax=highest, clip=True)
    for ax, frame in zip(axes.flat, images, strict=False):
        drawn = ax.imshow(
            frame,
            cmap=crowd_colours(),
            norm=scale,
            interpolation="nearest",
            aspect=_ratio(frame.shape) * frame.shape[1] / frame.shape[0],
        )
    for ax in axes.flat:
        ax.set_xticks([])
        ax.set_yticks([])
    width = figure.get_figwidth()
    box = axes[-1, -1].get_position(), axes[0, -1].get_position()
    corner = (1 - (_BAR_WIDTH - 0.12) / width, box[0].y0)
    cax = figure.add_axes((*corner, 0.2 / width, box[1].y1 - box[0].y0))
    label = "share of the population (log scale)"
    colour_bar(figure, drawn, label, cax=cax, extend="min", extendfrac=0.03)
