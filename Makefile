# `make` alone prints this list. Everything lives in .venv, made from the hash-locked requirements.

.DEFAULT_GOAL := help
.PHONY: help demo test check lint bench crash fuzz stateful lock clean setup setup-dev

VENV := .venv
# More than most machines have cores: many tests wait, for a server to stop or a disk to write.
WORKERS ?= 4
BIN := $(VENV)/bin
# The first Python here that is new enough; `make PYTHON=/path/to/python3.12 demo` names another.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1 \t/p' $(MAKEFILE_LIST) | expand -t 18

demo: setup ## run the whole loop here: no account, no key, no network (ARGS="--help" for its options)
	@$(BIN)/python -m bot demo $(ARGS)

test: setup-dev ## run all tests (ARGS="tests/operators -k lock" for some; WORKERS=0 one after the other)
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(ARGS)

check: lint test ## everything CI checks: format, lint, types, import contracts, tests

lint: setup-dev ## the checks without the tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup-dev ## measure every figure that has a goal, in twelve minutes (ARGS=--quick: in one)
	@$(BIN)/python -m bench $(ARGS)

crash: setup-dev ## kill the bot at every point between two effects and at any moment (ARGS="--kills 300 --seed 7 --postgres --replicas 2")
	@$(BIN)/python -m pytest tests/crash -s $(ARGS)

fuzz: setup-dev ## hostile requests at every door (ARGS="--fuzz-rounds 50 --fuzz-seed 7" for more and others)
	@$(BIN)/python -m pytest tests/fuzz -s $(ARGS)

stateful: setup-dev ## random conversations against the rules, thousands of them (ARGS="--hypothesis-seed 7" for others)
	@$(BIN)/python -m pytest tests/stateful --hypothesis-profile long $(ARGS)

lock: ## resolve the dependencies anew, with hashes (needs uv)
	@command -v uv >/dev/null || { echo "uv is needed: pipx install uv" >&2; exit 1; }
	$(COMPILE) --upgrade --output-file requirements.lock
	$(COMPILE) --upgrade --group dev --constraints requirements.lock --output-file requirements-dev.lock

clean: ## remove the environment, caches and the demo's data; databases and settings stay
	rm -rf $(VENV) .demo artefacts dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: ## the environment `make demo` and `signoff run` need
	@$(call installed,requirements.lock)

setup-dev: ## the environment the tests need
	@$(call installed,requirements-dev.lock)
	@$(call itself)

# Installs a lock file, unless the very same one was installed before.
define installed
	set -e; cmp -s $(1) $(VENV)/$(1) && exit 0; \
	test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.12 $@" >&2; exit 1; }; \
	test -x $(BIN)/python || { echo "Setting up $(VENV) (once, a minute or two)"; $(PYTHON) -m venv $(VENV); }; \
	$(BIN)/python -m pip --disable-pip-version-check install --require-hashes --requirement $(1); \
	cp $(1) $(VENV)/$(1)
endef

# Installs the project in place, so that `signoff` is a command.
define itself
	set -e; cmp -s pyproject.toml $(VENV)/pyproject.toml && exit 0; \
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .; \
	cp pyproject.toml $(VENV)/pyproject.toml
endef
