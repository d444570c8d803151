from collections.abc import Callable, Sequence

import pytest
import toy_dynamics  # noqa: F401  registers the games

from algorithms.solver import Solver


def _exploitabilities(solver: Solver, iterations: int) -> list[float]:
    found = [solver.exploitability]
    for _ in range(iterations):
        solver.iteration()
        found.append(solver.exploitability)
    return found


def _as_printed(value: float, printed: str) -> bool:
    """Whether a number rounds to the one printed, up or down at a half."""
    decimals = len(printed.partition(".")[2])
    return abs(value - float(printed)) <= 0.500001 * 10.0**-decimals


@pytest.fixture
def exploitabilities() -> Callable[[Solver, int], list[float]]:
    """Runs a solver: exploitability before and after each iteration."""
    return _exploitabilities


@pytest.fixture
def meets() -> Callable[[Solver, Sequence[int], str], None]:
    """Compares a solver's exploitability with a printed row, to the digits printed."""

    def check(solver: Solver, iterations: Sequence[int], row: str) -> None:
        found = _exploitabilities(solver, max(iterations))
        found = [found[k] for k in iterations]
        printed = row.split()
        assert len(printed) == len(iterations)
        assert all(map(_as_printed, found, printed)), f"{found} instead of {row}"

    return check
