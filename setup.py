"""Installs the mean field games and the solvers."""

import pathlib

import setuptools

OPTUNA = "optuna>=4,<5"  # to tune solvers
TENSORBOARD = "tensorboard>=2.20,<3"  # to look at logs, or to read them back

setuptools.setup(
    name="mfg-games",
    version="0.1.0",
    description="Mean field games for OpenSpiel, and solvers for any of them",
    long_description=pathlib.Path(__file__).with_name("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=setuptools.find_packages(include=["mfg_games*", "algorithms*"]),
    install_requires=[
        "open_spiel>=2.0,<3",
        "numpy>=2.0,<3",
        "absl-py>=2.1,<3",
        "tensorflow>=2.21,<2.22",
        "keras>=3.12,<4",
        "optree>=0.13,<1",
        "scipy>=1.14,<2",
        "matplotlib>=3.9,<4",
        "joblib>=1.4,<2",
        "psutil>=6,<8",  # by which joblib renews workers whose memory grows
        "tqdm>=4.66,<5",
    ],
    extras_require={
        "test": [
            "pytest>=8,<10",
            "pytest-xdist>=3.6,<4",
            "hypothesis>=6.100,<7",
            "ruff>=0.9,<1",
            OPTUNA,
            TENSORBOARD,
        ],
        "tune": [OPTUNA],
        "tensorboard": [TENSORBOARD],
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
    },
)
