"""Solvers that learn networks; they train inside compiled TensorFlow graphs."""
