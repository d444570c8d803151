"""Oracle, teachers and students of the study of teacher hacking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import dataclasses

from experiments import Runs, Solved, run_solver
import numpy as np
import tensorflow as tf
import tqdm

from algorithms import catalogue
from algorithms.deep.deep_fictitious_play import DeepFictitiousPlay
from algorithms.deep.distillation import Student, StudentConfig
from algorithms.deep.networks import NetworkSpec
from algorithms.deep.players import world
from algorithms.fictitious_play import FictitiousPlay
from algorithms.model import MeanFieldModel, load_model
from algorithms.solver import Solver
from mfg_games.settings import setting

ORACLE, TEACHER = "oracle", "teacher"
ROOMS, BAR = "four rooms", "beach bar"
ONLINE = {"data": "online"}
SOFT = {"targets": "soft"}
_RESPONSES = {"learning_rate": 5e-3, "acting": "policy", "batch_size": 256}


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is computed.

    Attributes:
      games: by name, their strings.
      oracle_iterations: of exact fictitious play.
      responses: learnt best responses in the teacher, few and many.
      updates: gradient steps of a learnt best response.
      reservoirs: the teacher's games in fixed data, from few to many.
      fresh: new games online, before every `every` gradient steps.
      steps: gradient steps of a student.
      every: gradient steps of a phase.
      betas: shares of the backward divergence.
      anchor: weight of the anchor; 0 for no such students.
    """

    games: Mapping[str, str]
    oracle_iterations: int = 300
    responses: tuple[int, int] = (20, 150)
    updates: int = 1000
    reservoirs: tuple[int, ...] = (20, 200, 2000)
    fresh: int = 128
    steps: int = 10_000
    every: int = 50
    betas: tuple[float, ...] = (0.5, 1.0)
    anchor: float = 10.0

    def students(self) -> dict[str, dict]:
        """All students of the best teacher: label -> what their configuration sets."""
        fresh = ONLINE | {"games": self.fresh}
        found = {}
        for targets in ("hard", "soft"):
            choice = {"targets": targets}
            for games in self.reservoirs:
                found[offline(games, targets)] = choice | {"games": games}
            found[online(targets)] = choice | fresh
        few = {"games": self.reservoirs[0]}
        for beta in self.betas:
            choice = SOFT | {"beta": beta}
            found[f"{online('soft')}, beta {beta:g}"] = choice | fresh
            found[f"{offline(few['games'], 'soft')}, beta {beta:g}"] = choice | few
        for targets in ("hard", "soft") if self.anchor else ():
            choice = few | {"targets": targets, "anchor_weight": self.anchor}
            found[f"{offline(few['games'], targets)}, anchor"] = choice
        return found

    def few_students(self) -> dict[str, dict]:
        """Those of the teacher of few responses."""
        labels = (offline(self.reservoirs[0], "soft"), online("soft"))
        return {label: self.students()[label] for label in labels}


FULL = Scale(
    {
        ROOMS: setting("four_rooms_deep_2022").game_string,
        BAR: setting("beach_bar_2020").game_string,
    }
)
FAST = Scale(
    {
        ROOMS: "mfg_exploration(layout=four_rooms,horizon=10)",
        BAR: "mfg_beach_bar(size=30,horizon=10)",
    },
    oracle_iterations=50,
    responses=(5, 20),
    updates=200,
    reservoirs=(10, 100),
    steps=1000,
    every=25,
    betas=(),
    anchor=0.0,
)


def offline(games: int, targets: str) -> str:
    """Label of a student of fixed data."""
    return f"offline, {games} games, {targets}"


def online(targets: str) -> str:
    """Label of a student of fresh games."""
    return f"online, {targets}"


@dataclasses.dataclass(frozen=True)
class Lesson:
    """What a student went through; arrays [points].

    Attributes:
      steps: gradient steps done.
      loss: mean of the last phase.
      seen: divergence from the teacher at the nodes in the first data, as they come.
      proxy: divergence from the teacher on the teacher's flow.
      golden: divergence from the oracle on the oracle's flow.
      exploitability: of the student.
    """

    steps: np.ndarray
    loss: np.ndarray
    seen: np.ndarray
    proxy: np.ndarray
    golden: np.ndarray
    exploitability: np.ndarray


@dataclasses.dataclass(frozen=True)
class School:
    """One oracle and one teacher.

    Attributes:
      distance: divergence of the teacher from the oracle, on the oracle's flow.
      oracle, teacher: exploitabilities.
      lessons: by the students' labels.
    """

    distance: float
    oracle: float
    teacher: float
    lessons: dict[str, Lesson]


Schools = dict[tuple[str, int], School]  # by game and number of responses


def attend(scale: Scale, seed: int) -> tuple[Schools, Runs]:
    """All students of all teachers, and how oracles and teachers came about."""
    schools, runs = {}, {}
    few, many = scale.responses
    for name, game in scale.games.items():
        oracle, runs[name, ORACLE] = solve(
            FictitiousPlay(game), name, ORACLE, [scale.oracle_iterations]
        )
        options = {f"dqn_{option}": value for option, value in _RESPONSES.items()}
        solver = DeepFictitiousPlay.make(
            game, seed=seed, dqn_updates=scale.updates, **options
        )
        teachers, runs[name, TEACHER] = solve(solver, name, TEACHER, scale.responses)
        model = load_model(catalogue.load_game(game))
        for number, students in (few, scale.few_students()), (many, scale.students()):
            policies = oracle[scale.oracle_iterations], teachers[number]
            schools[name, number] = teach_all(model, *policies, students, scale, seed)
    return schools, runs


def solve(
    solver: Solver, name: str, label: str, iterations: Sequence[int]
) -> tuple[dict[int, np.ndarray], Solved]:
    """The policies [D, A] after some iterations, and the run until the last one."""
    policies = {}

    def watch(solver, record):
        if record.iteration in iterations:
            probabilities = solver.get_policy().probabilities
            policies[record.iteration] = np.asarray(probabilities, np.float64)

    return policies, run_solver(name, label, solver, max(iterations), [watch])


def teach_all(
    model: MeanFieldModel,
    oracle: np.ndarray,
    teacher: np.ndarray,
    students: Mapping[str, Mapping],
    scale: Scale,
    seed: int,
) -> School:
    """Teaches one student after another; policies are [D, A]."""
    lessons = {}
    for label, choice in students.items():
        choice = {"updates": scale.every, **choice}
        if choice.get("data") != "online":
            moves = choice["games"] * model.game.max_game_length()
            choice["reservoir_capacity"] = moves
        config = StudentConfig(**choice)
        lessons[label] = teach(
            model, oracle, teacher, config, scale.steps // scale.every, seed, label
        )
    return School(
        divergence(mass(model, oracle), oracle, teacher),
        exploitability(model, oracle),
        exploitability(model, teacher),
        lessons,
    )


def teach(
    model: MeanFieldModel,
    oracle: np.ndarray,
    teacher: np.ndarray,
    config: StudentConfig,
    phases: int,
    seed: int,
    label: str,
) -> Lesson:
    """One student's lesson, measured after phases that are spaced like powers."""
    spec = NetworkSpec(model.observations.shape[-1], model.num_actions)
    student = Student(spec, config, seed, model.game.max_game_length())
    flow = model.compiled_distribution(model.as_tensor(teacher))
    here = world(model, flow, model.observations)
    shown = tf.constant(teacher, tf.float32)
    student.watch(here, shown, 0)
    seen = student.visits(len(teacher)).astype(np.float64)
    marks = set(np.geomspace(1, phases, 16).round().astype(int))
    laws = mass(model, teacher), mass(model, oracle)
    points = []
    for phase in tqdm.trange(1, phases + 1, desc=label):
        if config.data == "online" and phase > 1:
            student.watch(here, shown, phase)
        loss = student.learn(here, phase)
        if phase in marks:
            policy = student.policy(here).numpy().astype(np.float64)
            policy /= policy.sum(axis=1, keepdims=True)  # was rounded
            points.append(
                [
                    phase * config.updates,
                    loss,
                    divergence(seen, teacher, policy),
                    divergence(laws[0], teacher, policy),
                    divergence(laws[1], oracle, policy),
                    exploitability(model, policy),
                ]
            )
    return Lesson(*np.array(points).T)


def divergence(law: np.ndarray, policy: np.ndarray, other: np.ndarray) -> float:
    """KL(policy || other) in nats, policies [D, A]; a mean over the nodes' law [D]."""
    smallest = np.finfo(np.float32).tiny  # of a network's softmax, which may underflow
    played = np.where(policy > 0, policy, 1)
    terms = policy * (np.log(played) - np.log(np.maximum(other, smallest)))
    return float(law @ terms.sum(axis=1) / law.sum())


def mass(model: MeanFieldModel, policy: np.ndarray) -> np.ndarray:
    """How many come to each node, [D]."""
    return model.compiled_distribution(model.as_tensor(policy)).mass.numpy()


def exploitability(model: MeanFieldModel, policy: np.ndarray) -> float:
    """NashConv of a policy [D, A]."""
    rows = model.as_tensor(policy)
    flow = model.compiled_distribution(rows)
    return float(model.compiled_evaluate(rows, flow).totals.exploitability)
