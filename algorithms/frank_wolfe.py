"""Frank-Wolfe on the flows (Frank & Wolfe 1956; Geist et al. 2021, section 4).

    policy <- uniform
    repeat: mu <- flow of the policy
            b <- best response to mu
            policy <- what the flow mu + step * (flow of b - mu) plays

In a game whose reward is the gradient of a concave utility of the flow, and whose
dynamics do not depend on it, this is Frank-Wolfe on the polytope of flows: a best
response maximises the linearised utility, and exploitability is the gap, at least
F* - F. Fictitious play is the step rule 1 / (k + 1).

The gradient along a direction of the polytope needs no rewards, only values: with Q and
V of any policy against the flow at which the gradient is taken, it is the sum of
direction * (Q - V) over nodes and actions, since the flow into a node is the flow out.

Away steps (Guelat & Marcotte 1986; Lacoste-Julien & Jaggi 2015) take mass off the worst
of the best responses that make up the flow, where that promises more than a new one.
"""

from __future__ import annotations

import math

import numpy as np
import pyspiel
import tensorflow as tf

from algorithms.policy import TIE_TOLERANCE, greedy
from algorithms.solver import Solver, State, Update
from mfg_games import parameters

AVERAGE, OPEN_LOOP, LINE_SEARCH = STEPS = ("1/(k+1)", "2/(k+2)", "line_search")

_MAX_SLOPES = 40  # that a line search evaluates
_FLAT = 1e-9  # share of the first slope at which it ends
_ROUNDING = 10  # times the machine's precision: weight that a dropped atom may keep


class FrankWolfe(Solver):
    """Frank-Wolfe: steps towards the best response, in the space of flows.

    Args:
      game: any OpenSpiel mean field game, or its string.
      step: "1/(k+1)" or "2/(k+2)" at iteration k = 1, 2, ..., or "line_search" for the
        best point between the flow and the best response's: there the slope, what
        the response gains over the policy, vanishes. Without a utility to maximise
        the search may go in circles.
      away_atoms: how many best responses to remember for away steps; 0 for none. They
        cost `away_atoms` policies of memory and need "line_search". When all are in
        use and another one comes, the two with the least weight are merged into one:
        the flow stays as it is, but the fast end of the convergence can be lost.
      dtype: "float64" or "float32".
      device: a TensorFlow device; None for TensorFlow's choice.

    Raises:
      ValueError: a parameter is out of range, or `away_atoms` is given on a game whose
        nodes depend on the flow.
    """

    largest_step = 1.0

    graph_options = ("_searches", "_atoms")

    def __init__(
        self,
        game: pyspiel.Game | str,
        step: str = AVERAGE,
        away_atoms: int = 0,
        dtype: str = "float64",
        device: str | None = None,
    ):
        parameters.one_of("step", step, STEPS)
        allowed = "0, or at least 2 with step=line_search"
        parameters.at_least("away_atoms", away_atoms, 0)
        valid = away_atoms == 0 or (away_atoms >= 2 and step == LINE_SEARCH)
        parameters.require(valid, "away_atoms", away_atoms, allowed)
        self._rule = step
        self._searches = step == LINE_SEARCH
        self._atoms = away_atoms
        super().__init__(game, dtype, device)

    def step_size(self) -> float:
        """The step of the coming iteration; of a line search, the longest one."""
        k = self.num_iterations + 1
        return {AVERAGE: 1 / (k + 1), OPEN_LOOP: 2 / (k + 2)}.get(self._rule, 1.0)

    def fresh_state(self) -> State:
        uniform = self.model.uniform_policy()
        if not self._atoms:
            return {"policy": uniform}
        fixed = not self.model.node_names()
        allowed = f"0 on `{self.model.game}`, whose nodes depend on the flow"
        parameters.require(fixed, "away_atoms", self._atoms, allowed)
        needed = self._atoms * math.prod(uniform.shape) * self.model.dtype.size
        parameters.fits(needed, away_atoms=self._atoms)
        first = self.model.compiled_distribution(uniform).mass[:, None] * uniform
        return {"atoms": _in_slot(first, 0, self._atoms)}

    def _policy(self, state: State) -> tf.Tensor:
        if not self._atoms:
            return state["policy"]
        return self._played(tf.reduce_sum(state["atoms"], axis=1))

    def _played(self, flow: tf.Tensor) -> tf.Tensor:
        """The policy of a flow, [D, A]; uniform where nobody comes."""
        total = tf.reduce_sum(flow, axis=-1, keepdims=True)
        policy = tf.math.divide_no_nan(flow, total)
        return tf.where(total > 0, policy, self.model.uniform_policy()[: flow.shape[0]])

    def _occupancy(self, policy: tf.Tensor) -> tf.Tensor:
        """The flow of a policy over nodes and actions, [D, A]."""
        return self.model.distribution(policy).mass[:, None] * policy

    def _update(self, state: State, step_size: tf.Tensor) -> Update:
        legal = self.model.legal_actions  # before the sweeps discover further nodes
        policy = self._policy(state)
        flow, values = self._sweep(policy)
        here = flow.mass[:, None] * policy
        best = greedy(values.best_q, legal, values.totals.resolution)
        response = self._occupancy(best)
        if self._atoms:
            gains = _advantage(policy, values.q)
            atoms = self._moved(state["atoms"], here, response, gains, step_size)
            return Update({"atoms": atoms}, flow, values.totals)
        if self._searches:
            first = tf.reduce_sum(response * _advantage(policy, values.q))
            step_size = self._line_search(here, response, first, step_size)
        played = self._played(_mixed(here, response, step_size))
        return Update({"policy": played}, flow, values.totals)

    def _line_search(self, here, target, first, longest) -> tf.Tensor:
        """The step up to `longest` at which the slope vanishes, by Illinois' rule.

        Args:
          here: [D, A], the current flow.
          target: [D, A], the flow that a step of 1 ends at.
          first: the slope at the step 0, per unit of `longest`.
          longest: the end of the search, negative for steps away from the target; the
            result where utility still rises there.
        """

        def slope(share):
            there = self._played(_mixed(here, target, share * longest))
            _, values = self._sweep(there)
            gains = _advantage(there, values.q)
            return longest * tf.reduce_sum((target - here) * gains)

        def unfinished(count, low, low_slope, high, high_slope, share, last):
            bracketed = (low_slope > 0) & (high_slope < 0)
            return bracketed & (count < _MAX_SLOPES) & (abs(last) > _FLAT * first)

        def secant(count, low, low_slope, high, high_slope, share, last):
            share = low + (high - low) * low_slope / (low_slope - high_slope)
            now = slope(share)
            rising = now > 0
            # An end that stays twice loses half of its slope, so that it moves.
            kept = tf.where(now * last > 0, tf.constant(0.5, now.dtype), 1.0)
            low, low_slope = (
                tf.where(rising, share, low),
                tf.where(rising, now, kept * low_slope),
            )
            high, high_slope = (
                tf.where(rising, high, share),
                tf.where(rising, kept * high_slope, now),
            )
            return count + 1, low, low_slope, high, high_slope, share, now

        one = tf.ones_like(first)
        end = slope(one)
        start = (0, 0 * one, first, one, end, one, end)
        *_, share, _ = tf.while_loop(unfinished, secant, start)
        return tf.where(first > 0, share * longest, 0.0)

    # ---- away steps: the flow as a sum of weighted responses, `atoms` [D, C, A] ------

    def _moved(self, atoms, here, response, gains, longest) -> tf.Tensor:
        """The atoms after a step towards the response or away from the worst atom."""
        weights = _weights(atoms)
        gained = tf.einsum("dca,da->c", atoms, gains)
        gained = tf.where(weights > 0, gained / weights, gained.dtype.max)
        worst = tf.argmin(gained)
        weight = tf.gather(weights, worst)  # an index [worst] would compile each time
        atom = tf.gather(atoms, worst, axis=1) / weight
        gap = tf.reduce_sum(response * gains)
        away = -tf.reduce_min(gained) > gap
        target = tf.where(away, atom, response)
        emptied = tf.math.divide_no_nan(weight, 1 - weight)
        longest *= tf.where(away, -emptied, 1.0)
        first = longest * tf.reduce_sum(target * gains)
        step = self._line_search(here, target, first, longest)
        slot = _in_slot(atom, worst, self._atoms)
        atoms = tf.where(
            away, _mixed(atoms, slot, step), _mixed(*_added(atoms, response), step)
        )
        kept = _weights(atoms) > _ROUNDING * np.finfo(atoms.dtype.as_numpy_dtype).eps
        return tf.where(kept[:, None], atoms, 0.0)


def _mixed(here: tf.Tensor, target: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
    """The flow a step towards a target, or away from it if negative."""
    return tf.maximum((1 - step) * here + step * target, 0.0)


def _advantage(policy: tf.Tensor, q: tf.Tensor) -> tf.Tensor:
    """What each action gains over the policy, [D, A]."""
    return q - tf.reduce_sum(policy * q, axis=-1, keepdims=True)


def _weights(atoms: tf.Tensor) -> tf.Tensor:
    """Shares of the flow, [C]."""
    total = tf.reduce_sum(atoms, axis=[0, 2])
    return total / tf.reduce_sum(total)


def _in_slot(flow: tf.Tensor, slot: tf.Tensor | int, count: int) -> tf.Tensor:
    """Atoms that are empty but for one, [D, C, A]."""
    return flow[:, None] * tf.one_hot(slot, count, dtype=flow.dtype)[:, None]


def _added(atoms: tf.Tensor, response: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The atoms with a slot for a response, and the response in it."""
    count = atoms.shape[1]
    weights = _weights(atoms)
    differences = abs(atoms / weights[:, None] - response[:, None])
    same = tf.reduce_max(differences, axis=[0, 2]) <= TIE_TOLERANCE[atoms.dtype]
    new = ~tf.reduce_any(same)
    lightest, second = tf.unstack(tf.argsort(weights)[:2])
    freed = tf.where(new, tf.gather(atoms, lightest, axis=1), 0.0)
    atoms += _in_slot(freed, second, count) - _in_slot(freed, lightest, count)
    slot = tf.where(new, lightest, tf.argmax(same, output_type=tf.int32))
    return atoms, _in_slot(response, slot, count)
