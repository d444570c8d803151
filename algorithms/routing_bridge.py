"""Policies of OpenSpiel's mean field routing game among finitely many vehicles.

OpenSpiel has its dynamic routing game twice (Cabannes et al. 2021, arXiv:2110.11943):
`python_mfg_dynamic_routing` is the limit of `python_dynamic_routing`, in which each
vehicle is a player. `vehicle_game` makes the latter from the former, `VehiclePolicy`
lets each vehicle play a policy of the former, and `route_deviation` estimates what a
vehicle could gain by taking a route of its own: how nearly the mean field equilibrium
is one among so many. It need not come nearer as they get more: a vehicle is delayed by
those on its link when it enters, so that its time jumps with who comes first. Among 32
vehicles on Braess's network, with steps of 1/8, one gains 0.074 of trips that take 3.75
in the limit, among 64 vehicles 0.085.

OpenSpiel's own wrapper, `dynamic_routing_to_mean_field_game`, looks a vehicle's state
up in the mean field game. But a crowd of vehicles that choose at random does not flow
as the mean field does: they reach links at times at which no vehicle of the limit is
there, where its policy may be undefined or never have been trained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
import itertools

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.games import dynamic_routing, dynamic_routing_utils
from open_spiel.python.mfg.games import dynamic_routing as mean_field_routing

from algorithms.distribution import DistributionPolicy
from algorithms.gain import Gain
from mfg_games import parameters

_MOST_ROUTES = 1000

Route = Mapping[int, int]  # on each link, by its action's number: the next one


def vehicle_game(
    game: mean_field_routing.MeanFieldRoutingGame, num_vehicles: int
) -> dynamic_routing.DynamicRoutingGame:
    """The routing game of so many vehicles whose limit a mean field routing game is.

    Its vehicles share out the demands of the mean field game, and its links' capacities
    are those of that game for each vehicle, so that a share of the vehicles on a link
    delays them as the same share of the limit's does.

    Args:
      game: a `python_mfg_dynamic_routing`, of any network and demands.
      num_vehicles: how many there are, of all demands together.

    Raises:
      ValueError: the game is no mean field routing game, or a demand would not have a
        whole number of vehicles.
    """
    _require_routing(game)
    parameters.at_least("num_vehicles", num_vehicles, 1)
    vehicles = []
    for demand in game.od_demand:
        count = demand.counts * num_vehicles / game.total_num_vehicle
        allowed = f"such that whole numbers of vehicles share the demand `{demand}`"
        whole = abs(count - round(count)) < 1e-9
        parameters.require(whole, "num_vehicles", num_vehicles, allowed)
        trip = demand.origin, demand.destination, demand.departure_time
        vehicles += [dynamic_routing_utils.Vehicle(*trip) for _ in range(round(count))]
    settings = {
        "max_num_time_step": game.max_game_length(),
        "time_step_length": game.time_step_length,
        "players": -1,
    }
    scale = num_vehicles / game.total_num_vehicle
    return dynamic_routing.DynamicRoutingGame(
        settings,
        network=_scaled(game.network, scale),
        vehicles=vehicles,
        perform_sanity_checks=False,
    )


def _scaled(
    network: dynamic_routing_utils.Network, scale: float
) -> dynamic_routing_utils.Network:
    """The network with larger capacities; its links have the same numbers."""
    capacity = {link: scale * value for link, value in network._capacity.items()}
    return dynamic_routing_utils.Network(
        network._adjacency_list,
        node_position=network._node_position,
        bpr_a_coefficient=network._a,
        bpr_b_coefficient=network._b,
        capacity=capacity,
        free_flow_travel_time=network._free_flow_travel_time,
    )


def _require_routing(game) -> None:
    if not isinstance(game, mean_field_routing.MeanFieldRoutingGame):
        raise ValueError(
            f"`game` must be a python_mfg_dynamic_routing. Received: {game}"
        )


class VehiclePolicy(openspiel_policy.Policy):
    """Each vehicle plays a policy of the mean field game, by its own place and time.

    A vehicle at the end of a link turns as those of the mean field do there that have
    its destination, and where they come at other times, as at the time nearest to its
    own, the earlier one of two. Where none of them ever comes it turns anywhere.

    Args:
      game: of the vehicles, as `vehicle_game` makes it.
      mean_field_policy: an OpenSpiel policy of the mean field game.

    Raises:
      ValueError: the policy is not one of a mean field routing game.
    """

    def __init__(
        self,
        game: dynamic_routing.DynamicRoutingGame,
        mean_field_policy: openspiel_policy.Policy,
    ):
        super().__init__(game, list(range(game.num_players())))
        _require_routing(mean_field_policy.game)
        found = DistributionPolicy(mean_field_policy.game, mean_field_policy)
        nodes = zip(
            found.model.decision_states(),
            found.rows.numpy(),
            found.flow.mass.numpy(),
            strict=False,  # the model may since know more nodes
        )
        # By location and destination: what is played at which time.
        self._turns: dict[tuple[int, int], dict[int, np.ndarray]] = {}
        for state, row, mass in nodes:
            if mass > 0 and len(state.legal_actions()) > 1:
                place = state.get_location_as_int(), state.get_destination_as_int()
                self._turns.setdefault(place, {})[state.current_time_step] = row

    def action_probabilities(
        self,
        state: dynamic_routing.DynamicRoutingGameState,
        player_id: int | None = None,
    ) -> dict[int, float]:
        """Of a vehicle, which must be named."""
        legal = state.legal_actions(player_id)
        destination = _action(self.game.network, state._vehicle_destinations[player_id])
        place = state.get_location_as_int(player_id), destination
        turns = self._turns.get(place)
        if len(legal) == 1 or turns is None:
            return {action: 1 / len(legal) for action in legal}
        now = state.current_time_step
        row = turns[min(turns, key=lambda time: (abs(time - now), time))]
        return {action: float(row[action]) for action in legal}


def _action(network: dynamic_routing_utils.Network, link: str) -> int:
    return network.get_action_id_from_movement(*link.split("->"))


def routes(
    network: dynamic_routing_utils.Network, origin: str, destination: str
) -> Iterator[Route]:
    """All ways from one link to another that visit no node twice.

    Args:
      network: the roads.
      origin: the link to start on, such as "O->A".
      destination: the link to end on.
    """
    target = _action(network, destination)

    def extended(links: list[int], nodes: list[str]) -> Iterator[Route]:
        if links[-1] == target:
            yield dict(itertools.pairwise(links))
            return
        for successor in network.get_successors(nodes[-1]):
            if successor not in nodes:
                link = network.get_action_id_from_movement(nodes[-1], successor)
                yield from extended([*links, link], [*nodes, successor])

    yield from extended([_action(network, origin)], origin.split("->"))


def route_deviation(
    game: dynamic_routing.DynamicRoutingGame,
    policy: openspiel_policy.Policy,
    vehicles: Sequence[int] = (0,),
    num_runs: int = 100,
    seed: int = 0,
    confidence: float = 0.95,
) -> Gain:
    """Estimates what single vehicles gain by taking a route of their own.

    The route is the best one in half of the runs, its gain the mean over the other
    half: an unbiased estimate of what this route gains, thus of no more than the best
    response does. The vehicles draw the same numbers with and without the deviation,
    which the others may answer: the delays that it makes and spares are counted.

    Args:
      game: of the vehicles.
      policy: of that game: each vehicle's action probabilities in a state.
      vehicles: those who deviate, one at a time.
      num_runs: how often all drive; at least 4.
      seed: of all that is drawn.
      confidence: of the interval.

    Returns:
      The gains by vehicle, [len(vehicles)], in units of travel time.

    Raises:
      ValueError: a number is out of range, or the network has too many routes to try.
    """
    parameters.at_least("num_runs", num_runs, 4)
    parameters.between("confidence", confidence)
    choices = [_choices(game, vehicle) for vehicle in vehicles]
    rng = np.random.default_rng(seed)
    gains = [np.zeros((num_runs, len(ways))) for ways in choices]
    for run in range(num_runs):
        draws = rng.random((game.max_game_length(), game.num_players()))
        returns = drive(game, policy, draws)
        for vehicle, ways, table in zip(vehicles, choices, gains, strict=True):
            for number, route in enumerate(ways):
                deviating = drive(game, policy, draws, vehicle, route)
                table[run, number] = deviating[vehicle] - returns[vehicle]
    half = num_runs // 2
    best = [table[:half].mean(axis=0).argmax() for table in gains]
    chosen = [table[half:, route] for table, route in zip(gains, best, strict=True)]
    return Gain.of(np.stack(chosen, axis=1), confidence)


def _choices(game: dynamic_routing.DynamicRoutingGame, vehicle: int) -> list[Route]:
    allowed = f"from 0 to {game.num_players() - 1}"
    known = 0 <= vehicle < game.num_players()
    parameters.require(known, "vehicles", vehicle, allowed)
    trip = game._vehicles[vehicle]
    found = routes(game.network, trip.origin, trip.destination)
    ways = list(itertools.islice(found, _MOST_ROUTES + 1))
    if len(ways) > _MOST_ROUTES:
        raise ValueError(
            f"Deviations are found by trying all routes, at most {_MOST_ROUTES}. "
            f"There are more from {trip.origin} to {trip.destination}."
        )
    return ways


def drive(
    game: dynamic_routing.DynamicRoutingGame,
    policy: openspiel_policy.Policy,
    draws: np.ndarray,
    deviating: int | None = None,
    route: Route | None = None,
) -> np.ndarray:
    """Plays a game of vehicles once.

    Args:
      game: of the vehicles.
      policy: of that game.
      draws: numbers in [0, 1) that the vehicles choose by, [times, vehicles].
      deviating: a vehicle that follows a route instead, if any.
      route: that route.

    Returns:
      The returns, the negative travel times, [vehicles].
    """
    state = game.new_initial_state()
    while not state.is_terminal():
        numbers = draws[state.current_time_step]
        actions = []
        for vehicle, number in enumerate(numbers):
            legal = state.legal_actions(vehicle)
            if len(legal) == 1:
                actions.append(legal[0])
            elif vehicle == deviating:
                actions.append(route[state.get_location_as_int(vehicle)])
            else:
                probabilities = policy.action_probabilities(state, vehicle)
                actions.append(_drawn(probabilities, number))
        state.apply_actions(actions)
    return np.array(state.returns())


def _drawn(probabilities: Mapping[int, float], number: float) -> int:
    """The action that a number in [0, 1) chooses."""
    thresholds = np.cumsum(list(probabilities.values()))
    index = np.searchsorted(thresholds / thresholds[-1], number, side="right")
    return list(probabilities)[int(index)]
