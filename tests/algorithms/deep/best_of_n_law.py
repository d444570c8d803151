"""The law of the best of n, in closed form (Sessa et al. 2024, BOND)."""

import numpy as np


def best_of_n_law(law: np.ndarray, rewards: np.ndarray, n: int) -> np.ndarray:
    """The law of the best of n outcomes drawn from a law, [outcomes]."""
    less = np.array([law[rewards < reward].sum() for reward in rewards])
    at_most = np.array([law[rewards <= reward].sum() for reward in rewards])
    ties = sum((less / at_most) ** i for i in range(n))
    return law * at_most ** (n - 1) * ties


def tilted_law(law: np.ndarray, rewards: np.ndarray, power: float) -> np.ndarray:
    """The law tilted by a power of the chance that an outcome is no better."""
    at_most = np.array([law[rewards <= reward].sum() for reward in rewards])
    tilted = law * at_most**power
    return tilted / tilted.sum()
