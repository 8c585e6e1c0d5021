# make demo    sets up, starts a sandbox and loads the sample data into it
# make test    sets up and runs the tests; without strace, chromium or npm (apt-get install), some are skipped
# make check   runs the linters, types, import contracts and the documentation's build
# make docs    builds the documentation into build/docs
# make bench   runs the benchmarks (some minutes)
# make written writes the files made from the program's models: the README's reference, the mappings' schemas
# make setup   only sets up: a virtual environment in .venv

PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= auto

.PHONY: demo test check docs bench written setup clean

setup: .venv/ready

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: run make PYTHON=…")'
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

# -E reads all pages each time: the reference pages come from the program, and Sphinx does not watch its files.
docs: setup
	$(BIN)/python -m sphinx -E -n -W --keep-going -q -d build/doctrees docs build/docs
	@echo 'The documentation is in $(CURDIR)/build/docs/index.html'

bench: setup
	$(BIN)/python -m tests.bench

written: setup
	$(BIN)/python -m tests.support.written

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
