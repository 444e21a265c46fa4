# The verbs; CI uses the same ones. Needs Python 3.11 or newer, with pip, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet
HOST ?= 127.0.0.1
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help run test check format setup setup-dev mutants faults audit bench openapi lock nightly clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## serve the whole product on http://localhost:8000
	@$(BIN)/madang serve --host $(HOST) --port $(PORT)

test: setup-dev ## all tests, on SQLite and on PostgreSQL at once
	@$(BIN)/python -m tests.run

check: setup-dev ## formatter, linter, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev ## put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

mutants: setup-dev ## patches that each break a promise; every one must turn its test red
	@$(BIN)/python -m tests.mutants

faults: setup-dev ## 200 rounds of faults under load, on real servers (MADANG_FAULT_ROUNDS, MADANG_FAULT_SEED)
	MADANG_TEST_DATABASE=postgresql MADANG_FAULT_ROUNDS=$${MADANG_FAULT_ROUNDS:-200} $(BIN)/python -m pytest -q -s -p no:cacheprovider tests/faults

audit: ## known weaknesses of the pinned packages (asks the package index), and bandit
	@$(PYTHON) -m venv $(VENV)/audit && $(VENV)/audit/bin/python -m pip install --quiet bandit pip-audit
	$(VENV)/audit/bin/bandit --quiet --recursive src --severity-level medium
	$(VENV)/audit/bin/pip-audit --requirement requirements.lock --disable-pip

bench: setup-dev ## the measured claims; needs a quiet machine
	$(BIN)/python -m benchmarks

openapi: setup-dev ## write what is generated from the code
	$(BIN)/madang openapi > openapi.json
	$(BIN)/madang openapi --problems > docs/problems.md
	$(BIN)/madang openapi --events > asyncapi.json

nightly: check test mutants faults bench ## everything

setup: $(VENV)/.runtime ## the environment that `run` needs

setup-dev: $(VENV)/.dev

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements.lock
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## remove the environment; data in var/ stays
	rm -rf $(VENV)

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit("Madang needs Python 3.11 or newer; this is %s. Name another one: make PYTHON=python3.12 …" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.python requirements.lock pyproject.toml
	@echo "Setting up (once, about a minute) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
