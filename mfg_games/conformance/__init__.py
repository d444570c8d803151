"""The conformance kit: what every OpenSpiel mean field game must get right.

    from mfg_games.conformance import check_game
    check_game("my_game(size=5)").raise_if_failed()

or, from the command line,

    python -m mfg_games.conformance "my_game(size=5)" --import_module=my_package.game

Small instances are checked best: every layer within the limit on states is walked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import pyspiel

from mfg_games.conformance import (
    copies,
    distributions,
    evaluators,
    functions,
    names,
    observations,
    precision,
    rewards,
    signature,
    solvers,
    structure,
)
from mfg_games.conformance.report import (
    ConformanceError,
    Failure,
    NotApplicableError,
    Report,
)
from mfg_games.conformance.subject import Findings, Subject

__all__ = ["CHECKS", "ConformanceError", "Failure", "Report", "check_game"]

# Where one of these fails the others would only say so once more, in other words.
_FIRST = (
    functions.function_shapes,
    functions.array_types,
    functions.transition_laws,
)
CHECKS = (
    signature.annotations,
    *_FIRST,
    functions.reward_range,
    precision.single_precision,
    solvers.tensors,
    solvers.solver_steps,
    structure.walk,
    structure.random_play,
    structure.random_simulation,
    structure.api,
    structure.populations,
    structure.strings,
    structure.lockstep,
    structure.chance,
    structure.actions,
    structure.lengths,
    distributions.support,
    distributions.mass,
    distributions.wrong_distributions,
    rewards.rewards,
    rewards.returns,
    rewards.rewards_by_string,
    rewards.dynamics_by_string,
    rewards.empty_cells,
    rewards.utilities,
    observations.observation_size,
    observations.observation_distinct,
    observations.observation_by_string,
    copies.clone,
    copies.deepcopy,
    copies.pickled,
    copies.serialized,
    copies.game_copies,
    copies.reload,
    names.short_name,
    evaluators.nash_conv,
)


def check_game(
    game: pyspiel.Game | str,
    *,
    max_states: int = 20_000,
    names_before: Collection[str] | None = None,
    seed: int = 0,
) -> Report:
    """Examines a mean field game and reports all that is wrong with it.

    Every check runs, whatever the others find, unless a game's functions return what
    no player can play; a check that fails with an exception is a failure with it.

    Args:
      game: any OpenSpiel mean field game, or the string that loads it.
      max_states: the walk by layers ends before the layer that would need more
        states than this; the report then says so.
      names_before: short names that were registered before the game's module was
        imported; by default those that OpenSpiel itself registers.
      seed: seed of the random plays.

    Raises:
      ValueError: `game` is no mean field game, or `max_states` is not positive.
    """
    if isinstance(game, str):
        game = pyspiel.load_game(game)
    if game.get_type().dynamics != pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise ValueError(f"`game` must be a mean field game. Received: game={game}")
    if max_states < 1:
        raise ValueError(
            f"`max_states` must be at least 1. Received: max_states={max_states}"
        )
    subject = Subject(game, max_states, names_before, seed)
    passed, failures, not_applicable = [], [], {}
    unplayable = None
    for check in CHECKS:
        name = check.__name__
        if unplayable:
            not_applicable[name] = f"mend first what [{unplayable}] names"
            continue
        try:
            found = list(_failures(check, subject))
        except NotApplicableError as reason:
            not_applicable[name] = str(reason)
            continue
        failures += found
        if not found:
            passed.append(name)
        elif check in _FIRST:
            unplayable = name
    return Report(
        str(game), tuple(passed), tuple(failures), not_applicable, _notes(subject)
    )


def _failures(check: Callable[[Subject], Findings], subject: Subject) -> Iterator:
    name = check.__name__
    try:
        # Probes such as empty cells make NumPy warn; the checks judge the results.
        with np.errstate(all="ignore"):
            for finding in check(subject):
                yield Failure(name, *finding)
    except NotApplicableError:
        raise
    except Exception as error:  # a crash is a finding and hides no other
        yield Failure(
            name,
            "the check runs to its end",
            f"{type(error).__name__}: {error}",
            "the game raises where it must not; see the other failures first",
        )


def _notes(subject: Subject) -> tuple[str, ...]:
    if not subject.walk.cut:
        return ()
    return (
        f"the walk made {subject.max_states} states and ended after "
        f"{len(subject.walk.layers)} layers: deeper layers were seen in random play "
        "only. Check a smaller instance, or raise max_states.",
    )
