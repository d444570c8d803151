"""Options of solvers as text: types, names and what mistakes say."""

import pytest

from algorithms import arguments


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


def test_fields_of_configurations_are_options():
    """Those of learners within them have the learner's name before their own."""
    texts = {"tau": "2", "dqn_width": "3", "dqn_learning_rate": "1", "seed": "4"}
    expected = {"tau": 2.0, "dqn_width": 3, "dqn_learning_rate": 1.0, "seed": 4}
    parsed = arguments.parse("deep_mirror_descent", texts)
    assert parsed == expected
    assert [type(v) for v in parsed.values()] == [type(v) for v in expected.values()]
    with pytest.raises(ValueError, match="Did you mean 'dqn_width'"):
        arguments.parse("deep_mirror_descent", {"dqn_widht": "3"})


def test_defaults_are_those_of_the_preset():
    own = arguments.defaults("deep_mirror_descent")
    released = arguments.defaults("deep_mirror_descent", {"preset": "released"})
    assert own["preset"] == "ours"
    assert own["dqn_learning_rate"] == 1e-3
    assert released["preset"] == "released"
    assert released["dqn_learning_rate"] == 1e-2
    with pytest.raises(ValueError, match="no preset called 'theirs'"):
        arguments.defaults("deep_mirror_descent", {"preset": "theirs"})


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
