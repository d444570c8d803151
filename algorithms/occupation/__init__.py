"""Solvers over occupation measures: how much of the crowd is where and does what."""
