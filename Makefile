# Two commands are enough: `make demo` and `make test`. Both set up what they need, and may be run again.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo demo-model test test-all test-oldest browser docs bench bench-gpu bench-own mutants same-numbers check format lock audit clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*##' Makefile | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/.ready ## Install, train the `mnist` recipe, measure it, show the report: three to seven minutes
	$(BIN)/vaekit train mnist
	$(BIN)/vaekit evaluate runs/mnist/$$(ls runs/mnist | sort -n | tail -1) --images 1000 --samples 500
	@echo "Report: file://$(CURDIR)/runs/mnist/$$(ls runs/mnist | sort -n | tail -1)/report.html"

demo-model: $(VENV)/.ready ## Train the small models anew that `vaekit explore` opens: about a quarter of an hour
	$(BIN)/python scripts/make_demo.py

test: browser ## Install, and run the tests that take minutes
	$(BIN)/python -m pytest --doctest-modules src/vaekit -q
	$(BIN)/python -m pytest -n auto -m "not slow"

test-all: browser docs ## The same with the slow statistical and training tests, and the documentation site
	$(BIN)/python -m pytest --doctest-modules src/vaekit -q
	$(BIN)/python -m pytest -n auto
	$(BIN)/python scripts/hostile.py

test-oldest: ## Fast tests with the oldest dependencies that pyproject.toml admits, in .venv-oldest: some minutes
	@test -n "$(PYTHON)" && $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python scripts/oldest.py $(ARGS)

browser: $(VENV)/.ready-dev ## Install what the browser tests need, where that can be done; else say what is missing
	@$(BIN)/python scripts/browser.py

docs: $(VENV)/.ready-full ## Make the documentation site in site/, notebooks run: some minutes (ARGS="-D nb_execution_mode=off")
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -b html docs site $(ARGS)
	@echo "Site: file://$(CURDIR)/site/index.html"

bench: $(VENV)/.ready ## Speed against other libraries, a quarter of an hour; parts by ARGS="--only W1 --no-curves"
	$(BIN)/python -m benchmarks.run $(ARGS)

bench-gpu: $(VENV)/.ready ## Our own speed on a CUDA GPU, alone, in bfloat16, and compiled to CUDA graphs: some minutes
	$(BIN)/python -m benchmarks.run --gpu --no-curves $(ARGS)

bench-own: $(VENV)/.ready-dev ## Our own speed, compared with the last time on this machine: five minutes
	$(BIN)/python -m pytest benchmarks/history.py --benchmark-storage=file://benchmarks/history \
	    --benchmark-autosave --benchmark-compare --benchmark-columns=min,median,iqr --benchmark-sort=name $(ARGS)

mutants: $(VENV)/.ready-dev ## Seed bugs in the mathematics, and see that the tests catch each (make mutants ARGS="--most 0")
	$(BIN)/python scripts/mutants.py $(ARGS)

same-numbers: $(VENV)/.ready-dev ## Compare every number with those of an older commit (make same-numbers ARGS="COMMIT")
	$(BIN)/python scripts/same_numbers.py $(ARGS)

check: $(VENV)/.ready-dev ## Formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.ready-dev ## Format, and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/bin/python ## Pin the newest dependencies with their hashes (ARGS=--keep: only what no longer fits)
	$(BIN)/python scripts/lock.py $(ARGS)

audit: $(VENV)/.ready ## List known vulnerabilities of the installed dependencies, where the registry answers
	@$(BIN)/python scripts/audit.py

clean: ## Remove the virtual environment and caches; runs stay
	rm -rf $(VENV) .venv-audit .venv-oldest .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist site .jupyter_cache jupyter_execute src/*.egg-info

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "vaekit needs Python 3.11 or newer on the PATH (or: make PYTHON=/path/to/python)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vaekit needs Python 3.11 or newer; %s is %d.%d (or: make PYTHON=/path/to/python)" % (sys.executable, *sys.version_info[:2]))'
	$(PYTHON) -m venv $(VENV)

# Every package has a hash but torch, whose builds differ by machine; it brings nothing else on a CPU.
define install
	$(PIP) --require-hashes --no-deps --requirement requirements/$(1).txt
	$(PIP) --constraint constraints.txt torch
	$(PIP) --no-deps --no-build-isolation --editable .
endef

$(VENV)/.ready: pyproject.toml constraints.txt requirements/base.txt | $(VENV)/bin/python
	$(call install,base)
	@touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt requirements/dev.txt | $(VENV)/bin/python
	$(call install,dev)
	@touch $@ $(VENV)/.ready

$(VENV)/.ready-full: requirements/full.txt $(VENV)/.ready-dev
	$(call install,full)
	@touch $@
