"""Networks of the deep solvers and how they are trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from algorithms.deep.config import NetworkConfig
from algorithms.deep.crowd import Crowd
from algorithms.deep.randomness import derived_seed
from algorithms.model.compiled import Compiled, room_for_xla
from algorithms.model.forks import use_tensorflow

_LARGEST_BATCH = 2**16  # rows that a network maps at a time


class NetworkSpec(NamedTuple):
    """What the networks of a solver have in common.

    Attributes:
      num_features: F, size of a row of features, the crowd's included.
      num_actions: A.
      num_towers: networks side by side, of which the first features, a one-hot row,
        choose one; 1 for a network that all share.
      precision: a Keras dtype policy, of the hidden layers.
      crowd: how the last features tell where everybody is; None if they do not.
    """

    num_features: int
    num_actions: int
    num_towers: int = 1
    precision: str = "float32"
    crowd: Crowd | None = None

    @property
    def suits_xla(self) -> bool:
        """Whether XLA trains it faster: on CPUs it is slow at convolutions in loops."""
        return self.crowd is None or self.crowd.shape is None


def require_tensorflow() -> None:
    """Raises a ValueError if Keras runs on something else."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "The deep solvers need Keras on TensorFlow: KERAS_BACKEND must be "
            f"'tensorflow'. Received: {keras.backend.backend()!r}"
        )


def mlp(
    spec: NetworkSpec,
    config: NetworkConfig,
    seed: int,
    num_outputs: int | None = None,
) -> keras.Model:
    """A multilayer perceptron, [B, F] to float32 [B, num_outputs].

    Args:
      spec: sizes and precision.
      config: `width` and `depth` of what lies between; linear at a depth of 0.
      seed: of the initial weights.
      num_outputs: A by default.
    """
    require_tensorflow()
    num_outputs = num_outputs or spec.num_actions
    towers = [
        _tower(spec, config, derived_seed(seed, number), num_outputs)
        for number in range(spec.num_towers)
    ]
    if spec.num_towers == 1:
        return towers[0]
    inputs = keras.Input((spec.num_features,))
    outputs = keras.ops.stack([tower(inputs) for tower in towers], axis=1)
    chosen = keras.ops.expand_dims(inputs[:, : spec.num_towers], -1)
    return keras.Model(inputs, keras.ops.sum(chosen * outputs, axis=1))


def _tower(
    spec: NetworkSpec, config: NetworkConfig, seed: int, num_outputs: int
) -> keras.Model:
    inputs = keras.Input((spec.num_features,))
    layers = []
    sizes = [config.width] * config.depth + [num_outputs]
    for layer, size in enumerate(sizes):
        # An initialiser with a seed gives the same numbers again and again.
        own_seed = derived_seed(seed, layer)
        last = layer == config.depth
        layers.append(
            keras.layers.Dense(
                size,
                activation=None if last else "relu",
                kernel_initializer=keras.initializers.GlorotUniform(own_seed),
                dtype="float32" if last else spec.precision,
            )
        )
    if spec.crowd is None:
        return keras.Sequential([inputs, *layers])
    outputs = keras.ops.concatenate(
        [
            inputs[:, : -spec.crowd.size],
            spec.crowd.embedded(
                inputs[:, -spec.crowd.size :],
                derived_seed(seed, "crowd"),
                spec.precision,
            ),
        ],
        axis=-1,
    )
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


class Trainer:
    """Gradient steps of one or more networks with an optimiser of their own.

    Args:
      config: the optimiser's.
      spec: its precision says whether the loss must be scaled.
      *networks: what is trained.
    """

    def __init__(
        self, config: NetworkConfig, spec: NetworkSpec, *networks: keras.Model
    ):
        self._weights = [w for net in networks for w in net.trainable_variables]
        kind = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
        self._optimizer = kind[config.optimizer](
            config.learning_rate, global_clipnorm=config.clip_norm or None
        )
        if spec.precision == "mixed_float16":  # whose small gradients would vanish
            self._optimizer = keras.optimizers.LossScaleOptimizer(self._optimizer)
        self._optimizer.build(self._weights)

    @property
    def variables(self) -> list:
        """The optimiser's."""
        return self._optimizer.variables

    def descend(self, loss: Callable[[], tf.Tensor]) -> tf.Tensor:
        """One gradient step; the loss before it, a scalar."""
        with tf.GradientTape() as tape:
            value = loss()
            scaled = self._optimizer.scale_loss(value)
        gradients = tape.gradient(scaled, self._weights)
        self._optimizer.apply(gradients, self._weights)
        return value


def compiled(function: Callable, *signature, xla: bool = True) -> Callable:
    """A function of tensors of given specifications as one graph, traced once.

    Args:
      function: what is compiled.
      *signature: the specifications.
      xla: compile by XLA, which makes training two to three times as fast as
        TensorFlow's own operations, at some seconds that it takes anew for other
        shapes. It cannot do loops that record what they did and end when they may.
    """
    graph = tf.function(
        function,
        input_signature=signature,
        autograph=False,
        jit_compile=xla and Compiled.xla and room_for_xla(),
    )

    def run(*arguments):
        use_tensorflow()
        return graph(*arguments)

    run.experimental_get_tracing_count = graph.experimental_get_tracing_count
    return run


def repeated(
    update: Callable[[tf.Tensor], tf.Tensor], times: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Gradient steps in a graph, the last of which is the first with no finite loss.

    Args:
      update: does the step of a number, int64, counted from 0; its loss, a scalar.
      times: how many.

    Returns:
      The mean loss, and how many were done, for `finite` to judge.
    """

    def step(number, total):
        return number + 1, total + update(number)

    done, total = tf.while_loop(
        lambda number, total: (number < times) & tf.math.is_finite(total),
        step,
        (tf.constant(0, tf.int64), tf.constant(0.0)),
    )
    return total / tf.cast(done, total.dtype), done


def finite(mean: tf.Tensor, done: tf.Tensor, name: str = "loss") -> float:
    """The mean loss that `repeated` has found.

    Raises:
      FloatingPointError: it is infinite or no number; the update is named.
    """
    if not np.isfinite(mean):
        raise FloatingPointError(f"the {name} is {mean:g} at update {int(done) - 1}")
    return float(mean)


def blend(source: keras.Model, target: keras.Model, rate: float = 1.0) -> None:
    """Moves a network's weights by a share of the way to another's, or all of it."""
    for ours, theirs in zip(source.variables, target.variables, strict=True):
        theirs.assign(ours if rate == 1 else theirs + rate * (ours - theirs))


def flat_weights(network: keras.Model) -> tf.Tensor:
    """All weights of a network in one row, [size]."""
    return tf.concat([tf.reshape(w, [-1]) for w in network.variables], axis=0)


def named_variables(**parts) -> Mapping[str, tf.Variable]:
    """TensorFlow's variables by name, "part/0" or "part/name".

    Args:
      **parts: lists of Keras variables, or mappings of TensorFlow's.
    """
    found = {}
    for part, variables in parts.items():
        if isinstance(variables, Mapping):
            items = variables.items()
        else:
            items = ((i, variable.value) for i, variable in enumerate(variables))
        found |= {f"{part}/{name}": variable for name, variable in items}
    return found


def on_all_rows(network: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function of any number of rows of features [D, F], what the network says."""
    features = tf.TensorSpec((None, *network.input_shape[1:]))
    outputs = compiled(network, features, xla=False)
    return lambda rows: in_batches(outputs, rows)


def in_batches(function: Callable, rows: tf.Tensor) -> tf.Tensor:
    """A function of rows [D, ...], applied to many of them at a time."""
    starts = range(0, len(rows), _LARGEST_BATCH)
    parts = [function(rows[start : start + _LARGEST_BATCH]) for start in starts]
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=0)
