import gc
import weakref

import pyspiel
import pytest

from algorithms.model import load_model
from algorithms.model.array_model import ArrayModel
from algorithms.model.enumerated_model import EnumeratedModel
from mfg_games import sizes


def test_kind_follows_the_game():
    assert isinstance(load_model("mfg_test_two_roads"), ArrayModel)
    assert isinstance(load_model("mfg_crowd_modelling(size=3)"), EnumeratedModel)


def test_equal_games_share_a_model():
    game = pyspiel.load_game("mfg_beach_bar(size=5,horizon=2)")
    model = load_model(game)
    assert load_model(game) is model
    assert load_model("mfg_beach_bar(horizon=2,size=5)") is model
    assert load_model(game, "float32") is not model
    assert load_model("mfg_beach_bar(size=5,horizon=3)") is not model
    assert model.dtype == "float64"
    assert load_model(game, "float32").dtype == "float32"


def test_models_of_games_no_longer_used_are_freed():
    model = weakref.ref(load_model("mfg_beach_bar(size=4,horizon=1)"))
    assert model() is not None
    for size in range(5, 25):
        load_model(f"mfg_beach_bar(size={size},horizon=1)")
    gc.collect()
    assert model() is None


def test_wrong_dtype_is_refused():
    with pytest.raises(ValueError, match=r"`dtype` must be one of .*'float16'"):
        load_model("mfg_test_two_roads", "float16")


def test_other_games_are_refused():
    with pytest.raises(ValueError, match=r"tic_tac_toe.* is no mean field game"):
        load_model("tic_tac_toe")


@pytest.mark.parametrize("device", ["nonsense", "/CPU:7", "/TPU:0"])
def test_missing_device_is_refused(device):
    # TensorFlow by itself would compute somewhere else without a word.
    with pytest.raises(ValueError, match="device"):
        load_model("mfg_test_two_roads", device=device)


@pytest.mark.parametrize("device", ["/CPU:0", "/device:CPU:0", "cpu:0", "CPU"])
def test_devices_by_their_names(device):
    model = load_model("mfg_test_two_roads", device=device)
    flow = model.compiled_distribution(model.uniform_policy())
    assert flow.mass.device.endswith("CPU:0")


def test_a_game_whose_nodes_the_memory_does_not_hold_is_refused(monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: 2**30)
    game = pyspiel.load_game("mfg_sis(horizon=1000000000)")
    with pytest.raises(ValueError, match=r"`mfg_sis\(.*\)` has no room: 44\.7 GiB"):
        load_model(game)
