"""OpenSpiel's own tests of its mean field algorithms, run on the modules here.

Each is what OpenSpiel's wheel ships, but that one import or all of them come from
`algorithms` in place of `open_spiel.python.mfg.algorithms`.
"""

import pathlib
import re
import types
import unittest

from open_spiel.python.mfg import algorithms as openspiels
import pytest

FOLDER = pathlib.Path(openspiels.__file__).parent
THEIRS = "from open_spiel.python.mfg.algorithms import "

# Their number is that of a table which is read while it is written: the values of a
# state change what is played at the next one within the same evaluation. Ours is the
# algorithm of the paper, and Munchausen's test of the same game has the paper's number.
OTHER_NUMBERS = {"mirror_descent_test": 2.27366}


def module(name: str, pattern: str) -> types.ModuleType:
    """A test module of OpenSpiel, with some imports replaced."""
    path = FOLDER / f"{name}.py"
    source, replaced = re.subn(
        rf"^{re.escape(THEIRS)}({pattern})$",
        r"from algorithms import \1",
        path.read_text(),
        flags=re.MULTILINE,
    )
    assert replaced
    if "jax" in source:
        pytest.importorskip("jax")
    made = types.ModuleType(f"openspiels_{name}")
    exec(compile(source, path, "exec"), vars(made))
    return made


def failures(made: types.ModuleType) -> dict[str, str]:
    """What fails, by the test's name."""
    result = unittest.TestResult()
    suite = unittest.defaultTestLoader.loadTestsFromModule(made)
    assert suite.countTestCases()
    suite.run(result)
    assert result.testsRun == suite.countTestCases()
    return {test.id(): text for test, text in result.failures + result.errors}


NAMES = sorted(path.stem for path in FOLDER.glob("*_test.py"))
QUICK = {"best_response_value_test", "nash_conv_test", "policy_value_test"}
SLOW_OR_NOT = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in NAMES
]


def check(name: str, pattern: str) -> None:
    failed = failures(module(name, pattern))
    if name in OTHER_NUMBERS:
        assert failed
        expected = f"{OTHER_NUMBERS[name]}"
        assert all(expected in text for text in failed.values()), failed
    else:
        assert not failed, failed


@pytest.mark.parametrize("name", SLOW_OR_NOT)
def test_with_the_module_under_test_from_here(name):
    check(name, name.removesuffix("_test"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_with_all_modules_from_here(name):
    check(name, r"\w+")
