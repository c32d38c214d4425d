# Holdfast in seven words: run test check bench sim docs clean.
# `make` alone checks and runs the fast tests.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
RUNS   := $(VENV)/.runs
TESTS  := $(VENV)/.tests

SEEDS  ?= 2000
DATA   ?= demo-data

.DEFAULT_GOAL := quick
.PHONY: quick run test check bench sim docs clean

quick: check
	$(PY) -m pytest -m "not slow" tests/unit tests/transcripts

run: $(RUNS)  ## the whole service on high ports, with a domain and two accounts made for the demonstration
	@nice .ci/webmail $(PY) beside & \
	$(VENV)/bin/holdfast demo --data $(DATA)

test: $(TESTS)  ## everything: unit, transcripts, contracts, simulation, end to end
	@.ci/programs
	@.ci/tests $(PY)

check: $(TESTS)  ## style, types, the import law, the house rules
	$(VENV)/bin/ruff check src tests .ci $(wildcard bench)
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	@[ ! -d web/webmail/node_modules ] || .ci/webmail $(PY) types
	$(PY) -m pytest tests/unit/test_tidy.py

bench: $(TESTS)  ## every published number, beside Postfix and Dovecot in the same run
	@.ci/programs
	$(PY) -m bench

sim: $(TESTS)  ## more universes: make sim SEEDS=100000
	$(PY) -m holdfast.sim --seeds $(SEEDS)

docs: $(TESTS)  ## writes docs/reference anew from the code
	$(PY) -m holdfast.cli.reference docs/reference

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# The environment: made of python3 and PyPI alone; made again when pyproject.toml changes.
$(RUNS): pyproject.toml .ci/environment
	@.ci/environment $(PYTHON) $(VENV) run
	@touch $@

$(TESTS): $(RUNS)
	@.ci/environment $(PYTHON) $(VENV) test
	@touch $@
