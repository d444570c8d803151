"""Networks of the deep solvers."""

from __future__ import annotations

import keras
import numpy as np

from algorithms.deep.config import NetworkConfig


def require_tensorflow() -> None:
    """Raises a ValueError if Keras runs on something else."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "The deep solvers need Keras on TensorFlow: KERAS_BACKEND must be "
            f"'tensorflow'. Received: {keras.backend.backend()!r}"
        )


def mlp(
    num_inputs: int, num_outputs: int, config: NetworkConfig, seed: int
) -> keras.Model:
    """A multilayer perceptron, [B, num_inputs] to float32 [B, num_outputs].

    Args:
      num_inputs: size of a row of features.
      num_outputs: how many values it gives.
      config: `width` and `depth` of what lies between; linear at a depth of 0.
      seed: of the initial weights.
    """
    require_tensorflow()
    layers = [keras.Input((num_inputs,))]
    sizes = [config.width] * config.depth + [num_outputs]
    for layer, size in enumerate(sizes):
        # An initialiser with a seed gives the same numbers again and again.
        own_seed = int(np.random.SeedSequence([seed, layer]).generate_state(1)[0])
        last = layer == config.depth
        layers.append(
            keras.layers.Dense(
                size,
                activation=None if last else "relu",
                kernel_initializer=keras.initializers.GlorotUniform(own_seed),
                dtype="float32" if last else None,
            )
        )
    return keras.Sequential(layers)


def optimizer(config: NetworkConfig, network: keras.Model) -> keras.Optimizer:
    """A network's own optimiser, its variables built."""
    kind = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}
    built = kind[config.optimizer](
        config.learning_rate, global_clipnorm=config.clip_norm or None
    )
    built.build(network.trainable_variables)
    return built


def blend(source: keras.Model, target: keras.Model, rate: float = 1.0) -> None:
    """Moves a network's weights by a share of the way to another's, or all of it."""
    for ours, theirs in zip(source.variables, target.variables, strict=True):
        theirs.assign(ours if rate == 1 else theirs + rate * (ours - theirs))
