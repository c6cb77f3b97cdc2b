# One command for each thing that people do here; CI runs `make test`. Everything a fresh machine lacks
# (virtual environment, packages, Kafka's jars) is fetched on the first run and found again on the next.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
# `make PYTHON=/path/to/python3.12` uses another one; the lock was made for 3.11.
PYTHON ?=
PYTHONS := python3.11 python3 python3.12 python3.13 python python3.14
SECONDS_OF_DEMO ?= 240
SEEDS ?= 25
# Of `make score`. 40 tenants leave each Cal.com key half of its quota (24 did not); of 104 faults some live too short to count.
SCORE := --seconds 1300 --bookings 10000 --faults-per-rule 104 --tenants 40
# `make score` and `make sim SEEDS=10000` are proofs too; mutants need the extra of that name and half a night.
PROOF ?= lifecycle fuzz stream notices validation statistics million outage
# What needs no Kafka: these make up `make check`.
PURE := $(wildcard tests/spec tests/unit tests/property tests/contract tests/architecture)
PYTEST := $(BIN)/python -m pytest -q

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help demo score up test check format bench prove sim setup jars lint types pure seams chains clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup jars ## The whole system on this machine, with traffic, planted faults and a score (6 min)
	@$(BIN)/plumbline demo --seconds $(SECONDS_OF_DEMO)

score: setup jars ## 10 000 bookings and 100 faults of each rule through the real stack: recall, precision, seconds (25 min)
	@$(BIN)/plumbline demo $(SCORE)

up: setup jars ## The whole system on this machine, empty, until Ctrl-C
	@$(BIN)/plumbline up

test: setup jars ## Everything: check, then the tests on real Kafka, Debezium and Postgres (15 min)
	@$(MAKE) --no-print-directory -kj2 --output-sync=target lint types
	@echo "Two halves of the tests, side by side (15 min); each is shown when it is through."
	@$(MAKE) --no-print-directory -kj2 --output-sync=line seams chains

check: setup ## Lint, types, contracts, pure tests (a minute)
	@$(MAKE) --no-print-directory -kj2 --output-sync=target lint types pure

format: setup ## Format the code and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup jars ## Events/s, CPU and memory of the worker beside simpler programs
	@$(BIN)/plumbline bench

prove: setup jars ## The long proofs whose figures stand in docs/ (2 hours), or one of them: make prove PROOF=notices
	@for proof in $(PROOF); do echo "== $$proof"; $(BIN)/python -m tests.prove.$$proof; done

sim: setup ## Deterministic simulation: SEEDS=10000 many, SEED=17 one and its story, SOAK=1 a quiet day
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation.run $(if $(SEED),--seed $(SEED),$(if $(SOAK),--soak 24,--seeds $(SEEDS)))

clean: ## Forget caches and the local stack's files; the virtual environment stays
	@rm -rf .plumbline .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The steps of `check`, apart so that two run at a time.
lint:
	@$(BIN)/ruff format --check --quiet . >/dev/null || { echo "Not formatted: run 'make format'."; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo > $(VENV)/contracts.txt || { cat $(VENV)/contracts.txt; exit 1; }
	@echo "lint: clean"

types:
	@$(BIN)/mypy --no-error-summary
	@echo "types: clean"

pure:
	@$(PYTEST) -m "not stack" $(PURE)

# The two halves of `test`, side by side: the seams mostly wait, so what computes (specs, simulation) fits beside them.
# Seams that wait longest are in the other half, on a stack of its own, so that both take about as long.
LONG_WAITS := $(patsubst %,tests/integration/test_%.py,row_poll bench check world_traffic)

seams:
	@$(PYTEST) --durations=10 $(addprefix --ignore=,$(LONG_WAITS)) tests/integration

chains:
	@nice -n 5 $(PYTEST) --durations=5 $(PURE) tests/simulation
	@$(PYTEST) --durations=10 tests/e2e $(LONG_WAITS)

jars: setup
	@$(BIN)/python -m connectors.stack.jars

setup: $(VENV)/installed

$(VENV)/installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing $$(grep -c '^[a-z].*==' requirements.lock) locked packages (about 400 MB the first time):"
	@$(BIN)/python -m pip install --require-hashes -r requirements.lock 2>&1 | tee $(VENV)/install.log \
	    | awk '/^(Collecting|Downloading|Using cached|Requirement already)/ { if (++n % 5 == 0) { printf "."; fflush() } } END { print "" }' \
	    || { tail -n 20 $(VENV)/install.log; echo "The packages could not be installed: see above. 'make' starts again where it stopped."; exit 1; }
	@$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(BIN)/python:
	@python="$(PYTHON)"; \
	for name in $(PYTHONS); do \
	    [ -z "$$python" ] || break; \
	    if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$name"; fi; \
	done; \
	[ -n "$$python" ] || { echo "Python 3.11 or newer is needed, and none of '$(PYTHONS)' is one. Install it, or say where: make PYTHON=/path/to/python3.11"; exit 1; }; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) >/dev/null 2>&1 || { \
	    rm -rf $(VENV); \
	    echo "'$$python -m venv' does not work here. On Debian and Ubuntu: apt install python3-venv (or python3.11-venv)."; \
	    exit 1; \
	}
