# `make solve` and `make test` work from a fresh clone with nothing but Python and make.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
MAIN_JOB := examples/solve.py --game="mfg_exploration(horizon=40)" --lr=0.1 --iterations=500

.PHONY: solve test test-slow test-learners fuzz lint readme reproduce clean

solve: $(VENV)/installed
	$(RUN) $(MAIN_JOB) --output_dir=runs/four_rooms --force

# Each process takes about a gigabyte.
PYTEST := -m pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal

test: $(VENV)/installed-test
	$(RUN) $(PYTEST)

test-slow: $(VENV)/installed-test
	$(RUN) $(PYTEST) -m slow

# What learns from random numbers, for many seeds and with the arithmetic of others.
LEARNERS := $(PYTEST) -m learner
ARITHMETICS := TF_ENABLE_ONEDNN_OPTS=0 TF_NUM_INTRAOP_THREADS=1 \
    TF_NUM_INTRAOP_THREADS=2 OPENBLAS_CORETYPE=Haswell OPENBLAS_CORETYPE=Zen

test-learners: $(VENV)/installed-test
	$(RUN) $(LEARNERS) --seeds=20
	for arithmetic in $(ARITHMETICS); do \
	    env $$arithmetic $(RUN) $(LEARNERS) || exit 1; \
	done
	$(RUN) $(LEARNERS) --xla

# Random inputs of all kinds: FUZZ="--seed=3 --scale=0.1 --kinds=games,files" for less.
fuzz: $(VENV)/installed-test
	$(RUN) -m tests.fuzz $(FUZZ)

lint: $(VENV)/installed-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

# All papers, then the page of their figures. A script that exits with 2 has finished
# with a claim that failed, which the page reports.
PAPERS := $(basename $(notdir $(wildcard examples/reproduce/*_20??.py)))

reproduce: $(VENV)/installed
	set -e; for paper in $(PAPERS); do \
	    $(RUN) examples/reproduce/$$paper.py \
	        --output_dir=examples/reproduce/results/$$paper --force || test $$? -eq 2; \
	done
	$(RUN) examples/reproduce/assemble.py

# The README's pictures and tables, and the page of the games.
readme: $(VENV)/installed
	$(RUN) $(MAIN_JOB) --output_dir=examples/results/four_rooms --force
	rm examples/results/four_rooms/checkpoint.npz examples/results/four_rooms/policy.npz
	$(RUN) examples/tables.py
	$(RUN) examples/games_page.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: setup.py pyproject.toml | $(VENV)/bin/python
	$(RUN) -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(RUN) -m pip install --quiet --editable ".[test]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
