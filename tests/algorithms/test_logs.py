"""Logs: every record is on disk at once; resumed runs go on without a seam."""

import csv
import sys

from measuring_solver import MeasuringSolver
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from algorithms.history import Record
from algorithms.logs import CsvLog, TensorBoardLog
from algorithms.run import run

MEASURED = ["loss", "moves", "moves_per_second"]
COLUMNS = ["iteration", "exploitability", "seconds", *MEASURED]


def measured(k):
    return {"loss": 1 / k, "moves": 64.0, "moves_per_second": 640.0 + k}


# Of a solver that measures from its first iteration on, and of one that never does.
HISTORY = [Record(k, 1 / 3**k, 0.1 * k, measured(k) if k else {}) for k in range(13)]
COMPUTED = [Record(k, 1 / 7**k, 0.2 * k) for k in range(13)]


def write(log, *records):
    for record in records:
        log(None, record)  # logs do not look at the solver


def write_broken(make_log):
    """Killed after a checkpoint at 3, killed in iteration 7, resumed at 3 again."""
    write(make_log(), *HISTORY[:4])
    write(make_log(), *HISTORY[3:7])
    write(make_log(), *HISTORY[3:9])


def rows(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def curves(directory):
    """Points (iteration, value) by name, as TensorBoard shows them."""
    accumulator = EventAccumulator(str(directory))
    accumulator.Reload()
    return {
        name: [(point.step, point.value) for point in accumulator.Scalars(name)]
        for name in accumulator.Tags()["scalars"]
    }


def test_a_row_of_the_table_holds_a_record_and_its_metrics(tmp_path):
    write(CsvLog(tmp_path / "log.csv"), *HISTORY[:3])
    assert [list(row.items()) for row in rows(tmp_path / "log.csv")] == [
        list(zip(COLUMNS, values, strict=True))
        for values in (
            ("0", "1.0", "0.000000", "", "", ""),
            ("1", str(1 / 3), "0.100000", "1.0", "64.0", "641.0"),
            ("2", str(1 / 9), "0.200000", "0.5", "64.0", "642.0"),
        )
    ]


def test_every_record_is_on_disk_before_the_next_iteration(tmp_path):
    path, directory = tmp_path / "log.csv", tmp_path / "curves"
    seen = []

    def look(solver, record):
        if record.iteration:
            numbers = [row["iteration"] for row in rows(path)]
            points = curves(directory)["exploitability"]
            seen.append((numbers[-1], len(numbers), len(points)))

    solver = MeasuringSolver("mfg_beach_bar(size=6,horizon=4)")
    callbacks = [CsvLog(path), TensorBoardLog(directory), look]
    run(solver, 3, callbacks=callbacks, progress=False)
    assert seen == [("1", 2, 2), ("2", 3, 3), ("3", 4, 4)]


def test_a_resumed_table_is_that_of_an_unbroken_run(tmp_path):
    path, unbroken = tmp_path / "log.csv", tmp_path / "unbroken.csv"
    write_broken(lambda: CsvLog(path))
    write(CsvLog(unbroken), *HISTORY[:9])
    assert path.read_bytes() == unbroken.read_bytes()
    assert [row["iteration"] for row in rows(path)] == [str(k) for k in range(9)]


def test_a_torn_row_is_cut(tmp_path):
    path = tmp_path / "log.csv"
    write(CsvLog(path), *HISTORY[:12])
    before = path.read_bytes()
    path.write_bytes(before + b"1")  # of 12
    write(CsvLog(path), HISTORY[11])
    assert path.read_bytes() == before


def test_a_solver_that_measures_nothing_leaves_no_table(tmp_path):
    path = tmp_path / "log.csv"
    write(CsvLog(path), *HISTORY[:3])
    assert path.exists()
    write(CsvLog(path), *COMPUTED[:3])
    assert not path.exists()


def test_a_new_run_replaces_the_table(tmp_path):
    path = tmp_path / "log.csv"
    write(CsvLog(path), *HISTORY[:6])
    write(CsvLog(path), *HISTORY[:3])
    assert len(rows(path)) == 3


def test_a_table_grows_columns(tmp_path):
    more = [Record(k, 1.0, 0.0, {**measured(k), "distance": 2.0}) for k in (3, 4)]
    write(CsvLog(tmp_path / "log.csv"), *HISTORY[:3], *more)
    found = rows(tmp_path / "log.csv")
    assert [row["distance"] for row in found] == ["", "", "", "2.0", "2.0"]
    assert [row["loss"] for row in found] == ["", "1.0", "0.5", str(1 / 3), "0.25"]


def test_a_file_that_is_no_log_is_not_replaced(tmp_path):
    path = tmp_path / "log.csv"
    table = "name,age\nAda,36\n"
    path.write_text(table)
    with pytest.raises(ValueError, match=r"log\.csv` is no log of a run.*'name'"):
        write(CsvLog(path), HISTORY[2])
    assert path.read_text() == table


def test_curves_hold_records_and_metrics(tmp_path, monkeypatch):
    directory = tmp_path / "of" / "run"
    with monkeypatch.context() as patch:  # who writes does not need the package
        patch.setitem(sys.modules, "tensorboard", None)
        write(TensorBoardLog(directory), *HISTORY[:5])
    found = curves(directory)
    assert set(found) == set(COLUMNS) - {"iteration"}
    for name in ("exploitability", "seconds"):
        values = [(r.iteration, pytest.approx(getattr(r, name))) for r in HISTORY[:5]]
        assert found[name] == values
    for name in MEASURED:
        values = [(k, pytest.approx(measured(k)[name])) for k in range(1, 5)]
        assert found[name] == values


def test_resumed_curves_are_those_of_an_unbroken_run(tmp_path):
    write_broken(lambda: TensorBoardLog(tmp_path / "curves"))
    write(TensorBoardLog(tmp_path / "unbroken"), *HISTORY[:9])
    found = curves(tmp_path / "curves")
    assert found == curves(tmp_path / "unbroken")
    assert [step for step, _ in found["exploitability"]] == list(range(9))


def test_new_curves_replace_those_of_an_earlier_run(tmp_path):
    write_broken(lambda: TensorBoardLog(tmp_path))
    (tmp_path / "note.txt").write_text("not ours")
    write(TensorBoardLog(tmp_path), *COMPUTED[:3])
    assert set(curves(tmp_path)) == {"exploitability", "seconds"}
    assert len(curves(tmp_path)["exploitability"]) == 3
    write(TensorBoardLog(tmp_path), *COMPUTED[2:5])
    assert len(curves(tmp_path)["exploitability"]) == 5
    names = sorted(path.suffix for path in tmp_path.iterdir())
    assert names == [".000003", ".000004", ".txt"]
