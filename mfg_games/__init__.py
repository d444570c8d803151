"""Mean field games for OpenSpiel: importing this package registers them all."""

from mfg_games import beach_bar, exploration, linear_quadratic, predator_prey, sis
from mfg_games.dynamics import CommonNoise, Dynamics
from mfg_games.openspiel_game import MeanFieldGame
from mfg_games.registration import register, registered_games

__all__ = [
    "CommonNoise",
    "Dynamics",
    "MeanFieldGame",
    "beach_bar",
    "exploration",
    "linear_quadratic",
    "predator_prey",
    "register",
    "registered_games",
    "sis",
]
