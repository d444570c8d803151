"""Solvers for any mean field game that is registered with OpenSpiel."""
