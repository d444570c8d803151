"""Arrays on disk: what is not as it was written is refused, whatever happened to it."""

import os
import zipfile

import numpy as np
import pytest

from algorithms import array_file
from mfg_games import sizes

ARRAYS = {
    "x": np.arange(12, dtype=np.float64).reshape(3, 4) / 7,
    "by_columns": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
    "names": np.array(["t=0", "µ"]),
    "none": np.zeros((0, 2), bool),
    "no_names": np.array([], dtype=np.str_),
    "text": np.array('{"game": "mfg_sis"}'),
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "arrays.npz"
    array_file.write(path, **ARRAYS)
    return path


def assert_equal(found):
    assert found.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_arrays_are_read_back(path):
    assert_equal(array_file.read(path, x="f2", by_columns="i2", names="U1", text="U0"))


def truncated(whole, rng):
    return whole[: rng.integers(len(whole))]


def with_a_bit_flipped(whole, rng):
    changed = bytearray(whole)
    changed[rng.integers(len(whole))] ^= 1 << rng.integers(8)
    return changed


def with_bytes_inserted(whole, rng):
    place = rng.integers(len(whole))
    return whole[:place] + rng.bytes(rng.integers(1, 40)) + whole[place:]


def with_bytes_removed(whole, rng):
    place = rng.integers(len(whole))
    return whole[:place] + whole[place + rng.integers(1, 40) :]


def with_bytes_swapped(whole, rng):
    changed = bytearray(whole)
    one, other = rng.integers(len(whole), size=2)
    changed[one], changed[other] = changed[other], changed[one]
    return changed


def with_a_block_of_zeros(whole, rng):
    place = rng.integers(len(whole))
    return whole[:place] + bytes(len(whole[place : place + 64])) + whole[place + 64 :]


DAMAGES = [
    truncated,
    with_a_bit_flipped,
    with_bytes_inserted,
    with_bytes_removed,
    with_bytes_swapped,
    with_a_block_of_zeros,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_refused_or_has_equal_arrays(path, damage):
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        path.write_bytes(damage(whole, rng))
        try:
            assert_equal(array_file.read(path))
        except ValueError as error:
            assert str(path) in str(error)
            assert len(str(error).splitlines()) == 1
            refused += 1
    # The rest hits what says nothing of the arrays: the times of the members.
    assert refused > 30


def test_each_byte_of_the_header_of_an_array_counts(path):
    whole = path.read_bytes()
    start = whole.index(b"\x93NUMPY")
    for place in range(start, start + 128):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises(ValueError, match="is damaged"):
            array_file.read(path)


def an_array_alone(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def pickled(path):
    np.savez(path, x=np.array([{"a": 1}], dtype=object))


def much_larger_when_unpacked(path):
    np.savez_compressed(path, x=np.zeros(10**6))


def of_more_numbers_than_it_holds(path):
    with zipfile.ZipFile(path, "w") as archive:
        header = "{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,)}"
        header = header.ljust(117) + "\n"
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00\x76\x00" + header.encode())


def another_archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", "no array")


def empty(path):
    path.write_bytes(b"")


def missing(path):
    path.unlink()


def a_directory(path):
    path.unlink()
    path.mkdir()


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


OTHERS = [
    an_array_alone,
    pickled,
    much_larger_when_unpacked,
    of_more_numbers_than_it_holds,
    another_archive,
    empty,
    missing,
    a_directory,
    a_pipe,
]


@pytest.mark.parametrize("other", OTHERS)
def test_what_is_no_file_of_arrays_is_refused(path, other):
    other(path)
    with pytest.raises(ValueError) as caught:
        array_file.read(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_arrays_that_the_memory_does_not_hold_are_refused(path, monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: 100)
    with pytest.raises(ValueError, match=r"more than the .* GiB of memory"):
        array_file.read(path)


def test_arrays_of_another_kind_are_refused(path):
    with pytest.raises(ValueError, match=r"lacks the arrays \['names', 'x', 'y'\]"):
        array_file.read(path, x="f1", names="f1", y="f1", text="U0")
