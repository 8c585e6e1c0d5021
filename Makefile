# make demo    sets up and runs the main job against a sandbox
# make test    sets up and passes the tests; some need strace, chromium or npm, and are left out without (apt-get install)
# make check   lint, types, import contracts and the documentation's build
# make docs    builds the documentation into build/docs
# make bench   the benchmarks (some minutes)
# make written writes again what the program's own models say: the README's reference, the mappings' schemas
# make setup   only sets up: a virtual environment in .venv

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto

.PHONY: demo test check docs bench written setup clean

setup: .venv/ready

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed; say PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox,excel,report]' --group dev --group docs
	@touch $@

demo: setup
	$(BIN)/loader demo

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs
	$(BIN)/lint-imports --no-logo
	$(MAKE) --no-print-directory docs

# Read anew each time (-E): the reference pages come from the program, whose files Sphinx does not watch.
docs: setup
	$(BIN)/python -m sphinx -E -n -W --keep-going -q -d build/doctrees docs build/docs
	@echo 'The documentation is in $(CURDIR)/build/docs/index.html'

bench: setup
	$(BIN)/python -m tests.bench

written: setup
	$(BIN)/python -m tests.support.written

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
