"""Other libraries' games at their default sizes, every parameter given."""

from __future__ import annotations

from mfg_games.settings.definition import PEER, Setting

_MFGLIB = "MFGLib 0.3.0"
_BENCH_MFG = "Bench-MFG 0.1.3"


def _bench_mfg_chain(**changes) -> dict:
    return {
        "num_states": 7,
        "horizon": 100,
        "discount": 0.9,
        "stay_probability": 0.95,
        **changes,
    }


PEERS: tuple[Setting, ...] = (
    Setting(
        "crowd_chain_bench_mfg",
        "mfg_crowd_chain",
        _bench_mfg_chain(crowd_cost=40.0, movement_cost=2.0, center_attraction=3.0),
        f"{_BENCH_MFG}, LasryLionsChain",
        "crowd-averse chain of 7 cells with little noise",
        (PEER,),
    ),
    Setting(
        "equilibrium_price_mfglib",
        "mfg_equilibrium_price",
        {
            "max_inventory": 3,
            "max_production": 2,
            "max_replenishment": 2,
            "horizon": 5,
            "demand": 1.0,
            "offset": 1.0,
            "elasticity": 1.0,
            "costs": "1.0 1.0 1.0 1.0 1.0",
        },
        f"{_MFGLIB}, equilibrium_price",
        "firms that meet through the price of what they make",
        (PEER,),
    ),
    Setting(
        "kinetic_congestion_bench_mfg",
        "mfg_kinetic_congestion",
        {
            "rows": 5,
            "cols": 5,
            "horizon": 100,
            "discount": 0.9,
            "target": 24,
            "movement_cost": 0.1,
            "capacity": 0.18,
        },
        f"{_BENCH_MFG}, KineticCongestion",
        "a room of 25 cells, each of which holds 18% of the players",
        (PEER,),
    ),
    Setting(
        "left_right_mfglib",
        "mfg_left_right",
        {"horizon": 2},
        f"{_MFGLIB}, left_right",
        "static game of congestion with two options",
        (PEER,),
    ),
    Setting(
        "move_forward_bench_mfg",
        "mfg_move_forward",
        _bench_mfg_chain(movement_cost=0.1),
        f"{_BENCH_MFG}, NoInteractionChain",
        "a Markov decision process on a chain of 7 cells",
        (PEER,),
    ),
    Setting(
        "random_linear_mfglib",
        "mfg_random_linear",
        {"num_states": 5, "horizon": 4, "scale": 10.0, "seed": 0},
        f"{_MFGLIB}, random_linear",
        "random rewards and logits, linear in the law; not the peer's random numbers",
        (PEER,),
    ),
    Setting(
        "rock_paper_scissors_mfglib",
        "mfg_rock_paper_scissors",
        {"horizon": 2, "reverse": False},
        f"{_MFGLIB}, rock_paper_scissors",
        "Shapley's static game",
        (PEER,),
    ),
    Setting(
        "switching_bench_mfg",
        "mfg_switching",
        {"horizon": 100, "discount": 0.9, "switching_cost": 2.0, "crowd_cost": 2.0},
        f"{_BENCH_MFG}, ContractionGame",
        "two places, a price for switching",
        (PEER,),
    ),
    Setting(
        "treasure_hunting_mfglib",
        "mfg_treasure_hunting",
        {"num_states": 3, "horizon": 6, "treasure": 1.0, "conservatism": 1.0},
        f"{_MFGLIB}, conservative_treasure_hunting",
        "hunters whose plans hold as far as the others dig on",
        (PEER,),
    ),
    Setting(
        "two_beach_bars_bench_mfg",
        "mfg_two_beach_bars",
        _bench_mfg_chain(
            attraction=5.0,
            distance_cost=20.0,
            movement_cost=4.0,
            left_bar=2,
            right_bar=4,
        ),
        f"{_BENCH_MFG}, MultipleEquilibriaGame",
        "two bars among 7 cells, attraction to the crowd",
        (PEER,),
    ),
)
