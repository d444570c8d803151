"""Mean field routing among finitely many vehicles, on Braess's network.

From A, where all start, "top" goes by B to D, "bottom" by C, and "middle" by B and C.
With shares u on A->B and v on C->D, these take 1 + u and 1 + v, while B->D and A->C
take 2 and B->C takes 1/4.
"""

import itertools

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.games import dynamic_routing_to_mean_field_game as upstream
from open_spiel.python.games import dynamic_routing_utils
from open_spiel.python.mfg.games import dynamic_routing as mean_field_routing
import pyspiel
import pytest
from scipy import stats

from algorithms import routing_bridge as bridge
from algorithms.exploitability import exploitability

# Numbers of the actions, which are those of the links.
AB, AC, BC, BD, CD, DE, OA = range(1, 8)
TOP = {OA: AB, AB: BD, BD: DE}
MIDDLE = {OA: AB, AB: BC, BC: CD, CD: DE}
BOTTOM = {OA: AC, AC: CD, CD: DE}
ROUTES = (TOP, MIDDLE, BOTTOM)
NASH = {OA: {AB: 0.75, AC: 0.25}, AB: {BC: 2 / 3, BD: 1 / 3}}
UNIFORM = {OA: {AB: 0.5, AC: 0.5}, AB: {BC: 0.5, BD: 0.5}}


def limit(steps_in_one: int):
    """Braess's network in the limit; no trip takes 5."""
    settings = {"max_num_time_step": 5 * steps_in_one}
    settings["time_step_length"] = 1 / steps_in_one
    return pyspiel.load_game("python_mfg_dynamic_routing", settings)


class Turns(openspiel_policy.Policy):
    """A policy of the limit that turns by the link alone."""

    def __init__(self, game, turns):
        super().__init__(game, [0])
        self._turns = turns

    def action_probabilities(self, state, player_id=None):
        legal = state.legal_actions()
        if len(legal) == 1:
            return {legal[0]: 1.0}
        return self._turns[state.get_location_as_int()]


class Routes(openspiel_policy.Policy):
    """Each vehicle takes a route."""

    def __init__(self, game, routes):
        super().__init__(game, list(range(game.num_players())))
        self._routes = routes

    def action_probabilities(self, state, player_id=None):
        return {self._routes[player_id][state.get_location_as_int(player_id)]: 1.0}


def times(game, policy):
    unused = np.zeros((game.max_game_length(), game.num_players()))
    return -bridge.drive(game, policy, unused)


def test_the_routes_are_found():
    found = list(bridge.routes(limit(4).network, "O->A", "D->E"))
    assert len(found) == 3
    for route in ROUTES:
        assert route in found


def test_two_vehicles_take_the_times_computed_by_hand():
    game = bridge.vehicle_game(limit(4), 2)
    # Rows: the vehicle's own route; columns: the other's. With one above and one in the
    # middle, both wait on A->B; the middle one is on C->D before the lower one.
    expected = [[4, 4, 3.5], [3.75, 4.25, 3.25], [3.5, 4, 4]]
    routes = ROUTES
    for own, other in itertools.product(range(3), repeat=2):
        found = times(game, Routes(game, [routes[own], routes[other]]))
        assert found.tolist() == [expected[own][other], expected[other][own]]


def times_by_hand(counts, steps_in_one):
    """Times of the routes taken by so many, [..., 3], in the order of `ROUTES`.

    Whoever enters a link is delayed by those on it, of the middle and the bottom on
    C->D only by those who came with it or before.
    """
    size = counts.sum(-1)
    u, middle, bottom = (
        (counts[..., 0] + counts[..., 1]) / size,
        counts[..., 1] / size,
        counts[..., 2] / size,
    )

    def rounded(time):
        return np.floor(time * steps_in_one) / steps_in_one

    upper = rounded(1 + u)
    at_c = upper + 0.25  # the others come to C at 2
    middle_cd = rounded(1 + middle + np.where(at_c < 2, 0, bottom))
    bottom_cd = rounded(1 + bottom + np.where(at_c > 2, 0, middle))
    return np.stack([upper + 2, at_c + middle_cd, 2 + bottom_cd], axis=-1)


def expected_gain(size, steps_in_one, shares):
    """Of the best route if the others choose theirs independently, exactly."""
    others = itertools.product(range(size), repeat=3)
    others = np.array([counts for counts in others if sum(counts) == size - 1])
    weights = stats.multinomial.pmf(others, size - 1, shares)
    means = np.zeros(3)
    for route, own in enumerate(np.eye(3, dtype=int)):
        means[route] = weights @ times_by_hand(others + own, steps_in_one)[:, route]
    return shares @ means - means.min()


def test_vehicles_take_the_times_computed_by_hand():
    game = bridge.vehicle_game(limit(8), 16)
    rng = np.random.default_rng(0)
    for _ in range(5):
        taken = rng.choice(3, 16, p=[0.25, 0.5, 0.25])
        expected = times_by_hand(np.bincount(taken, minlength=3), 8)
        found = times(game, Routes(game, [ROUTES[route] for route in taken]))
        np.testing.assert_array_equal(found, expected[taken])


def test_nobody_gains_at_the_equilibrium_of_eight():
    """Cabannes et al.: half in the middle, a quarter on either side, 3.75 for all."""
    game = bridge.vehicle_game(limit(8), 8)
    policy = Routes(game, 4 * [MIDDLE] + 2 * [TOP] + 2 * [BOTTOM])
    np.testing.assert_array_equal(times(game, policy), np.full(8, 3.75))
    found = bridge.route_deviation(game, policy, (0, 4, 6), num_runs=4)
    np.testing.assert_array_equal(found.gain, np.zeros(3))
    np.testing.assert_array_equal(found.error, np.zeros(3))


def test_everybody_gains_by_the_middle_at_the_optimum_of_eight():
    game = bridge.vehicle_game(limit(8), 8)
    policy = Routes(game, 4 * [TOP] + 4 * [BOTTOM])
    np.testing.assert_array_equal(times(game, policy), np.full(8, 3.5))
    found = bridge.route_deviation(game, policy, (0, 7), num_runs=4)
    # From above: 1.5 + 0.25, then alone on C->D before the others, 1.125. From below
    # it is the fifth on A->B, 1.625.
    np.testing.assert_array_equal(found.gain, [3.5 - 2.875, 3.5 - 3.0])


def test_the_gain_among_two_is_the_expected_one():
    mean_field = limit(4)
    game = bridge.vehicle_game(mean_field, 2)
    policy = bridge.VehiclePolicy(game, Turns(mean_field, UNIFORM))
    found = bridge.route_deviation(game, policy, num_runs=120, seed=1)
    # Against 1/4, 1/4, 1/2 the routes take 3.75, 3.625 and 3.875.
    expected = (3.75 + 3.625 + 2 * 3.875) / 4 - 3.625
    assert expected_gain(2, 4, np.array([0.25, 0.25, 0.5])) == pytest.approx(expected)
    assert found.gain[0] == pytest.approx(expected, abs=4 * found.error[0])
    assert found.error[0] < expected / 2


def test_the_mean_field_equilibrium_is_one_of_two_vehicles():
    """Against 1/4, 1/2, 1/4 all routes take 3.875."""
    mean_field = limit(4)
    policy = Turns(mean_field, NASH)
    assert exploitability(mean_field, policy) == pytest.approx(0, abs=1e-12)
    game = bridge.vehicle_game(mean_field, 2)
    vehicles = bridge.VehiclePolicy(game, policy)
    found = bridge.route_deviation(game, vehicles, num_runs=60)
    assert abs(found.gain[0]) < 4 * found.error[0] < 0.5


@pytest.mark.slow
def test_the_mean_field_equilibrium_is_none_of_many_vehicles():
    """Who comes to C->D a step before the others is not delayed by them."""
    mean_field = limit(8)
    game = bridge.vehicle_game(mean_field, 32)
    vehicles = bridge.VehiclePolicy(game, Turns(mean_field, NASH))
    found = bridge.route_deviation(game, vehicles, num_runs=400, seed=1)
    shares = np.array([0.25, 0.5, 0.25])
    expected = expected_gain(32, 8, shares)
    assert found.gain[0] == pytest.approx(expected, abs=4 * found.error[0])
    assert found.interval[0][0] > 0
    assert expected_gain(64, 8, shares) > expected > expected_gain(8, 8, shares)


def test_vehicles_turn_as_in_openspiels_wrapper():
    mean_field = limit(8)
    game = bridge.vehicle_game(mean_field, 5)
    policy = Turns(mean_field, NASH)
    ours = bridge.VehiclePolicy(game, policy)
    theirs = upstream.DerivedNPlayerPolicyFromMeanFieldPolicy(game, policy)
    state = game.new_initial_state()
    routes = [TOP, MIDDLE, BOTTOM, MIDDLE, TOP]
    compared = 0
    while not state.is_terminal():
        actions = []
        for vehicle, route in enumerate(routes):
            found = ours.action_probabilities(state, vehicle)
            assert found == pytest.approx(theirs.action_probabilities(state, vehicle))
            compared += len(found) > 1
            legal = state.legal_actions(vehicle)
            place = state.get_location_as_int(vehicle)
            actions.append(legal[0] if len(legal) == 1 else route[place])
        state.apply_actions(actions)
    assert compared == 5 + 4


class Punctual(Turns):
    """Turns to C at B at the time of the limit, to D at all others."""

    def action_probabilities(self, state, player_id=None):
        found = super().action_probabilities(state, player_id)
        if len(found) > 1 and state.get_location_as_int() == AB:
            return {BC: 1.0} if state.current_time_step == 14 else {BD: 1.0}
        return found


def test_late_vehicles_turn_as_the_mean_field_does_earlier():
    """In the limit they reach B after 1.75, 14 steps; if all go there, after 2."""
    mean_field = limit(8)
    game = bridge.vehicle_game(mean_field, 4)
    policy = Punctual(mean_field, NASH)
    ours = bridge.VehiclePolicy(game, policy)
    state = game.new_initial_state()
    while state.current_time_step < 16:
        actions = [state.legal_actions(vehicle)[0] for vehicle in range(4)]
        state.apply_actions(actions)
    assert state.legal_actions(0) == [BC, BD]
    assert ours.action_probabilities(state, 0) == {BC: 1.0, BD: 0.0}


def test_links_that_the_mean_field_avoids_are_left_anywhere():
    mean_field = limit(4)
    game = bridge.vehicle_game(mean_field, 1)
    policy = Turns(mean_field, {OA: {AC: 1.0}, AB: NASH[AB]})
    state = game.new_initial_state()
    while state.legal_actions(0) != [BC, BD]:
        state.apply_actions([state.legal_actions(0)[0]])
    found = bridge.VehiclePolicy(game, policy).action_probabilities(state, 0)
    assert found == {BC: 0.5, BD: 0.5}


def two_demands():
    demands = [
        dynamic_routing_utils.OriginDestinationDemand("O->A", "D->E", 0, 3),
        dynamic_routing_utils.OriginDestinationDemand("O->A", "D->E", 1.0, 2),
    ]
    settings = {"max_num_time_step": 20, "time_step_length": 0.25, "players": -1}
    return mean_field_routing.MeanFieldRoutingGame(settings, od_demand=demands)


def test_vehicles_share_out_the_demands():
    game = bridge.vehicle_game(two_demands(), 10)
    assert [v.departure_time for v in game._vehicles] == 6 * [0] + 4 * [1.0]
    # Ten vehicles are as long on a link as the five that the limit stands for.
    assert game.network.get_travel_time("A->B", 10) == 2.0
    with pytest.raises(ValueError, match="num_vehicles"):
        bridge.vehicle_game(two_demands(), 4)


def ladder(length: int):
    """A network of which each node leads to all later ones: 2^length routes."""
    names = [f"n{k}" for k in range(length + 2)]
    later = {name: names[k + 1 :] for k, name in enumerate(names)}
    links = {"start": [names[0]], **later, "end": []}
    links[names[-1]] = ["end"]
    return dynamic_routing_utils.Network(links)


def test_errors():
    mean_field = limit(4)
    game = bridge.vehicle_game(mean_field, 2)
    uniform = bridge.VehiclePolicy(game, Turns(mean_field, UNIFORM))
    with pytest.raises(ValueError, match="python_mfg_dynamic_routing"):
        bridge.vehicle_game(game, 2)
    with pytest.raises(ValueError, match="python_mfg_dynamic_routing"):
        bridge.VehiclePolicy(game, uniform)
    for wrong in ({"num_runs": 3}, {"confidence": 0.0}, {"vehicles": (2,)}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            bridge.route_deviation(game, uniform, **wrong)
    trip = "start->n0", "n11->end"
    demand = dynamic_routing_utils.OriginDestinationDemand(*trip, 0, 1)
    settings = {"max_num_time_step": 20, "time_step_length": 0.25, "players": -1}
    large = mean_field_routing.MeanFieldRoutingGame(
        settings, network=ladder(10), od_demand=[demand]
    )
    vehicles = bridge.vehicle_game(large, 1)
    with pytest.raises(ValueError, match="at most 1000"):
        bridge.route_deviation(vehicles, uniform)
