"""Directories of results: of one run, and of one process at a time."""

import errno
import json
import os
import subprocess
import sys

import pytest

from algorithms import directory, files, record

OF = {"settings": {"game": "a", "algorithm": "b", "parameters": {"lr": 0.1, "c": None}}}

HOLD = """
import pathlib, sys
from algorithms import directory
with directory.locked(pathlib.Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


def other(**parameters):
    settings = OF["settings"]
    return {"settings": settings | {"parameters": settings["parameters"] | parameters}}


def said(path):
    return json.loads((path / "run.json").read_text())


def claim(path, of=OF, **how):
    with directory.claimed(path, of, **how):
        (path / "exploitability.csv").write_text("mine")


def test_a_lock_dies_with_its_process(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        try:
            assert process.stdout.readline() == b"ready\n"
            with (
                pytest.raises(ValueError, match=f"in use by process {process.pid}: "),
                directory.locked(tmp_path),
            ):
                pass
        finally:
            process.kill()
    (tmp_path / f"{files.PARTIAL}run.json-1-0.json").write_text("half")
    with directory.locked(tmp_path):
        assert os.listdir(tmp_path) == [directory.LOCK]
    assert os.listdir(tmp_path) == []


def test_what_it_is_of_is_said_from_the_beginning(tmp_path):
    path = tmp_path / "a" / "b"
    with directory.claimed(path, OF):
        assert said(path) == {"status": "unfinished", **OF}
    assert said(path) == {"status": "finished", **OF}


def test_who_leaves_nothing_leaves_no_directory(tmp_path):
    path = tmp_path / "new"
    with pytest.raises(ValueError, match="wrong"), directory.claimed(path, OF):
        raise ValueError("wrong")
    assert not path.exists()
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(KeyboardInterrupt), directory.claimed(tmp_path, OF):
        (tmp_path / "table.csv").write_text("some")
        raise KeyboardInterrupt
    assert said(tmp_path)["status"] == "interrupted"
    with pytest.raises(OSError, match="full"), directory.claimed(tmp_path, OF):
        raise OSError("full")
    assert said(tmp_path)["error"] == "OSError: full"
    assert (tmp_path / "mine").read_text() == "kept"


def test_a_full_disk_is_found_out_at_the_start(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    monkeypatch.setattr(os, "fsync", full)
    path = tmp_path / "new"
    with pytest.raises(OSError, match=f"No space left .*{path / 'run.json'}"):
        claim(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("of", "message"),
    [
        (OF, "holds this run already: use --force or another --output_dir"),
        (other(lr=1), r"a run of lr=0\.1, this one has lr=1: use --force or another"),
        (other(c=2, d=3), "a run of c=None, no d, this one has c=2, d=3:"),
        (
            {"settings": {"game": "x", "algorithm": "b", "parameters": {}}},
            "a run of game=a, this one has game=x:",
        ),
    ],
)
def test_a_run_is_not_overwritten(tmp_path, of, message):
    claim(tmp_path)
    (tmp_path / "checkpoint.npz").touch()
    if of == OF:
        message = "holds this run already: use --resume to go on with it, --force to"
    with pytest.raises(ValueError, match=message):
        claim(tmp_path, of)
    assert said(tmp_path) == {"status": "finished", **OF}
    claim(tmp_path, of, force=True)
    assert said(tmp_path) == {"status": "finished", **of}
    assert not (tmp_path / "checkpoint.npz").exists()


def test_a_finished_run_without_a_checkpoint_is_not_overwritten_either(tmp_path):
    claim(tmp_path)
    with pytest.raises(ValueError, match="already: use --force or another"):
        claim(tmp_path)


def test_an_unfinished_run_is_not_overwritten_by_another(tmp_path):
    with pytest.raises(KeyboardInterrupt), directory.claimed(tmp_path, OF):
        (tmp_path / "log.csv").write_text("some")
        raise KeyboardInterrupt
    for of in (other(lr=1), {"script": "study"}):
        with pytest.raises(ValueError, match=r"holds a run of .*: use --force"):
            claim(tmp_path, of, results=())
    assert said(tmp_path)["status"] == "interrupted"
    assert (tmp_path / "log.csv").read_text() == "some"
    claim(tmp_path)  # there is nothing to go on from
    assert not (tmp_path / "log.csv").exists()


def test_results_of_nobody_knows_what_are_not_overwritten(tmp_path):
    (tmp_path / "exploitability.csv").write_text("hers")
    with pytest.raises(ValueError, match=r"holds exploitability\.csv of another run"):
        claim(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match="is no record of a run"):
        claim(tmp_path)
    assert (tmp_path / "exploitability.csv").read_text() == "hers"


def test_a_resumed_run_keeps_what_is_known(tmp_path):
    with pytest.raises(ValueError, match="no run to resume: leave out --resume"):
        claim(tmp_path / "new", resume=True)
    assert not (tmp_path / "new").exists()
    claim(tmp_path)
    (tmp_path / "checkpoint.npz").touch()
    files.write_json(tmp_path / "run.json", said(tmp_path) | {"iterations": 3})
    with pytest.raises(ValueError, match="this one has lr=2"):
        claim(tmp_path, other(lr=2), resume=True)
    with (
        pytest.raises(KeyboardInterrupt),
        directory.claimed(tmp_path, OF, resume=True),
    ):
        raise KeyboardInterrupt
    assert said(tmp_path) == {"status": "interrupted", "iterations": 3, **OF}
    (tmp_path / "run.json").write_text("torn")
    claim(tmp_path, resume=True)  # the checkpoint knows what it is of
    assert said(tmp_path) == {"status": "finished", **OF}


def test_games_differ_by_what_they_are_given():
    def of(game):
        return {"settings": {"game": game, "algorithm": "b"}}

    first, second = of("mfg_sis(horizon=3,infection=0.5)"), of("mfg_sis(horizon=4)")
    assert record.differences(first, second) == (
        "horizon=3, infection=0.5",
        "horizon=4, no infection",
    )
    assert record.differences(first, of("mfg_garnet(seed=1)")) == (
        "game=mfg_sis",
        "game=mfg_garnet",
    )


def test_a_record_is_a_mapping(tmp_path):
    path = tmp_path / "run.json"
    assert record.read(path) == {}
    for text in ("", "[1]", '{"a": ', "\xff"):
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(ValueError, match=rf"`{path}` is no record of a run: "):
            record.read(path)
