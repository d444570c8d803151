"""Checks of the tree of states: strings, layers, actions, chance and lengths."""

from __future__ import annotations

import math

import pyspiel

from mfg_games.conformance.report import NotApplicableError
from mfg_games.conformance.subject import Findings, Subject

_SIMULATIONS = 3


def random_simulation(subject: Subject) -> Findings:
    """OpenSpiel's own random simulation, with serialization, for every population."""
    game = subject.game
    several = game.num_players() > 1
    for population in range(game.num_players()):
        whose = {"mean_field_population": population} if several else {}
        try:
            pyspiel.random_sim_test(
                game, num_sims=_SIMULATIONS, serialize=True, verbose=False, **whose
            )
        except Exception as error:  # SpielError, or whatever the game raises
            yield (
                f"pyspiel.random_sim_test passes for population {population}",
                f"{type(error).__name__}: {error}",
                "see the condition in the message; other checks may say more",
            )


def walk(subject: Subject) -> Findings:
    """The game can be walked by layers under the flow of a policy."""
    error = subject.walk.error
    if error is not None:
        yield (
            "child, chance_outcomes, legal_actions, distribution_support and "
            "update_distribution work in every layer",
            f"{type(error).__name__} after {len(subject.walk.layers)} layers: {error}",
            "the game fails on the flow of a policy that is not uniform",
        )


def random_play(subject: Subject) -> Findings:
    """Random plays reach the end."""
    for trajectory in subject.trajectories:
        if trajectory.error is not None:
            error = trajectory.error
            yield (
                "random play works",
                f"{type(error).__name__} in population {trajectory.population} after "
                f"{trajectory.history()}: {error}",
                "the game fails on random masses that sum to one over the support",
            )
        elif not trajectory.is_complete:
            yield (
                "every play ends",
                f"{len(trajectory.moves)} moves without an end",
                "is_terminal() is never true",
            )


def api(subject: Subject) -> Findings:
    """No attribute of a Python game or state hides a method of OpenSpiel's."""
    game = subject.game
    for thing in (game, game.new_initial_states()[0]):
        kind = pyspiel.Game if thing is game else pyspiel.State
        for name in dir(kind):
            if not name.startswith("_") and not callable(getattr(thing, name)):
                yield (
                    f"{kind.__name__}.{name} is a method",
                    f"{getattr(thing, name)!r}",
                    "an attribute of the Python class hides the method: rename it",
                )


def populations(subject: Subject) -> Findings:
    """There is one root for each population, and states know whose they are."""
    roots = subject.game.new_initial_states()
    players = subject.game.num_players()
    if len(roots) != players:
        yield (
            f"{players} initial states, one for each population",
            f"{len(roots)}",
            "num_players is not the number of populations",
        )
    for node in subject.walk.nodes():
        whose = node.state.mean_field_population()
        player = node.state.current_player()
        found = {whose, player} if player >= 0 else {whose}
        if not found <= node.populations:
            yield (
                f"{node.string!r} belongs to population {min(node.populations)}",
                f"mean_field_population()={whose}, current_player()={player}",
                "the population is not kept in the state",
            )


def strings(subject: Subject) -> Findings:
    """No string occurs in two layers or two populations."""
    first_seen = {}
    for depth, layer in enumerate(subject.walk.layers):
        for string, node in layer.items():
            if string in first_seen:
                yield (
                    "a string occurs in one layer only",
                    f"{string!r} in the layers {first_seen[string]} and {depth}",
                    "the time or the kind of node is missing in the string",
                )
            first_seen.setdefault(string, depth)
            if len(node.populations) > 1:
                yield (
                    "every population has strings of its own",
                    f"{string!r} for the populations {sorted(node.populations)}",
                    "the population is missing in the string",
                )


def lockstep(subject: Subject) -> Findings:
    """All nodes of a layer have the same type."""
    for depth, layer in enumerate(subject.walk.layers):
        types = {node.type.name: node.string for node in layer.values()}
        if len(types) > 1:
            yield (
                "all nodes of a layer have the same type",
                f"in layer {depth}: {types}",
                "some path skips a node that others pass",
            )


def chance(subject: Subject) -> Findings:
    """Chance outcomes are distinct, in range, and form a distribution."""
    most = subject.game.max_chance_outcomes()
    for node in subject.walk.nodes(pyspiel.StateType.CHANCE):
        outcomes, probabilities = zip(*node.state.chance_outcomes(), strict=True)
        if len(set(outcomes)) < len(outcomes) or not 0 <= max(outcomes) < most:
            yield (
                f"distinct outcomes in 0..{most - 1} at {node.string!r}",
                f"{sorted(outcomes)}",
                "max_chance_outcomes does not count this node, the start included",
            )
        total = math.fsum(probabilities)
        if not min(probabilities) >= 0 or not abs(total - 1) < 1e-9:
            yield (
                f"probabilities that sum to 1 at {node.string!r}",
                f"a sum of {total!r}, the least of them {min(probabilities)!r}",
                "the transition law is not normalised",
            )


def actions(subject: Subject) -> Findings:
    """Legal actions are sorted, in range and have names of their own."""
    for node in subject.walk.nodes(pyspiel.StateType.DECISION):
        state, most = node.state, subject.game.num_distinct_actions()
        legal = state.legal_actions()
        if not legal or legal != sorted(set(legal)) or not 0 <= legal[-1] < most:
            yield (
                f"sorted, distinct actions in 0..{most - 1} at {node.string!r}",
                f"{legal}",
                "_legal_actions does not follow OpenSpiel's convention",
            )
        names = [state.action_to_string(state.current_player(), a) for a in legal]
        if len(set(names)) < len(names):
            yield (
                f"a different string for every action at {node.string!r}",
                f"{names}",
                "_action_to_string is not unique",
            )
    yield from _idle_at_mean_fields(subject)


def _idle_at_mean_fields(subject: Subject) -> Findings:
    for node in subject.walk.nodes(pyspiel.StateType.MEAN_FIELD):
        try:
            legal = node.state.legal_actions()
        except Exception as error:  # SpielError, or whatever the game raises
            legal = f"{type(error).__name__}: {error}"
        if legal:
            yield (
                f"legal_actions() is [] at the mean field node {node.string!r}",
                f"{legal}",
                "_legal_actions does not look at whose turn it is",
            )


def lengths(subject: Subject) -> Findings:
    """Plays are no longer than the game says."""
    game = subject.game
    limits = {
        "max_game_length": (game.max_game_length(), pyspiel.StateType.DECISION),
        "max_chance_nodes_in_history": (
            game.max_chance_nodes_in_history(),
            pyspiel.StateType.CHANCE,
        ),
    }
    complete = [play for play in subject.trajectories if play.is_complete]
    if not complete:
        raise NotApplicableError("no random play reached the end")
    for name, (limit, kind) in limits.items():
        longest = max(play.count(kind) for play in complete)
        if longest > limit:
            yield (
                f"at most {name}={limit} {kind.name.lower()} nodes in a play",
                f"{longest}",
                f"{name} is too small",
            )
