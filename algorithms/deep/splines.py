"""Monotone rational-quadratic splines (Durkan et al. 2019, "Neural spline flows").

Shapes: B numbers, K bins. A spline maps [-bound, bound] onto itself and is the identity
outside, where its derivative of 1 goes on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

# Of less, single precision would leave few digits on the way back.
_SMALLEST_BIN = 1e-2  # share of the interval
_SMALLEST_SLOPE = 1e-2
_TINY = 1e-10
# Parameters of zero give slopes of one: softplus(x + _SHIFT) + _SMALLEST_SLOPE = 1.
_SHIFT = float(np.log(np.expm1(1 - _SMALLEST_SLOPE)))


class Spline(NamedTuple):
    """Splines by their knots, one for each of B numbers.

    Attributes:
      x, y: [B, K + 1], the knots, ascending.
      slopes: [B, K + 1], positive, of the spline at the knots.
    """

    x: tf.Tensor
    y: tf.Tensor
    slopes: tf.Tensor

    @classmethod
    def of(cls, parameters: tf.Tensor, bound: float) -> Spline:
        """Splines by free parameters [B, 3 K - 1]; zeros give the identity."""
        bins = (parameters.shape[-1] + 1) // 3
        widths, heights, slopes = tf.split(parameters, [bins, bins, bins - 1], axis=-1)
        inner = tf.nn.softplus(slopes + _SHIFT) + _SMALLEST_SLOPE
        edge = tf.ones_like(inner[:, :1])
        slopes = tf.concat([edge, inner, edge], axis=-1)
        return cls(_knots(widths, bound), _knots(heights, bound), slopes)

    def forward(self, x: tf.Tensor) -> tf.Tensor:
        """Values at x [B], and the logarithms of the derivatives there."""
        inside, x = self._inside(x)
        piece = self._piece(self.x, x)
        share = (x - piece.x) / piece.width
        y = piece.y + piece.height * piece.value(share)
        return tf.where(inside.here, y, inside.number), tf.where(
            inside.here, piece.log_slope(share), tf.zeros_like(x)
        )

    def inverse(self, y: tf.Tensor) -> tf.Tensor:
        """Where the values are y [B], and the logarithms of the derivatives there."""
        inside, y = self._inside(y)
        piece = self._piece(self.y, y)
        share = piece.share((y - piece.y) / piece.height)
        x = piece.x + piece.width * share
        return tf.where(inside.here, x, inside.number), tf.where(
            inside.here, piece.log_slope(share), tf.zeros_like(y)
        )

    def _inside(self, number: tf.Tensor) -> tuple[_Inside, tf.Tensor]:
        """Which numbers the spline bends, and numbers that it can be asked for."""
        bound = self.x[:, -1]
        here = tf.abs(number) < bound
        return _Inside(here, number), tf.where(here, number, tf.zeros_like(number))

    def _piece(self, knots: tf.Tensor, number: tf.Tensor) -> _Piece:
        """The pieces in which numbers [B] lie, whose knots are x or y."""
        last = knots.shape[-1] - 2
        below = tf.cast(number[:, None] >= knots[:, 1:-1], tf.int32)
        index = tf.minimum(tf.reduce_sum(below, axis=-1), last)

        def at(array, offset):
            # A gather's gradient would be summed in any order.
            chosen = tf.one_hot(index + offset, last + 2, dtype=array.dtype)
            return tf.reduce_sum(array * chosen, axis=1)

        return _Piece(
            at(self.x, 0),
            at(self.y, 0),
            at(self.x, 1) - at(self.x, 0),
            at(self.y, 1) - at(self.y, 0),
            at(self.slopes, 0),
            at(self.slopes, 1),
        )


class _Inside(NamedTuple):
    here: tf.Tensor
    number: tf.Tensor


class _Piece(NamedTuple):
    """Pieces of splines, [B] each: corner, size, and slopes at both ends."""

    x: tf.Tensor
    y: tf.Tensor
    width: tf.Tensor
    height: tf.Tensor
    first: tf.Tensor
    last: tf.Tensor

    @property
    def _mean(self) -> tf.Tensor:
        return self.height / self.width

    @property
    def _bend(self) -> tf.Tensor:
        return self.first + self.last - 2 * self._mean

    def value(self, share: tf.Tensor) -> tf.Tensor:
        """The share of the height after a share of the width (equation 4)."""
        mixed = share * (1 - share)
        above = self._mean * share**2 + self.first * mixed
        return above / (self._mean + self._bend * mixed)

    def log_slope(self, share: tf.Tensor) -> tf.Tensor:
        """Logarithm of the derivative there (equation 5)."""
        mixed = share * (1 - share)
        above = (
            self.last * share**2
            + 2 * self._mean * mixed
            + self.first * (1 - share) ** 2
        )
        below = self._mean + self._bend * mixed
        return 2 * tf.math.log(self._mean) + tf.math.log(above) - 2 * tf.math.log(below)

    def share(self, value: tf.Tensor) -> tf.Tensor:
        """The share of the width where `value` is given (equations 6 to 8)."""
        a = self._mean - self.first + value * self._bend
        b = self.first - value * self._bend
        c = -self._mean * value
        # The slope of a root at 0 is infinite, which gradients must not meet.
        root = tf.sqrt(tf.maximum(b**2 - 4 * a * c, _TINY))
        return 2 * c / (-b - root)


def _knots(parameters: tf.Tensor, bound: float) -> tf.Tensor:
    """Ascending knots [B, K + 1] from -bound to bound."""
    bins = parameters.shape[-1]
    shares = tf.nn.softmax(parameters, axis=-1)
    shares = _SMALLEST_BIN + (1 - _SMALLEST_BIN * bins) * shares
    inner = bound * (2 * tf.cumsum(shares, axis=-1)[:, :-1] - 1)
    edge = bound * tf.ones_like(inner[:, :1])
    return tf.concat([-edge, inner, edge], axis=-1)
