# `make solve` and `make test` work from a fresh clone with nothing but Python and make.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: solve test test-slow lint clean

solve: $(VENV)/installed
	$(RUN) examples/solve.py --output_dir=runs/four_rooms

test: $(VENV)/installed-test
	$(RUN) -m pytest

test-slow: $(VENV)/installed-test
	$(RUN) -m pytest -m slow

lint: $(VENV)/installed-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

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
