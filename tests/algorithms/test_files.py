"""Files that appear whole or not at all."""

import csv
import json
import multiprocessing
import os
import resource
import signal

import numpy as np
import pytest

from algorithms import array_file, files


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_file_replaces_an_earlier_one(tmp_path):
    for text in ("first\n", "second µ\n"):
        files.write_text(tmp_path / "page.md", text)
    assert (tmp_path / "page.md").read_bytes() == "second µ\n".encode()
    assert names(tmp_path) == ["page.md"]


def test_values_and_tables_are_read_back(tmp_path):
    values = {"game": "mfg_sis(horizon=4)", "lr": 0.1, "path": tmp_path, "none": None}
    files.write_json(tmp_path / "run.json", values)
    found = json.loads((tmp_path / "run.json").read_text("utf-8"))
    assert found == {**values, "path": str(tmp_path)}
    rows = [{"name": "a, b", "x": 0.1}, {"x": 0.2, "name": "c\nd"}]
    files.write_table(tmp_path / "rows.csv", rows)
    with open(tmp_path / "rows.csv", encoding="utf-8", newline="") as file:
        found = [{**row, "x": float(row["x"])} for row in csv.DictReader(file)]
    assert found == rows


def test_an_error_on_the_way_leaves_the_earlier_file_and_nothing_else(tmp_path):
    files.write_text(tmp_path / "page.md", "earlier")
    with (
        pytest.raises(ZeroDivisionError),
        files.replacing(tmp_path / "page.md") as own,
    ):
        own.write_text("half")
        assert own.parent == tmp_path and own.suffix == ".md"
        raise ZeroDivisionError
    assert (tmp_path / "page.md").read_text() == "earlier"
    assert names(tmp_path) == ["page.md"]


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "page.md"
    with files.replacing(path) as first, files.replacing(path) as second:
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # which ends last
    assert names(tmp_path) == ["page.md"]


def in_the_way(tmp_path):
    (tmp_path / "there").mkdir()
    return tmp_path / "there", IsADirectoryError


def no_directory(tmp_path):
    return tmp_path / "none" / "page.md", FileNotFoundError


def beneath_a_file(tmp_path):
    (tmp_path / "file").touch()
    return tmp_path / "file" / "page.md", NotADirectoryError


@pytest.mark.parametrize("place", [in_the_way, no_directory, beneath_a_file])
def test_a_place_that_takes_no_file_is_named(tmp_path, place):
    path, error = place(tmp_path)
    before = names(tmp_path)
    with pytest.raises(error) as caught:
        files.write_text(path, "text")
    assert str(caught.value).endswith(f": '{path}'")
    assert names(tmp_path) == before


def write_on_a_full_disk(path, answers):
    """What happens where no file may be larger than 100 kB."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        array_file.write(path, small=np.zeros(3), large=np.zeros(10**6))
    except OSError as error:
        answers.put((type(error), str(error)))


def test_a_full_disk_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "arrays.npz"
    array_file.write(path, x=np.arange(3))
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=write_on_a_full_disk, args=(path, answers))
    process.start()
    kind, text = answers.get(timeout=60)
    process.join()
    assert (kind, text) == (OSError, f"[Errno 27] File too large: '{path}'")
    np.testing.assert_array_equal(array_file.read(path)["x"], np.arange(3))
    assert names(tmp_path) == ["arrays.npz"]


def test_what_is_written_is_flushed_before_it_takes_the_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor):
        done.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def watched_replace(source, target):
        done.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    files.write_text(tmp_path / "page.md", "text")
    place, directory = (p.stat().st_ino for p in (tmp_path / "page.md", tmp_path))
    assert done == [place, "replace", directory]
