"""The games of the papers' figures, every parameter given."""

from __future__ import annotations

from mfg_games.settings.definition import COMMON_NOISE, PAPER, Setting

_PERRIN = "Perrin et al. 2020"
_PEROLAT = "Perolat et al. 2021"
_CONCAVE = "Geist et al. 2021; map and horizon of Moreno et al. 2024"
_MASTER = "Perrin et al. 2021 (master policies)"
_DEEP = "Laurière et al. 2022 (Scalable deep reinforcement learning)"
_SURVEY = "Laurière et al. 2022 (survey), section 5"


def _beach_bar(**changes) -> dict:
    return {
        "size": 100,
        "horizon": 15,
        "stay_probability": 0.3333333333333333,
        "crowd_aversion": 1.0,
        "closing_time": -1,
        "closing_probability": 0.5,
        **changes,
    }


def _linear_quadratic(**changes) -> dict:
    return {
        "half_width": 50,
        "horizon": 30,
        "dt": 0.1,
        "max_action": 18,
        "mean_reversion": 1.0,
        "volatility": 3.0,
        "cross_term": 0.01,
        "kappa": 0.5,
        "terminal_cost": 1.0,
        "common_noise": 0.0,
        "shock_every": 1,
        "modes": "-25 25",
        "mode_std": 5.0,
        **changes,
    }


def _exploration(layout: str, horizon: int, noise: float) -> dict:
    return {
        "layout": layout,
        "horizon": horizon,
        "noise": noise,
        "crowd_aversion": 1.0,
        "start": "",
    }


def _chasing(populations: int, horizon: int, geometry: str = "square") -> dict:
    return {
        "populations": populations,
        "size": 5,
        "horizon": horizon,
        "noise": 0.8,
        "crowd_aversion": 1.0,
        "geometry": geometry,
        "rewards": "",
    }


def _building(floors: int, size: int, horizon: int) -> dict:
    return {
        "floors": floors,
        "size": size,
        "horizon": horizon,
        "noise": 0.0,
        "exit_reward": 10.0,
        "crowd_aversion": 1.0,
    }


def _garnet(**changes) -> dict:
    return {
        "num_states": 100,
        "num_actions": 5,
        "branching": 5,
        "horizon": 20,
        "sparsity": 1.0,
        "crowd_aversion": 1.0,
        "seed": 0,
        "coupling": 0.0,
        **changes,
    }


def _moving_target(geometry: str) -> dict:
    return {
        "size": 20,
        "horizon": 20,
        "noise": 0.5,
        "attraction": 10.0,
        "crowd_aversion": 1.0,
        "move_every": 5,
        "geometry": geometry,
    }


def _concave_utility(utility: str, description: str, weight: float = 1.0) -> Setting:
    return Setting(
        f"concave_{utility}_2021",
        "mfg_concave_utility",
        {
            "layout": "four_rooms_open",
            "horizon": 100,
            "discount": 1.0,
            "noise": 0.0,
            "utility": utility,
            "weight": weight,
        },
        _CONCAVE,
        f"four rooms, {description}",
        (PAPER,),
    )


PAPERS = (
    Setting(
        "beach_bar_2020",
        "mfg_beach_bar",
        _beach_bar(),
        f"{_PERRIN}, section 4.2",
        "beach bar process on 100 places",
        (PAPER,),
    ),
    Setting(
        "beach_bar_closing_2020",
        "mfg_beach_bar",
        _beach_bar(closing_time=7),
        f"{_PERRIN}, section 5",
        "the bar closes at half time with probability 1/2",
        (PAPER, COMMON_NOISE),
    ),
    Setting(
        "linear_quadratic_2020",
        "mfg_linear_quadratic",
        _linear_quadratic(),
        f"{_PERRIN}, section 4.1",
        "two crowds on a line merge; closed form known",
        (PAPER,),
    ),
    Setting(
        "linear_quadratic_common_noise_2020",
        "mfg_linear_quadratic",
        _linear_quadratic(common_noise=0.5, shock_every=5),
        f"{_PERRIN}, section 5",
        "a common shock at every fifth step (64 histories; the paper: at every step)",
        (PAPER, COMMON_NOISE),
    ),
    Setting(
        "linear_quadratic_deep_2022",
        "mfg_linear_quadratic",
        _linear_quadratic(
            half_width=5,
            horizon=10,
            dt=1.0,
            max_action=3,
            mean_reversion=0.0,
            volatility=1.0,
            modes="-3 3",
            mode_std=1.0,
        ),
        f"{_DEEP}; numbers of OpenSpiel's game, its initial law replaced",
        "two small crowds on a short line (the paper's sizes are unknown)",
        (PAPER,),
    ),
    Setting(
        "four_rooms_deep_2022",
        "mfg_exploration",
        _exploration("four_rooms", 40, 1.0),
        _DEEP,
        "exploration of four rooms, much noise",
        (PAPER,),
    ),
    Setting(
        "four_rooms_survey_2022",
        "mfg_exploration",
        _exploration("four_rooms", 41, 0.1),
        _SURVEY,
        "exploration of four rooms, little noise",
        (PAPER,),
    ),
    Setting(
        "maze_deep_2022",
        "mfg_exploration",
        _exploration("maze", 100, 1.0),
        _DEEP,
        "exploration of the maze, without its congestion and target",
        (PAPER,),
    ),
    Setting(
        "maze_congestion_2022",
        "mfg_congestion",
        {
            "layout": "maze",
            "horizon": 100,
            "noise": 1.0,
            "target": "center",
            "congestion": 1.0,
            "crowd_aversion": 1.0,
            "start": "",
        },
        _DEEP,
        "the maze with its congestion and target",
        (PAPER,),
    ),
    Setting(
        "garnet_2021",
        "mfg_random_garnet",
        _garnet(),
        f"{_PEROLAT}, section 5.1",
        "random game of 100 states (the paper's sizes are unknown)",
        (PAPER,),
    ),
    Setting(
        "garnet_large_2021",
        "mfg_random_garnet",
        _garnet(num_states=10_000, num_actions=20, branching=10),
        f"{_PEROLAT}, section 5.1",
        "random game of ten thousand states and 20 actions",
        (PAPER,),
    ),
    Setting(
        "building_2021",
        "mfg_building",
        _building(20, 200, 10_000),
        f"{_PEROLAT}, section 5.2",
        "evacuation at the paper's size: 8 billion decision nodes",
        (PAPER,),
    ),
    Setting(
        "building_million",
        "mfg_building",
        _building(5, 450, 200),
        f"{_PEROLAT}, section 5.2",
        "evacuation with a million states and a shorter horizon",
        (PAPER,),
    ),
    Setting(
        "building_small_2021",
        "mfg_building",
        _building(3, 10, 60),
        f"{_PEROLAT}, section 5.2",
        "evacuation at a size that is solved in seconds",
        (PAPER,),
    ),
    Setting(
        "moving_target_2021",
        "mfg_moving_target",
        _moving_target("torus"),
        f"{_PEROLAT}, section 5.3",
        "the target moves three times on a torus (64 histories)",
        (PAPER, COMMON_NOISE),
    ),
    Setting(
        "moving_target_box_2021",
        "mfg_moving_target",
        _moving_target("box"),
        f"{_PEROLAT}, section 5.3",
        "the same in a box",
        (PAPER, COMMON_NOISE),
    ),
    Setting(
        "chasing_3_populations_2021",
        "mfg_predator_prey",
        _chasing(3, 10),
        f"{_PEROLAT}, section 5.4",
        "three populations chase each other in a cycle on a square",
        (PAPER,),
    ),
    Setting(
        "chasing_4_populations_2021",
        "mfg_predator_prey",
        _chasing(4, 20),
        f"{_PEROLAT}, section 5.4",
        "four populations chase each other in a cycle on a square",
        (PAPER,),
    ),
    Setting(
        "chasing_5_populations_2021",
        "mfg_predator_prey",
        _chasing(5, 20),
        f"{_PEROLAT}, section 5.4",
        "five populations chase each other in a cycle on a square",
        (PAPER,),
    ),
    Setting(
        "chasing_3_populations_torus_2021",
        "mfg_predator_prey",
        _chasing(3, 10, "torus"),
        f"{_PEROLAT}, section 5.4",
        "three populations chase each other in a cycle on a torus",
        (PAPER,),
    ),
    Setting(
        "chasing_4_populations_torus_2021",
        "mfg_predator_prey",
        _chasing(4, 20, "torus"),
        f"{_PEROLAT}, section 5.4",
        "four populations chase each other in a cycle on a torus",
        (PAPER,),
    ),
    Setting(
        "beach_bar_2d_2021",
        "mfg_beach_bar_2d",
        {
            "size": 11,
            "horizon": 15,
            "noise": 0.2,
            "crowd_aversion": 1.0,
            "initial": "uniform",
        },
        _MASTER,
        "beach bar on a square",
        (PAPER,),
    ),
    Setting(
        "sis_2022",
        "mfg_sis",
        {
            "horizon": 50,
            "recovery": 0.3,
            "infection": 0.81,
            "initial_infected": 0.6,
            "infection_cost": 1.0,
            "distancing_cost": 0.5,
        },
        f"{_DEEP}; Cui & Koeppl 2021",
        "epidemic; going out or keeping distance",
        (PAPER,),
    ),
    Setting(
        "price_impact_2015",
        "mfg_price_impact",
        {
            "max_inventory": 10,
            "max_trade": 2,
            "horizon": 20,
            "dt": 0.1,
            "trading_cost": 1.0,
            "inventory_cost": 0.1,
            "impact": 0.5,
            "terminal_cost": 1.0,
            "noise": 0.2,
            "initial_mean": 5.0,
            "initial_std": 1.0,
        },
        "Carmona & Lacker 2015, with numbers of our own",
        "liquidation of a portfolio; closed form known",
        (PAPER,),
    ),
    Setting(
        "systemic_risk_2015",
        "mfg_systemic_risk",
        {
            "half_width": 20,
            "spacing": 0.1,
            "horizon": 20,
            "dt": 0.05,
            "max_action": 5,
            "mean_reversion": 1.0,
            "volatility": 1.0,
            "common_noise": 0.0,
            "shock_every": 1,
            "q": 0.5,
            "epsilon": 1.0,
            "terminal_cost": 1.0,
        },
        "Carmona, Fouque & Sun 2015",
        "interbank lending on 41 grid points (the paper: a line); closed form known",
        (PAPER,),
    ),
    Setting(
        "flocking_2021",
        "mfg_flocking",
        {
            "num_positions": 21,
            "num_velocities": 11,
            "num_accelerations": 3,
            "dimensions": 1,
            "horizon": 30,
            "dt": 0.5,
            "beta": 0.0,
            "alignment": 1.0,
            "effort": 0.1,
            "speed": 0.1,
            "speed_norm": "sum",
            "noise": 0.1,
            "largest_action": 1.0,
            "half_width": 10.0,
            "position_std": 1.0,
            "velocity_std": 0.5,
        },
        "Perrin et al. 2021 (flocking), with numbers of our own",
        "one dimension of space, on a grid",
        (PAPER,),
    ),
    _concave_utility("entropy", "maximal entropy"),
    _concave_utility("marginal_matching", "a ring in each room as the target"),
    _concave_utility("imitation", "an expert's occupancy as the target"),
    _concave_utility("multi_objective", "three goals at once"),
    _concave_utility("constrained", "a goal under a bound on the crowd there", 10.0),
)
