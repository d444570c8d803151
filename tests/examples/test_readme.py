"""What the READMEs tell a newcomer to type works."""

import pathlib
import re
import sys

import pyspiel

ROOT = pathlib.Path(__file__).parents[2]


def python_blocks(name):
    text = (ROOT / name).read_text("utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_readmes_python_runs(capsys):
    (code,) = python_blocks("README.md")
    exec(compile(code, "README.md", "exec"), {})
    solver, metric = (float(line) for line in capsys.readouterr().out.split())
    assert solver < 1.0
    assert abs(solver - metric) < 1e-9


def test_the_game_of_the_contributing_page_conforms(tmp_path, monkeypatch):
    (code,) = python_blocks("CONTRIBUTING.md")
    (tmp_path / "two_shores.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    import two_shores  # noqa: F401 (registers)

    from mfg_games.conformance import check_game

    # The registered class lives as long as its module.
    assert "two_shores" in sys.modules
    check_game(pyspiel.load_game("mfg_two_shores(horizon=3)")).raise_if_failed()
