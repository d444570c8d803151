"""What the best of n sampled games say, as pure functions (Sessa et al. 2024, BOND).

The best of n games that are drawn from a law `ref` has the law

    best(y) = ref(y) p(y)^(n-1) (1 + q + ... + q^(n-1)),   q = p'(y) / p(y),

where p(y) and p'(y) are the probabilities that a game drawn from `ref` returns no more,
and strictly less, than y. Where no returns are equal and games are many it is near to
n ref(y) p(y)^(n-1), the tilt of `ref` by the reward (n - 1) log p(y).

Shapes: G groups of M games; B samples, A actions. All functions work eagerly, in graphs
and under XLA.
"""

from __future__ import annotations

import math

import tensorflow as tf

from algorithms.regularisers import log_softmax


def best_weights(returns: tf.Tensor, n: int) -> tf.Tensor:
    """How often each game is the best of n that are drawn from its group.

    They are drawn without replacement, so that means under these weights are without
    bias those under the law of the best of n. Of equal games one counts as better.

    Args:
      returns: [G, M].
      n: in 1..M.

    Returns:
      [G, M], of sum 1 in each group.

    Raises:
      ValueError: the shape or n does not fit.
    """
    _require(returns.shape.rank == 2, "returns", returns)
    size = returns.shape[1]
    if not 1 <= n <= size:
        raise ValueError(f"`n` must be in 1..{size}. Received: {n}")
    # The game in place k, from 0, is the best of those n - 1 of which are before it.
    shares = [math.comb(k, n - 1) / math.comb(size, n) for k in range(size)]
    order = tf.argsort(returns, axis=1, stable=True)
    places = tf.argsort(order, axis=1, stable=True)
    return tf.gather(tf.constant(shares, returns.dtype), places)


def log_ranks(returns: tf.Tensor) -> tf.Tensor:
    """Log p(y): the share of its group, itself included, that returns no more.

    Args:
      returns: [G, M].

    Returns:
      [G, M], from -log M to 0.

    Raises:
      ValueError: the shape does not fit.
    """
    _require(returns.shape.rank == 2, "returns", returns)
    beaten = returns[:, :, None] >= returns[:, None, :]
    return tf.math.log(tf.reduce_mean(tf.cast(beaten, returns.dtype), axis=2))


def reweighted_gain(
    logits: tf.Tensor,
    anchor: tf.Tensor,
    legal: tf.Tensor,
    actions: tf.Tensor,
    rewards: tf.Tensor,
) -> tf.Tensor:
    """What a policy earns where the anchor went.

    The mean of policy(a) / anchor(a) * reward. At policy = anchor its gradient
    is the policy gradient.

    Args:
      logits: [B, A], of the policy.
      anchor: [B, A], logits of the policy that took the actions; no gradient goes to
        it.
      legal: bool [B, A].
      actions: integers [B].
      rewards: [B], of the whole games that the actions belong to.

    Returns:
      A scalar.

    Raises:
      ValueError: the shapes do not fit.
    """
    _require(logits.shape.rank == 2, "logits", logits)
    _require(anchor.shape.is_compatible_with(logits.shape), "anchor", anchor)
    _require(legal.shape.is_compatible_with(logits.shape), "legal", legal)
    for name, array in (("actions", actions), ("rewards", rewards)):
        _require(array.shape.is_compatible_with(logits.shape[:1]), name, array)

    def chosen(scores):
        log_policy = log_softmax(scores, legal)
        return tf.gather(log_policy, actions, axis=1, batch_dims=1)

    ratios = tf.exp(chosen(logits) - tf.stop_gradient(chosen(anchor)))
    return tf.reduce_mean(ratios * rewards)


def _require(condition: bool, name: str, array: tf.Tensor) -> None:
    if not condition:
        raise ValueError(f"`{name}` has the wrong shape: {array.shape}")
