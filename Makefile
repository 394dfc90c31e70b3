# Two commands do everything on a fresh machine: `make sweep` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
BENCH := $(BENCH_VENV)/bin
ARGS ?=
# Two tests at a time: each worker imports TensorFlow, so more want more memory than they save time.
PARALLEL := -n 2 --dist loadscope

.DEFAULT_GOAL := help
.PHONY: help sweep dashboard datasets test test-slow lint format docs bench clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

# A stamp a file of requirements: pip runs again only when that file has changed.
$(VENV)/requirements.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Gradsweep needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 2; }
	@test -x $(BIN)/python || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing requirements.txt (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/requirements-dev.stamp: requirements-dev.txt $(VENV)/requirements.stamp
	@echo "Installing requirements-dev.txt"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

sweep: $(VENV)/requirements.stamp  ## Run the main sweep: Fashion-MNIST, 20 runs, 2 agents (ARGS="--count 5" etc.)
	@$(BIN)/python run_sweep.py $(ARGS)

dashboard: $(VENV)/requirements.stamp  ## Look at earlier sweeps in a browser
	@$(BIN)/python -m src.wandb_server --open $(ARGS)

datasets: $(VENV)/requirements.stamp  ## List the data sets and what is cached
	@$(BIN)/python -m src.datasets $(ARGS)

test: $(VENV)/requirements-dev.stamp  ## Run the test suite (minutes)
	@$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not alone" $(ARGS)

test-slow: $(VENV)/requirements-dev.stamp  ## Run the long tests: whole sweeps, kills, other wandb versions
	@$(BIN)/python -m pytest $(PARALLEL) -m "slow and not alone" $(ARGS)
	@$(BIN)/python -m pytest -m alone $(ARGS)

lint: $(VENV)/requirements-dev.stamp  ## Check style and types (ruff, mypy)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/requirements-dev.stamp  ## Format the code and mend what ruff can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(VENV)/requirements.stamp  ## Write docs/hyperparameters.md anew
	@$(BIN)/python -m tests.reference

$(BENCH_VENV)/requirements.stamp: requirements.txt benchmarks/requirements.txt
	@test -x $(BENCH)/python || { echo "Making $(BENCH_VENV)"; $(PYTHON) -m venv $(BENCH_VENV); }
	@echo "Installing benchmarks/requirements.txt: PyTorch and JAX beside TensorFlow (a few minutes)"
	@$(BENCH)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	@touch $@

bench: $(BENCH_VENV)/requirements.stamp  ## Measure against Keras, PyTorch and JAX, and update the docs
	@$(BENCH)/python -m benchmarks.throughput $(ARGS); status=$$?; \
	$(BENCH)/python -m benchmarks.scaling && $(BENCH)/python -m benchmarks.startup && exit $$status

clean:  ## Remove caches (keeps .venv, models, plots and the server's data)
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
