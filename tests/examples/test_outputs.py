"""The output directory of a script belongs to one run of it."""

import json
import pathlib
import sys

from absl import flags
import pytest

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

import outputs  # noqa: E402 (examples are scripts, not a package)


def run(*arguments, act=lambda output: None):
    """A script that does nothing but to write a table; what it ends with."""
    given = flags.FlagValues()
    flags.DEFINE_integer("seed", 0, "", flag_values=given)
    outputs.define_flags(given, "nowhere")
    given(["script.py", *arguments])
    try:
        with outputs.claimed("script", given) as output:
            (output / "table.csv").write_text(str(given.seed))
            act(output)
    except SystemExit as end:
        return end.code
    return 0


def interrupted(output):
    raise KeyboardInterrupt


def test_results_are_not_overwritten(tmp_path):
    where = f"--output_dir={tmp_path}"
    assert run(where, "--seed=1") == 0
    made = json.loads((tmp_path / "run.json").read_text())
    assert made == {"status": "finished", "script": "script", "flags": {"seed": 1}}
    assert "holds this run already: use --force" in run(where, "--seed=1")
    assert "holds a run of seed=1, this one has seed=2" in run(where, "--seed=2")
    assert (tmp_path / "table.csv").read_text() == "1"
    assert run(where, "--seed=2", "--force") == 0
    assert (tmp_path / "table.csv").read_text() == "2"


def test_tables_of_nobody_knows_what_are_not_overwritten(tmp_path):
    (tmp_path / "script.csv").write_text("hers")
    assert "holds script.csv of another run" in run(f"--output_dir={tmp_path}")
    assert (tmp_path / "script.csv").read_text() == "hers"


def test_an_interrupted_script_begins_again(tmp_path, capsys):
    where = f"--output_dir={tmp_path}"
    assert run(where, act=interrupted) == 130
    assert capsys.readouterr().err == "Interrupted by SIGINT.\n"
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "interrupted"
    assert run(where) == 0


@pytest.mark.parametrize("error", [ValueError, OSError, FloatingPointError])
def test_errors_that_can_be_expected_end_in_one_line(tmp_path, error):
    def fail(output):
        raise error("wrong")

    where = f"--output_dir={tmp_path / 'new'}"
    assert run(where, act=fail) == f"{error.__name__}: wrong"
    assert run(where) == 0
