# `make parity` runs the main job and `make test` the tests; each sets up what it needs, and does so again in seconds.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# The versions that were tested, where this Python was; elsewhere the newest that pyproject.toml allows.
CONSTRAINTS := $(wildcard constraints-$(VERSION).txt)
INSTALLED := $(VENV)/installed
PEERS := $(VENV)/peers
# Sums over threads depend on how many there are.
export OMP_NUM_THREADS ?= 1

.PHONY: help install parity test lint bench catalogue calibrate faults clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Set up .venv with both backends and the development tools

$(INSTALLED): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python is $(VERSION); expected 3.11 or later. Give one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[all,dev]' $(CONSTRAINTS:%=--constraint %)
	@touch $@

# The libraries that we are measured beside; nothing else needs them.
$(PEERS): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[peers]' $(CONSTRAINTS:%=--constraint %)
	@touch $@

parity: install ## Train both backends on the first problem and say whether they are the same
	$(BIN)/parity run paraboloid

test: install lint ## Lint, then run all tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadscope

lint: install ## Style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install $(PEERS) ## Remake the committed benchmark results
	$(BIN)/python -m benchmarks.seeds
	$(BIN)/python -m benchmarks.c_limit
	$(BIN)/python -m benchmarks.replica_cost
	$(BIN)/python -m benchmarks.repeats
	$(BIN)/python -m benchmarks.asked
	$(BIN)/python -m benchmarks.watching
	$(BIN)/python -m benchmarks.diagnosis
	$(BIN)/python -m benchmarks.surrogate_speed
	$(BIN)/python -m benchmarks.solver_seeds
	$(BIN)/python -m benchmarks.solver_cost
	$(BIN)/python -m benchmarks.planted_delay
	$(BIN)/parity bench paraboloid --batch-size 32 --model.activation tanh --json benchmarks/results/bench.jsonl
	$(BIN)/parity bench --widths 1024 --batches 256 --contender jax:scan:float32 --contender jax:flat:float32 \
		--contender torch:eager:float32 --contender torch:flat:float32 --json benchmarks/results/bench.jsonl
	$(BIN)/parity bench --most-pairs 40 --json benchmarks/results/map.jsonl --picture benchmarks/results/map.svg
	$(BIN)/python -m benchmarks.peers

catalogue: install ## Train every engineering problem in both backends, and make its table again; resumes where it was ended
	$(BIN)/parity catalogue --out benchmarks/results/catalogue

calibrate: install ## Measure how far apart correct executions are, which the ladder's limits rest on; resumes where it was ended
	$(BIN)/python -m benchmarks.calibrate

faults: install ## Plant faults, mutate a twin, run healthy experiments: what the ladder sees; resumes where it was ended
	$(BIN)/python -m benchmarks.faults

clean: ## Remove what the other targets made
	rm -rf $(VENV) runs build *.egg-info
