"""Which games and solvers there are, without importing TensorFlow."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pathlib

from open_spiel.python.mfg import games as _openspiel_games  # noqa: F401 (registers)
import pyspiel

from mfg_games import continuous_games, parameters, settings
from mfg_games.continuous import ContinuousGame

# Name on the command line -> module and class.
SOLVERS = {
    "adaptive_mirror_descent": ("adaptive_mirror_descent", "AdaptiveMirrorDescent"),
    "admm": ("occupation.admm", "ADMM"),
    "average_network_fictitious_play": (
        "average_network_fictitious_play",
        "AverageNetworkFictitiousPlay",
    ),
    "boltzmann_policy_iteration": (
        "boltzmann_policy_iteration",
        "BoltzmannPolicyIteration",
    ),
    "deep_boltzmann_iteration": (
        "deep.deep_policy_iteration",
        "DeepBoltzmannIteration",
    ),
    "deep_fictitious_play": ("deep.deep_fictitious_play", "DeepFictitiousPlay"),
    "deep_fixed_point": ("deep.deep_fixed_point", "DeepFixedPoint"),
    "deep_mirror_descent": ("munchausen_deep_mirror_descent", "DeepMirrorDescent"),
    "deep_policy_iteration": ("deep.deep_policy_iteration", "DeepPolicyIteration"),
    "deep_stored_mirror_descent": ("deep.stored_mirror_descent", "StoredMirrorDescent"),
    "fictitious_play": ("fictitious_play", "FictitiousPlay"),
    "fixed_point": ("fixed_point", "FixedPoint"),
    "flock": ("flock", "Flock"),
    "frank_wolfe": ("frank_wolfe", "FrankWolfe"),
    "master_fictitious_play": ("master_policy", "MasterFictitiousPlay"),
    "master_mirror_descent": ("master_policy", "MasterMirrorDescent"),
    "mean_field_psro": ("correlated.psro", "MeanFieldPSRO"),
    "mf_omo": ("occupation.mf_omo", "MFOMO"),
    "mirror_descent": ("mirror_descent", "MirrorDescent"),
    "munchausen_mirror_descent": (
        "munchausen_mirror_descent",
        "MunchausenMirrorDescent",
    ),
    "particle_swarm": ("particle_swarm", "ParticleSwarm"),
    "policy_iteration": ("policy_iteration", "PolicyIteration"),
    "prior_descent": ("prior_descent", "PriorDescent"),
    "proximal_gradient": (
        "occupation.proximal_gradient",
        "ProximalGradient",
    ),
    "q_learning_fictitious_play": ("q_learning", "QLearningFictitiousPlay"),
    "regularised_equilibrium": ("regularised_equilibrium", "RegularisedEquilibrium"),
    "sarsa_mirror_descent": ("sarsa_mirror_descent", "SarsaMirrorDescent"),
    "social_frank_wolfe": ("social_optimum", "SocialFrankWolfe"),
    "social_optimum": ("social_optimum", "SocialOptimum"),
    "two_timescale_q_learning": (
        "two_timescale_q_learning",
        "TwoTimescaleQLearning",
    ),
}


def solver_class(name: str) -> type:
    """The class of a solver.

    Raises:
      ValueError: there is no such solver; the nearest one is named.
    """
    parameters.known("algorithm", name, SOLVERS)
    module, class_name = SOLVERS[name]
    return getattr(importlib.import_module(f"algorithms.{module}"), class_name)


def solver_summary(name: str) -> str:
    """First line of a solver's docstring, read without importing the module."""
    module, class_name = SOLVERS[name]
    path = pathlib.Path(__file__).parent.joinpath(*module.split("."))
    path = path.with_suffix(".py")
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name == class_name:
            return ast.get_docstring(node).splitlines()[0]
    raise ValueError(f"`{path}` defines no class {class_name}.")


def games() -> dict[str, str]:
    """Long name of every registered mean field game, by short name."""
    mean_field = pyspiel.GameType.Dynamics.MEAN_FIELD
    return {
        game.short_name: game.long_name
        for game in pyspiel.registered_games()
        if game.dynamics == mean_field
    }


def load_game(text: str) -> pyspiel.Game | ContinuousGame:
    """Loads a mean field game from its OpenSpiel string or the name of a setting.

    Games in continuous space have names of their own (`mfg_games.continuous_games`).

    Raises:
      ValueError: there is no such game or setting (the nearest one is named), it is no
        mean field game, or OpenSpiel cannot read the value of a parameter.
      pyspiel.SpielError: a parameter is unknown or of the wrong type.
    """
    _require_readable(text)
    if continuous_games.is_continuous(text):
        return continuous_games.load(text)
    if text in settings.SETTINGS:
        return settings.SETTINGS[text].load()
    name = text.split("(", 1)[0].strip()
    if name in pyspiel.registered_names() and name not in games():
        raise ValueError(f"`{name}` is no mean field game.")
    names = games() if name != text else [*games(), *settings.SETTINGS]
    parameters.known("game", name, names)
    return pyspiel.load_game(text)


def _require_readable(text: str) -> None:
    """Names a value that OpenSpiel cannot read, of which its error says nothing."""
    try:
        pyspiel.game_parameters_from_string(text)
    except pyspiel.SpielError:
        for part in text.partition("(")[2].rstrip(")").split(","):
            _require_value(*part.partition("=")[::2])
        allowed = "NAME(PARAMETER=VALUE,...)"
        parameters.require(False, "game", text, allowed)


def _require_value(name: str, value: str) -> None:
    try:
        pyspiel.game_parameters_from_string(f"game(value={value})")
    except pyspiel.SpielError:
        allowed = "a word, a number, or an integer of at most 32 bits"
        parameters.require(False, name, value, allowed)
