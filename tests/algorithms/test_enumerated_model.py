import sys

import numpy as np
from open_spiel.python import policy as openspiel_policy
from open_spiel.python.mfg.algorithms.best_response_value import BestResponse
from open_spiel.python.mfg.algorithms.fictitious_play import FictitiousPlay
from open_spiel.python.mfg.algorithms.nash_conv import NashConv
from open_spiel.python.mfg.algorithms.policy_value import PolicyValue
from open_spiel.python.mfg.games import factory, normal_form_game  # noqa: F401
import pyspiel
import pytest
import tensorflow as tf
import toy_dynamics  # noqa: F401  registers the games

from algorithms.model import enumerated_model, load_model
from algorithms.model.enumerated_model import EnumeratedModel
from algorithms.model.enumeration import Enumeration
from algorithms.policy import policy_array
from algorithms.regularisers import Entropy, Tsallis
from mfg_games.settings import SETTINGS

pytestmark = pytest.mark.filterwarnings("ignore:.*fromstring")

FIXED = {
    "beach_bar": "mfg_crowd_modelling(size=6,horizon=5)",
    "python_beach_bar": "python_mfg_crowd_modelling(size=5,horizon=4)",
    "grid": "mfg_crowd_modelling_2d(size=4,horizon=4)",
    "rooms": "mfg_crowd_modelling_2d(size=5,horizon=5,only_distribution_reward=true,"
    "forbidden_states=[0|0;0|1;2|2;4|4],initial_distribution=[1|1],"
    "initial_distribution_value=[1.0])",
    "congestion": "mfg_crowd_modelling_2d(size=4,horizon=5,with_congestion=true,"
    "noise_intensity=0.5)",
    "garnet": "mfg_garnet(size=8,horizon=5)",
    "line": "mfg_dynamic_routing(network=line,max_num_time_step=5)",
    "predator_prey": "python_mfg_predator_prey(horizon=2)",
    "avoidance": "python_mfg_crowd_avoidance(horizon=1,coef_congestion=1.5)",
    "linear_quadratic": "mean_field_lin_quad(size=5,horizon=3)",
    "periodic_aversion": "python_mfg_periodic_aversion(size=7,horizon=4,"
    "n_actions_per_side=2)",
    "normal_form": "mean_field_nfg",
}
MOVING = {
    "routing": ("mfg_dynamic_routing", None),
    "braess": ("mfg_dynamic_routing", "dynamic_routing_braess"),
    "python_routing": ("python_mfg_dynamic_routing", None),
    "mean_reverting": ("mean_field_lin_quad(size=6,horizon=3,mean_revert=0.7)", None),
}
OURS = (
    "mfg_beach_bar(size=5,horizon=4)",
    "mfg_beach_bar(size=4,horizon=3,closing_time=2)",
    "mfg_test_random(seed=2,states=3,horizon=3,populations=2,common_noise=true,leaning=true,"
    "moving=true,restricted=true,terminal=true,discount=0.8)",
    "mfg_test_random(seed=3,states=4,factored=true,populations=2,action_rewards=false)",
    "mfg_test_joint(seed=7,states=3,horizon=2,populations=2,common_noise=true,leaning=true,"
    "moving=true,restricted=true,terminal=true,discount=0.8)",
    *(
        SETTINGS[f"{name}_testing"].game_string
        for name in ("equilibrium_price", "price_impact", "random_linear")
    ),
    SETTINGS["treasure_hunting_testing"].game_string,
)


class RowsPolicy(openspiel_policy.Policy):
    """The first rows of a model as a policy, uniform at all other nodes."""

    def __init__(self, model: EnumeratedModel, rows: np.ndarray):
        super().__init__(model.game, list(range(model.num_populations)))
        self._model, self._rows = model, rows

    def action_probabilities(self, state, player_id=None):
        legal = state.legal_actions()
        try:
            row = self._rows[self._model.node_index(state)]
        except (KeyError, IndexError):
            return {action: 1 / len(legal) for action in legal}
        return {action: float(row[action]) for action in legal}


def some_policies(model) -> list[np.ndarray]:
    """Uniform, random, skewed and deterministic policies, [D, A]."""
    legal = model.legal_actions.numpy()
    draws = legal * np.random.default_rng(1).random(legal.shape)
    best = draws == draws.max(axis=1, keepdims=True)
    weights = [legal, draws, draws**20, best]
    return [w / w.sum(axis=1, keepdims=True) for w in weights]


def sweep(model, policy):
    policy = tf.cast(policy, model.dtype)
    flow = model.distribution(policy)
    return flow, model.evaluate(policy, flow)


def check_against_openspiel(model, rows):
    flow, values = sweep(model, rows)
    policy = RowsPolicy(model, rows)
    theirs = NashConv(model.game, policy)
    totals = values.totals
    assert float(totals.exploitability) == pytest.approx(theirs.nash_conv(), abs=1e-9)
    assert totals.best_value.numpy() == pytest.approx(theirs.br_values(), abs=1e-9)
    assert len(flow.mass) == len(values.q) == len(values.best_q) == len(rows)
    distribution = theirs.distribution.distribution
    for name, mass in model.masses(flow).items():
        assert mass == pytest.approx(distribution.get(name, 0.0), abs=1e-12)
    names = [state.observation_string(0) for state in model.decision_states()]
    expected = [distribution.get(name, 0.0) for name in names[: len(rows)]]
    assert flow.mass.numpy() == pytest.approx(expected, abs=1e-12)


def moving_game(name):
    game, setting = MOVING[name]
    if setting is None:
        return pyspiel.load_game(game)
    return factory.create_game_with_setting(game, setting)


@pytest.mark.parametrize("name", FIXED)
def test_sweeps_equal_openspiel(name):
    model = EnumeratedModel(pyspiel.load_game(FIXED[name]))
    num_nodes = model.num_nodes
    for rows in some_policies(model):
        check_against_openspiel(model, rows)
    assert model.num_nodes == num_nodes
    assert model.node_names() == []


@pytest.mark.parametrize("name", MOVING)
def test_sweeps_of_games_that_move_equal_openspiel(name):
    model = EnumeratedModel(moving_game(name))
    for rows in some_policies(model):
        check_against_openspiel(model, rows)
        check_against_openspiel(model, rows[: len(rows) // 2])
    assert len(model.node_names()) == model.num_nodes == len(model.legal_actions)


def test_braess_network_discovers_nodes():
    model = EnumeratedModel(moving_game("braess"))
    num_nodes = model.num_nodes
    check_against_openspiel(model, some_policies(model)[1])
    assert model.num_nodes > num_nodes
    uniform = np.asarray(model.uniform_policy())
    check_against_openspiel(model, uniform)
    assert float(sweep(model, uniform)[1].totals.exploitability) == pytest.approx(0.5)


def test_flows_show_that_the_game_moves_where_the_first_ones_did_not(monkeypatch):
    monkeypatch.setattr(enumerated_model, "_PROBES", 0)
    model = EnumeratedModel(moving_game("braess"))
    assert model.node_names() == []
    check_against_openspiel(model, np.asarray(model.uniform_policy()))
    assert model.node_names() == []
    check_against_openspiel(model, some_policies(model)[3])
    assert len(model.node_names()) == model.num_nodes


def test_earlier_flows_are_evaluated_as_before():
    model = EnumeratedModel(moving_game("braess"))
    legal = model.legal_actions.numpy()
    draws = legal * np.random.default_rng(2).random((6, *legal.shape))
    policies = [model.as_tensor(w / w.sum(1, keepdims=True)) for w in draws]
    flows, found = zip(*(sweep(model, policy) for policy in policies), strict=True)
    for k in (0, 3, 1, 5, 0, 2):
        again = float(model.evaluate(policies[k], flows[k]).totals.exploitability)
        exact = float(found[k].totals.exploitability)
        assert again == pytest.approx(exact, abs=1e-12)
    alone = sweep(EnumeratedModel(model.game), policies[5])[1].totals
    exact = float(found[5].totals.exploitability)
    assert float(alone.exploitability) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("name", ["beach_bar", "rooms", "garnet", "predator_prey"])
def test_openspiel_fictitious_play_iterates(name):
    game = pyspiel.load_game(FIXED[name])
    model = EnumeratedModel(game)
    solver = FictitiousPlay(game)
    for _ in range(5):
        solver.iteration()
        policy = solver.get_policy()
        _, values = sweep(model, policy_array(model, policy))
        theirs = NashConv(game, policy).nash_conv()
        assert float(values.totals.exploitability) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("game", OURS)
def test_our_games_equal_the_array_model(game):
    arrays = load_model(game)
    model = EnumeratedModel(arrays.game)
    both = arrays.compile(lambda policy: sweep(arrays, policy))
    for rows in some_policies(arrays):
        expected_flow, expected = both(arrays.as_tensor(rows))
        policy = RowsPolicy(arrays, rows)
        num_nodes = -1
        while num_nodes != model.num_nodes:
            num_nodes = model.num_nodes
            flow, values = sweep(model, policy_array(model, policy))
        for ours, theirs in zip(values.totals, expected.totals, strict=True):
            assert ours.numpy() == pytest.approx(theirs.numpy(), abs=1e-9)
        by_name = arrays.masses(expected_flow)
        for name, mass in model.masses(flow).items():
            if "settlement" not in name:
                assert mass == pytest.approx(by_name[name], abs=1e-9)


@pytest.mark.parametrize("regulariser", [Entropy(0.7), Tsallis(0.7, 2.0)], ids=repr)
def test_regularised_values_equal_the_array_model(regulariser):
    arrays = load_model("mfg_test_random(seed=2,populations=2,restricted=true)")
    model = EnumeratedModel(arrays.game)
    for rows in some_policies(arrays)[:2]:
        flow = arrays.distribution(arrays.as_tensor(rows))
        expected = arrays.evaluate(arrays.as_tensor(rows), flow, regulariser)
        policy = policy_array(model, RowsPolicy(arrays, rows))
        found = model.evaluate(policy, model.distribution(policy), regulariser).totals
        for ours, theirs in zip(found[:2], expected.totals[:2], strict=True):
            assert ours.numpy() == pytest.approx(theirs.numpy(), abs=1e-9)


def test_values_of_actions_equal_openspiel():
    model = EnumeratedModel(pyspiel.load_game(FIXED["garnet"]))
    rows = some_policies(model)[1]
    _, values = sweep(model, rows)
    policy = RowsPolicy(model, rows)
    distribution = NashConv(model.game, policy).distribution
    theirs = (
        (values.q, PolicyValue(model.game, distribution, policy)),
        (values.best_q, BestResponse(model.game, distribution)),
    )
    for q, value in theirs:
        for k, state in enumerate(model.decision_states()):
            assert model.node_index(state) == k
            # Both contain the state's own reward, theirs under another distribution.
            own = value.value(state, 0) - q[k, 0].numpy()
            expected = [value.value(state, a) - own for a in range(3)]
            assert q[k].numpy() == pytest.approx(expected, abs=1e-9)


def test_long_horizon():
    model = EnumeratedModel(
        pyspiel.load_game("mfg_crowd_modelling(size=3,horizon=300)")
    )
    assert model.num_nodes == 900
    rows = some_policies(model)[1]
    with pytest.raises(RecursionError):
        NashConv(model.game, RowsPolicy(model, rows))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        check_against_openspiel(model, rows)
    finally:
        sys.setrecursionlimit(limit)


def test_single_precision_stores_what_double_precision_computes():
    game = pyspiel.load_game(FIXED["garnet"])
    single, double = EnumeratedModel(game, "float32"), EnumeratedModel(game)
    rows = some_policies(double)[1]
    flow, values = sweep(single, rows)
    _, expected = sweep(double, rows)
    assert flow.mass.dtype == values.q.dtype == single.uniform_policy().dtype
    assert flow.mass.dtype == tf.float32
    assert values.q.numpy() == pytest.approx(expected.q.numpy(), rel=1e-5)


def test_saved_rows_are_found_in_another_model():
    game = moving_game("braess")
    model = EnumeratedModel(game)
    rows = some_policies(model)[1]
    flow, values = sweep(model, rows)
    legal = model.legal_actions.numpy()
    other = EnumeratedModel(game)
    sweep(other, some_policies(other)[3])
    met = other.num_met
    place = other.rows_of(model.node_names(), legal)
    assert other.num_met == met < other.num_nodes
    assert len(list(other.decision_states())) == other.num_nodes
    assert np.array_equal(other.legal_actions.numpy()[place], legal)
    moved = np.asarray(other.uniform_policy()).copy()
    moved[place[: len(rows)]] = rows
    num_nodes = other.num_nodes
    found_flow, found = sweep(other, moved)
    assert other.num_nodes == num_nodes
    assert other.num_met > met
    exact = float(values.totals.exploitability)
    assert float(found.totals.exploitability) == pytest.approx(exact, abs=1e-12)
    masses = found_flow.mass.numpy()[place[: len(rows)]]
    np.testing.assert_allclose(masses, flow.mass, atol=1e-14)
    with pytest.raises(ValueError, match="`legal_actions` must have the shape"):
        other.rows_of(model.node_names(), legal[1:])


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match=r"kuhn_poker\(\)` is no mean field game"):
        EnumeratedModel(pyspiel.load_game("kuhn_poker"))
    model = EnumeratedModel(pyspiel.load_game(FIXED["garnet"]))
    with pytest.raises(ValueError, match=r"`policy` must have at most 40 rows of 3"):
        model.distribution(tf.ones((41, 3)))
    other = pyspiel.load_game("mfg_crowd_modelling(size=12,horizon=5)")
    state = other.new_initial_state().child(11)
    with pytest.raises(KeyError, match=r"no decision node '\(11, 0\)'"):
        model.node_index(state)


class Tree:
    """A state of a game that is given as nested tuples (name, kind, children)."""

    def __init__(self, node, population=0):
        self._node, self._population = node, population

    def clone(self):
        return Tree(self._node, self._population)

    def observation_string(self, player):
        return self._node[0]

    def get_type(self):
        return pyspiel.StateType.__members__[self._node[1]]

    def mean_field_population(self):
        return self._population

    def rewards(self):
        return [0.0, 0.0]

    def legal_actions(self):
        return list(range(len(self._node[2])))

    def child(self, action):
        return Tree(self._node[2][action], self._population)

    def apply_action(self, action):
        self._node = self._node[2][action]


class Forest:
    """A game of one tree for each population."""

    def __init__(self, *trees):
        self._trees = trees

    def new_initial_states(self):
        return [Tree(tree, population) for population, tree in enumerate(self._trees)]


END = ("end", "TERMINAL", ())


@pytest.mark.parametrize(
    ("trees", "message"),
    [
        (
            [("a", "DECISION", (END, ("b", "DECISION", (END,))))],
            r"one type.*'TERMINAL': 'end', 'DECISION': 'b'",
        ),
        (
            [("a", "DECISION", (("a", "DECISION", (END,)),))],
            "two layers: 'a'",
        ),
        (
            [("a", "DECISION", (END,)), ("a", "DECISION", (END,))],
            "two populations: 'a'",
        ),
        ([("a", "DECISION", ())], "No action is legal at 'a'"),
    ],
)
def test_games_that_break_the_contract_are_refused(trees, message):
    with pytest.raises(ValueError, match=message):
        Enumeration(Forest(*trees)).walk(lambda layers: np.ones(1))


def test_first_visits_stand_for_their_nodes():
    end = [(name, "TERMINAL", ()) for name in "xyz"]
    tree = (
        "root",
        "DECISION",
        (
            ("a", "DECISION", (end[0], end[1])),
            ("b", "DECISION", (end[1], end[2], end[0])),
        ),
    )
    layers = Enumeration(Forest(tree)).walk(lambda layers: np.ones(1))
    assert [layer.names for layer in layers] == [["root"], ["a", "b"], ["x", "y", "z"]]
    edges = layers[1].edges
    assert edges.sources.tolist() == [0, 0, 1, 1, 1]
    assert edges.targets.tolist() == [0, 1, 1, 2, 0]
    assert edges.starts.tolist() == [0, 2]
    assert edges.branches == [[0, 1], [1]]
    assert layers[2].edges is None
