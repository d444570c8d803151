"""Every script explains itself, which it can only if all that it imports fits."""

import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(
    str(path.relative_to(EXAMPLES))
    for path in EXAMPLES.rglob("*.py")
    if 'if __name__ == "__main__"' in path.read_text("utf-8")
)
# One that imports another one with flags; all take two minutes.
_FEW = {"games_page.py"}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(name, marks=() if name in _FEW else pytest.mark.slow)
        for name in SCRIPTS
    ],
)
def test_help(script):
    command = [sys.executable, str(EXAMPLES / script), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in shown.stderr
    assert "--help" in shown.stdout, shown.stderr
