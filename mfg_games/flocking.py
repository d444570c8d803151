"""Flocking (Perrin et al. 2021, "Mean field games flock!").

Birds choose accelerations and want to fly as their neighbours do. `FlockingModel` is
the game in continuous space, with positions and velocities in one, two or three
dimensions; `mfg_flocking` is the same game on a grid, which exact solvers solve.

The paper fixes neither coefficients nor the term that keeps birds moving, and is read
here as follows: all terms of the reward have weights; the reward for speed is that of
the paper's text, |v|_inf, or the sum |v|_1, whose flocks fly along a diagonal, as its
figures' do; the box and the largest speed are hard bounds; obstacles cost what a bird
gets too near to them.
"""

from __future__ import annotations

from collections.abc import Sequence
import itertools

import numpy as np

from mfg_games import parameters, sizes
from mfg_games.continuous import ContinuousGame, Crowd
from mfg_games.dynamics import Dynamics
from mfg_games.registration import register

SPEEDS = ("largest", "sum")
_TINY = 1e-24  # squared distance
_POSITIVE = ("dt", "largest_action", "largest_speed", "half_width")
_NOT_NEGATIVE = (
    "beta",
    "alignment",
    "effort",
    "speed",
    "noise",
    "position_std",
    "velocity_std",
    "obstacle_cost",
    "margin",
)


class FlockingModel(ContinuousGame):
    """Flocking in continuous space.

    A state is a position x and a velocity v, an action an acceleration u. With e a
    standard normal for each dimension and both clipped to their bounds,

        x' = x + v dt,    v' = v + u dt + noise sqrt(dt) e,

    and a step pays

        - alignment |E[(v - v') / (1 + |x - x'|^2)^beta]|^2 - effort |u|^2
        + speed |v| - obstacle_cost depth(x),

    where (x', v') is drawn from the crowd, |v| the largest or the sum of its components
    in magnitude, and depth how far x is inside an obstacle or its margin.

    Args:
      dimensions: 1, 2 or 3.
      horizon: number of decision times.
      dt: time between two of them.
      beta: how fast the influence of others fades with their distance; 0 for not.
      alignment, effort, speed, obstacle_cost: weights of the reward's terms.
      speed_norm: one of `SPEEDS`.
      noise: standard deviation of the velocity's noise per unit of time.
      largest_action: bound of each component of an acceleration.
      largest_speed: bound of each component of a velocity.
      half_width: positions are in the box -half_width..half_width.
      centers: float [G, dimensions], means of the positions of G groups at the start.
      velocities: float [G, dimensions], of their velocities.
      position_std, velocity_std: standard deviations around them.
      columns: float [K, 3], centers and radii of obstacles in the first two dimensions:
        disks in the plane, columns in space.
      walls: float [K, 4], rectangles (x low, x high, y low, y high) likewise.
      margin: distance to an obstacle from which on it costs.

    Raises:
      ValueError: an argument is out of its range, or has the wrong shape.
    """

    def __init__(
        self,
        dimensions: int = 2,
        horizon: int = 50,
        dt: float = 0.2,
        beta: float = 0.0,
        alignment: float = 1.0,
        effort: float = 0.1,
        speed: float = 0.1,
        speed_norm: str = "sum",
        noise: float = 0.05,
        largest_action: float = 1.0,
        largest_speed: float = 1.0,
        half_width: float = 100.0,
        centers: Sequence = ((0.0, 0.0),),
        velocities: Sequence = ((0.0, 0.0),),
        position_std: float = 1.0,
        velocity_std: float = 1.0,
        obstacle_cost: float = 10.0,
        columns: Sequence = (),
        walls: Sequence = (),
        margin: float = 0.2,
    ):
        possible = dimensions in (1, 2, 3)
        parameters.require(possible, "dimensions", dimensions, "1, 2 or 3")
        parameters.at_least("horizon", horizon, 1)
        parameters.one_of("speed_norm", speed_norm, SPEEDS)
        for name in _POSITIVE:
            parameters.positive(name, self.parameters[name])
        for name in _NOT_NEGATIVE:
            parameters.at_least(name, self.parameters[name], 0)
        self.horizon, self.dt, self.beta = horizon, dt, beta
        self.num_controls, self.num_components = dimensions, 2 * dimensions
        self.largest_action, self.largest_speed = largest_action, largest_speed
        self.half_width = half_width
        self._alignment, self._effort, self._speed = alignment, effort, speed
        self._speed_norm, self._noise = speed_norm, noise * np.sqrt(dt)
        self._obstacle_cost, self._margin = obstacle_cost, margin
        self.columns = _table("columns", columns, 3)
        self.walls = _table("walls", walls, 4)
        obstacles = len(self.columns) + len(self.walls)
        allowed = "2 or 3 with obstacles"
        parameters.require(not obstacles or dimensions > 1, "dimensions", 1, allowed)
        self._centers = _table("centers", centers, dimensions)
        self._velocities = _table("velocities", velocities, dimensions)
        parameters.require(
            0 < len(self._centers) == len(self._velocities),
            "velocities",
            velocities,
            f"one row for each of the {len(self._centers)} rows of `centers`",
        )
        self._stds = np.repeat([position_std, velocity_std], dimensions)
        reach = min(half_width, np.abs(self._centers).max() + 2 * position_std + 1.0)
        self.scale = np.repeat([reach, largest_speed], dimensions)

    def initial(self, xp, uniforms, normals):
        groups = np.concatenate([self._centers, self._velocities], axis=1)
        group = xp.array(uniforms * len(groups), np.int32)
        means = xp.take(xp.asarray(groups, dtype=normals.dtype), group, axis=0)
        stds = xp.asarray(self._stds, dtype=normals.dtype)
        return self._clipped(xp, means + stds * normals)

    def drift(self, xp, states, actions, crowd):
        x, v = self._parts(states)
        ahead = [x + v * self.dt, v + actions * self.dt]
        return xp.concatenate(ahead, axis=-1)

    def land(self, xp, targets, normals):
        x, v = self._parts(targets)
        shaken = v + self._noise * normals[..., self.num_controls :]
        return self._clipped(xp, xp.concatenate([x, shaken], axis=-1))

    def reward(self, xp, states, actions, crowd):
        x, v = self._parts(states)
        gaps = self._mean_gap(xp, x, v, crowd)
        paid = -self._alignment * xp.sum(gaps**2, axis=-1)
        paid = paid - self.effort_of(xp, actions)
        speeds = xp.abs(v)
        largest = self._speed_norm == "largest"
        speeds = xp.max(speeds, axis=-1) if largest else xp.sum(speeds, axis=-1)
        paid = paid + self._speed * speeds
        if len(self.columns) or len(self.walls):
            depth = xp.maximum(self._margin - self.clearance(xp, states), 0.0)
            paid = paid - self._obstacle_cost * depth
        return paid

    def statistics(self, states):
        velocities = self._parts(states)[1]
        return {"velocity_variance": float(np.var(velocities, axis=0).sum())}

    def effort_of(self, xp, actions):
        """What accelerations [E, dimensions] cost, [E]."""
        return self._effort * xp.sum(actions**2, axis=-1)

    def clearance(self, xp, states):
        """Distance to the nearest obstacle, [E]: negative inside, infinite for none."""
        x = states[..., :2]
        nearest = xp.ones_like(x[..., 0]) * np.inf
        for *center, radius in self.columns:
            offset = x - xp.asarray(center, dtype=x.dtype)
            # The slope of a root at 0 is infinite, which gradients must not meet.
            squares = xp.maximum(xp.sum(offset**2, axis=-1), _TINY)
            nearest = xp.minimum(nearest, xp.sqrt(squares) - radius)
        for low_x, high_x, low_y, high_y in self.walls:
            center = xp.asarray([low_x + high_x, low_y + high_y], dtype=x.dtype) / 2
            half = xp.asarray([high_x - low_x, high_y - low_y], dtype=x.dtype) / 2
            beyond = xp.abs(x - center) - half
            squares = xp.sum(xp.maximum(beyond, 0.0) ** 2, axis=-1)
            outside = xp.sqrt(xp.maximum(squares, _TINY))
            distance = outside + xp.minimum(xp.max(beyond, axis=-1), 0.0)
            nearest = xp.minimum(nearest, distance)
        return nearest

    def _mean_gap(self, xp, x, v, crowd: Crowd):
        """The crowd's mean of (v - v') / (1 + |x - x'|^2)^beta, [E, dimensions]."""
        others, theirs = self._parts(crowd.states)
        weights = crowd.weights
        if self.beta == 0:
            return v - xp.sum(weights[..., None] * theirs, axis=-2, keepdims=True)
        # |x - x'|^2 without an array [E, M, dimensions]; rounding may leave it below 0.
        squares = xp.sum(x**2, axis=-1)[..., :, None]
        squares = squares + xp.sum(others**2, axis=-1)[..., None, :]
        products = xp.matmul(x, xp.swapaxes(others, -1, -2))
        squares = xp.maximum(squares - 2 * products, 0.0)
        # Vectorised better than a power.
        fading = xp.exp(-self.beta * xp.log1p(squares))
        influence = weights[..., None, :] * fading
        met = xp.sum(influence, axis=-1)[..., None]
        return v * met - xp.matmul(influence, theirs)

    def _parts(self, states):
        """Positions and velocities, [E, dimensions] each."""
        return states[..., : self.num_controls], states[..., self.num_controls :]

    def _clipped(self, xp, states):
        bounds = np.repeat([self.half_width, self.largest_speed], self.num_controls)
        bounds = xp.asarray(bounds, dtype=states.dtype)
        return xp.minimum(xp.maximum(states, -bounds), bounds)


def _table(name: str, rows: Sequence, columns: int) -> np.ndarray:
    """Numbers as float64 [rows, columns]."""
    table = np.array(rows, np.float64)
    fits = table.size == 0 or (table.ndim == 2 and table.shape[1] == columns)
    fits = fits and bool(np.isfinite(table).all())
    parameters.require(fits, name, rows, f"rows of {columns} finite numbers")
    return table.reshape(-1, columns)


# A standard normal on three points, with its first five moments.
_NORMALS = np.sqrt(3.0) * np.array([-1.0, 0.0, 1.0])
_SHARES = np.array([1.0, 4.0, 1.0]) / 6


@register("mfg_flocking")
class Flocking(Dynamics):
    """Flocking on a grid.

    `FlockingModel` on a grid of positions and one of velocities, both evenly spaced
    over their bounds, with evenly spaced accelerations in each dimension. The noise has
    three points with the moments of a normal up to the fifth; what a step leads to is
    split between the nearest grid points so that its mean stays exact. All start around
    the middle, at rest or with random velocities.

    Args:
      num_positions: grid points of each dimension of space; at least 2.
      num_velocities: of each dimension of velocities; odd, at least 3.
      num_accelerations: from -largest_action to largest_action in each dimension; odd,
        at least 3.
      dimensions: 1 or 2.
      horizon: number of decision times.
      dt: time between two of them.
      beta: how fast the influence of others fades with their distance; 0 for not.
      alignment: weight of the difference to the others' velocities.
      effort: weight of the acceleration.
      speed: weight of the velocity.
      speed_norm: "largest" or "sum", of the velocity's components.
      noise: standard deviation of the velocity's noise per unit of time.
      largest_action: bound of accelerations.
      half_width: positions are in -half_width..half_width; speeds at most 1.
      position_std: of the normal, cut to the box, that all start from.
      velocity_std: of their velocities; 0 for rest.
    """

    def __init__(
        self,
        num_positions: int = 10,
        num_velocities: int = 5,
        num_accelerations: int = 3,
        dimensions: int = 1,
        horizon: int = 30,
        dt: float = 0.5,
        beta: float = 0.0,
        alignment: float = 1.0,
        effort: float = 0.1,
        speed: float = 0.1,
        speed_norm: str = "sum",
        noise: float = 0.1,
        largest_action: float = 1.0,
        half_width: float = 5.0,
        position_std: float = 1.0,
        velocity_std: float = 0.5,
    ):
        parameters.at_least("num_positions", num_positions, 2)
        odd = {"velocities": num_velocities, "accelerations": num_accelerations}
        for name, number in odd.items():
            allowed = number >= 3 and number % 2 == 1
            parameters.require(allowed, f"num_{name}", number, "odd, at least 3")
        parameters.require(dimensions in (1, 2), "dimensions", dimensions, "1 or 2")
        parameters.positive("position_std", position_std)
        self.model = FlockingModel(
            dimensions=dimensions,
            horizon=horizon,
            dt=dt,
            beta=beta,
            alignment=alignment,
            effort=effort,
            speed=speed,
            speed_norm=speed_norm,
            noise=noise,
            largest_action=largest_action,
            half_width=half_width,
            position_std=position_std,
            velocity_std=velocity_std,
            centers=np.zeros((1, dimensions)),
            velocities=np.zeros((1, dimensions)),
        )
        states = (num_positions * num_velocities) ** dimensions
        actions = num_accelerations**dimensions
        outcomes = len(_NORMALS) ** dimensions
        sizes.require(horizon, states, actions, entries=states * actions * outcomes)
        self.horizon = horizon
        axes = [np.linspace(-half_width, half_width, num_positions)] * dimensions
        axes += [np.linspace(-1.0, 1.0, num_velocities)] * dimensions
        self._lay_out(axes)
        levels = np.linspace(-largest_action, largest_action, num_accelerations)
        choices = itertools.product(levels, repeat=dimensions)
        self.accelerations = np.array(list(choices))
        self.num_actions = len(self.accelerations)
        self.initial_distribution = _normal_law(
            self.points, [position_std, velocity_std], dimensions
        )
        self._successors, self._probabilities = self._table()
        self.reward_range = self._range(alignment, effort, speed)

    def _lay_out(self, axes: list[np.ndarray]) -> None:
        """States are the points of a grid: those of positions, then of velocities."""
        dimensions = len(axes) // 2
        self.axes = axes
        self.state_shape = tuple(map(len, axes))
        self.factor_names = tuple(
            name if dimensions == 1 else f"{name}{number}"
            for name in ("x", "v")
            for number in range(dimensions)
        )
        grid = np.meshgrid(*axes, indexing="ij")
        self.points = np.stack(grid, axis=-1).reshape(-1, len(axes))

    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """Successors and probabilities, [S, A, K] and [1, S, A, K]."""
        dimensions = self.model.num_controls
        shape = (len(self.points), self.num_actions)
        pairs = np.repeat(self.points, self.num_actions, axis=0)
        chosen = np.tile(self.accelerations, (len(self.points), 1))
        successors, probabilities = [], []
        for outcome in itertools.product(range(3), repeat=dimensions):
            normals = np.zeros_like(pairs)
            normals[:, dimensions:] = _NORMALS[list(outcome)]
            after = self.model.step(np, pairs, chosen, None, normals)
            for states, shares in _split(after, self.axes):
                shares = _SHARES[list(outcome)].prod() * shares
                successors.append(states.reshape(shape))
                probabilities.append(shares.reshape(shape))
        successors = np.stack(successors, axis=-1).astype(np.int32)
        return successors, np.stack(probabilities, axis=-1)[None]

    def _range(self, alignment: float, effort: float, speed: float):
        """The lowest and the highest reward of one step."""
        dimensions = self.model.num_controls
        gap, largest = 4.0 * dimensions, self.model.largest_action
        return (
            -alignment * gap - effort * dimensions * largest**2,
            speed * dimensions,
        )

    def transition(self, xp, t, mu, z):
        return self._successors, self._probabilities

    def reward(self, xp, t, mu, z):
        crowd = Crowd(xp.asarray(self.points), mu[0])
        still = np.zeros((1, self.model.num_controls))
        paid = self.model.reward(xp, xp.asarray(self.points), still, crowd)
        return (paid[:, None] - self.model.effort_of(np, self.accelerations))[None]

    def action_name(self, action: int) -> str:
        return " ".join(f"{u:+g}" for u in self.accelerations[action])


def _normal_law(points: np.ndarray, stds: Sequence[float], dimensions: int):
    """Density of positions and velocities on the grid, float64 [1, S]."""
    stds = np.repeat(stds, dimensions)
    at_rest = np.where(stds > 0, stds, 1e-6)  # all mass on the zero, which is a point
    exponents = -((points / at_rest) ** 2).sum(axis=1) / 2
    weights = np.exp(exponents - exponents.max())
    return (weights / weights.sum())[None]


def _split(states: np.ndarray, axes: Sequence[np.ndarray]):
    """The grid points around states [E, X], and their shares: pairs of [E] arrays."""
    below, shares = [], []
    for component, axis in zip(states.T, axes, strict=True):
        place = (component - axis[0]) / (axis[1] - axis[0])
        place = np.clip(place, 0, len(axis) - 1)  # rounding may lead beyond the ends
        index = np.clip(np.floor(place), 0, len(axis) - 2).astype(int)
        below.append(index)
        shares.append(place - index)
    sizes = tuple(map(len, axes))
    for corner in itertools.product((0, 1), repeat=len(axes)):
        index = [low + up for low, up in zip(below, corner, strict=True)]
        share = np.prod(
            [s if up else 1 - s for s, up in zip(shares, corner, strict=True)], axis=0
        )
        yield np.ravel_multi_index(index, sizes), share
