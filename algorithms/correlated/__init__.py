"""Correlated and coarse correlated equilibria, and the solver that finds them."""
