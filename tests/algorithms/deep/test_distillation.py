"""Students of known teachers, with a row of weights for each node."""

import numpy as np
import pytest
import tensorflow as tf

from algorithms.deep.distillation import Student, StudentConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import world
from algorithms.fictitious_play import average_policy
from algorithms.model import load_model
from algorithms.regularisers import softmax

GAME = "mfg_test_random(seed=1,states=4,horizon=3)"
TABLE = {
    "depth": 0,
    "learning_rate": 0.03,
    "updates": 1000,
    "games": 128,
    "batch_size": 128,
    "averaging": 0.98,
}


class Classroom:
    """A game's uniform flow, two teachers and students of theirs."""

    def __init__(self):
        self.model = load_model(GAME)
        nodes = self.model.num_nodes
        flow = self.model.compiled_distribution(self.model.uniform_policy())
        self.world = world(self.model, flow, tf.eye(nodes))
        scores = tf.random.stateless_normal((2, nodes, self.model.num_actions), (0, 1))
        self.teachers = [softmax(4 * rows, self.world.legal) for rows in scores]
        self.length = self.model.game.max_game_length()

    def student(self, seed: int = 5, **changes) -> Student:
        spec = NetworkSpec(self.model.num_nodes, self.model.num_actions)
        return Student(spec, StudentConfig(**(TABLE | changes)), seed, self.length)

    def mass(self, teacher: tf.Tensor) -> tf.Tensor:
        return self.model.compiled_distribution(tf.cast(teacher, tf.float64)).mass


@pytest.fixture(scope="module")
def room() -> Classroom:
    return Classroom()


def gap(room: Classroom, found: tf.Tensor, expected: tf.Tensor) -> float:
    """Total variation, a mean over the flow of what is expected."""
    distances = 0.5 * np.abs(found - np.asarray(expected)).sum(axis=1)
    mass = room.mass(expected).numpy()
    return float(mass @ distances / mass.sum())


def test_a_reservoir_holds_the_average_of_its_teachers(room, seed):
    """The average by mass, which is not that of the probabilities."""
    student = room.student(seed, games=2000)
    for phase, teacher in enumerate(room.teachers):
        student.watch(room.world, teacher, phase)
    for phase in range(3):
        student.learn(room.world, phase)
    first, second = (tf.cast(teacher, tf.float64) for teacher in room.teachers)
    masses = [room.mass(teacher) for teacher in room.teachers]
    expected = average_policy(masses[0], first, masses[1], second, first)
    found = student.policy(room.world)
    assert gap(room, found, expected) < 0.02
    assert gap(room, (first + second) / 2, expected) > 0.05


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_soft_targets_show_the_whole_teacher(room, beta, seed):
    """Few games: hard targets would be as far away as their actions are random."""
    games = {"games": 40, "data": "online"}
    teacher = room.teachers[0]
    gaps = {}
    for targets in ({"targets": "soft", "beta": beta}, {"targets": "hard"}):
        student = room.student(seed, **games, **targets)
        student.watch(room.world, teacher, 0)
        for phase in range(2):
            student.learn(room.world, phase)
        gaps[targets["targets"]] = gap(room, student.policy(room.world), teacher)
    assert gaps["soft"] < 0.01
    assert gaps["hard"] > 0.03


def test_online_students_forget_former_teachers(room, seed):
    student = room.student(seed, data="online", targets="soft")
    for phase, teacher in enumerate(room.teachers):
        student.watch(room.world, teacher, phase)
        student.learn(room.world, phase)
    found = student.policy(room.world)
    assert gap(room, found, room.teachers[1]) < 0.02
    assert gap(room, found, room.teachers[0]) > 0.2


def test_an_anchor_holds_the_student_back(room, seed):
    """Of its way to the teacher it goes 95% alone, and 12% with an anchor."""
    left = []
    for weight in (0.0, 30.0):
        student = room.student(seed, targets="soft", anchor_weight=weight, updates=100)
        start = gap(room, student.policy(room.world), room.teachers[0])
        student.watch(room.world, room.teachers[0], 0)
        for phase in range(2):
            student.learn(room.world, phase)
        end = gap(room, student.policy(room.world), room.teachers[0])
        left.append(end / start)
    assert left[0] < 0.15
    assert 0.8 < left[1] < 0.95


def test_temperature_flattens_the_policy_alone(room):
    students = [room.student(temperature=t, updates=100) for t in (1.0, 4.0)]
    for student in students:
        student.watch(room.world, room.teachers[0], 0)
        student.learn(room.world, 0)
    sharp, flat = (student.policy(room.world).numpy() for student in students)
    root = np.where(room.world.legal, sharp, 0) ** 0.25
    expected = root / root.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(flat, expected, atol=1e-6)


def test_games_start_anew_with_each_teacher(room):
    """Three decisions a game; OpenSpiel counts nodes without a choice besides."""
    student = room.student(games=7)
    for phase in range(2):
        student.watch(room.world, room.teachers[0], phase)
    rows = student.variables["samples/rows"].numpy()[: 2 * 7 * room.length, 0]
    starts = np.isin(rows, room.world.start_rows).reshape(2, room.length, 7)
    assert starts[:, ::3].all()
    assert starts.sum() == starts[:, ::3].size


def test_phases_are_traced_once_and_repeatable(room):
    students = [room.student(updates=5, games=4) for _ in range(2)]
    for student in students:
        for phase in range(3):
            student.watch(room.world, room.teachers[0], phase)
            student.learn(room.world, phase)
        assert student._watch.experimental_get_tracing_count() == 1
        assert student._learn.experimental_get_tracing_count() == 1
    first, second = (student.variables for student in students)
    for name, variable in first.items():
        np.testing.assert_array_equal(variable, second[name], name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "both"}, "data='both'"),
        ({"targets": "firm"}, "targets='firm'"),
        ({"updates": 0}, "updates=0"),
        ({"games": 0}, "games=0"),
        ({"reservoir_capacity": 0}, "reservoir_capacity=0"),
        ({"targets": "soft", "beta": 1.5}, "beta=1.5"),
        ({"beta": 0.5}, "0 with targets='hard'.*beta=0.5"),
        ({"smallest_probability": 0.0}, "smallest_probability=0.0"),
        ({"averaging": 1.0}, "averaging=1.0"),
        ({"anchor_weight": -1.0}, "anchor_weight=-1.0"),
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_errors_name_the_parameter(changes, message):
    with pytest.raises(ValueError, match=message):
        StudentConfig(**changes)
