"""Fixed point (Banach-Picard) iteration, plain, damped and softmax.

    policy <- uniform
    repeat: policy <- best response to the policy's flow (or its softmax),
            averaged with the old policy if damped

Plain iteration converges for contractions only and cycles on most games with crowds
(Lauriere et al. 2022, "Learning in mean field games: a survey", section 3).
"""

from __future__ import annotations

import pyspiel

from algorithms.fictitious_play import FictitiousPlay
from mfg_games import parameters


class FixedPoint(FictitiousPlay):
    """Fixed point, plain, softmax or damped: the best response to the last flow.

    Args:
      game: any OpenSpiel mean field game, or its string.
      temperature: respond with softmax(Q / temperature) instead of the best response.
      damping: weight of the old policy in the new one, in [0, 1); the average is
        weighted by the flows, as in fictitious play.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.
    """

    def __init__(
        self,
        game: pyspiel.Game | str,
        temperature: float | None = None,
        damping: float = 0.0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.require(0 <= damping < 1, "damping", damping, "in [0, 1)")
        super().__init__(game, 1.0 - damping, temperature, dtype, device)
