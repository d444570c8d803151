"""Records: rows, words, rates, and their way through a file."""

import math

import numpy as np
import pytest

from algorithms import array_file
from algorithms.history import Record, from_arrays, to_arrays, with_rates

MEASURED = Record(
    2,
    0.1,
    3.5,
    {"student_loss": 0.012344, "moves": 64.0, "moves_per_second": 51_200.0},
)


def test_rates_are_those_of_the_counts():
    found = with_rates({"loss": 0.5, "moves": 640, "updates": 10}, seconds=4.0)
    assert found == {
        "loss": 0.5,
        "moves": 640.0,
        "updates": 10.0,
        "moves_per_second": 160.0,
        "updates_per_second": 2.5,
    }
    assert with_rates({"loss": 0.5}, seconds=4.0) == {"loss": 0.5}
    assert with_rates({}, seconds=4.0) == {}
    assert with_rates({"moves": 8}, seconds=0.0) == {"moves": 8.0}


def test_a_row_has_the_columns_of_the_history_first():
    assert list(MEASURED.row.items())[:4] == [
        ("iteration", 2),
        ("exploitability", 0.1),
        ("seconds", "3.500000"),
        ("student_loss", 0.012344),
    ]


def test_a_summary_says_losses_and_rates():
    assert MEASURED.summary == "student loss 0.01234, 51.2k moves/s"
    assert Record(0, 1.0, 0.0).summary == ""


@pytest.mark.parametrize("history", [[], [Record(0, 1 / 3, 0.0)]])
def test_histories_without_metrics_come_back_from_a_file(tmp_path, history):
    assert _through_a_file(tmp_path, history) == history


def test_metrics_come_back_from_a_file_where_there_were_some(tmp_path):
    history = [
        Record(0, math.pi, 0.0),
        Record(1, 1e-300, 0.1, {"loss": 1 / 3, "moves": 64.0}),
        MEASURED,
    ]
    assert _through_a_file(tmp_path, history) == history


def _through_a_file(directory, history):
    array_file.write(directory / "history.npz", **to_arrays(history))
    arrays = array_file.read(directory / "history.npz")
    assert arrays["history"].dtype == np.float64
    return from_arrays(arrays)
