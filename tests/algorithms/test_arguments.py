"""Options of solvers as text: types, names and what mistakes say."""

import dataclasses

import pytest

from algorithms import arguments, catalogue
from algorithms.mirror_descent import MirrorDescent


@dataclasses.dataclass(frozen=True)
class Config:
    width: int = 8
    rate: float = 1.0
    anchored: bool = False


class Configured(MirrorDescent):
    """Takes some options by way of a configuration, as deep solvers do."""

    def __init__(self, game, config: Config = Config(), preset=None):
        super().__init__(game)

    @classmethod
    def options(cls):
        return {"preset": "ours", **dataclasses.asdict(Config())}


@pytest.mark.parametrize(
    ("algorithm", "texts", "expected"),
    [
        ("mirror_descent", {"lr": "1"}, {"lr": 1.0}),
        ("mirror_descent", {"regulariser": "tsallis"}, {"regulariser": "tsallis"}),
        ("fictitious_play", {"lr": "none"}, {"lr": None}),
        ("fictitious_play", {"lr": "5e-1"}, {"lr": 0.5}),
        ("q_learning_fictitious_play", {"episodes": "100"}, {"episodes": 100}),
    ],
)
def test_texts_become_what_the_constructor_declares(algorithm, texts, expected):
    parsed = arguments.parse(algorithm, texts)
    assert parsed == expected
    assert [type(v) for v in parsed.values()] == [type(v) for v in expected.values()]


def test_a_configuration_s_fields_are_options(monkeypatch):
    monkeypatch.setattr(catalogue, "solver_class", lambda name: Configured)
    texts = {"width": "3", "rate": "2", "anchored": "true", "preset": "released"}
    expected = {"width": 3, "rate": 2.0, "anchored": True, "preset": "released"}
    assert arguments.parse("configured", texts) == expected


@pytest.mark.parametrize(
    ("algorithm", "texts", "message"),
    [
        ("mirror_descent", {"lr": "high"}, "`lr` must be a number. Received: 'high'"),
        ("mirror_descent", {"lr": "none"}, "`lr` must be a number"),
        ("fictitious_play", {"lr": "high"}, "`lr` must be a number or none"),
        ("q_learning_fictitious_play", {"episodes": "1.5"}, "must be an integer"),
        ("mirror_descent", {"dampings": "1"}, "Did you mean 'damping'.* It takes: da"),
        ("fixed_point", {"game": "mfg_sis"}, "no parameter of fixed_point called 'ga"),
    ],
)
def test_mistakes_are_named(algorithm, texts, message):
    with pytest.raises(ValueError, match=message):
        arguments.parse(algorithm, texts)


@pytest.mark.parametrize("text", ["lr", "lr=", "=1", ""])
def test_a_named_value_has_both(text):
    with pytest.raises(ValueError, match="`parameter` must be NAME=VALUE"):
        arguments.named(text)


def test_values_may_hold_equals_signs():
    assert arguments.named("step=1/(k+1)=x") == ("step", "1/(k+1)=x")
