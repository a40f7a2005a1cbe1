# Every target does its own set-up: a machine needs Python 3.11 or newer and make, nothing else of ours.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
DESK := $(VENV)/.desk
# Each of the processes that tests and measurements start would compile the source tree anew, a third of a second.
unexport PYTHONDONTWRITEBYTECODE
SITE := $(VENV)/.site

# The customer service desk, where the SDK that it is written with could be had.
DEMO = $(shell $(BIN)/python -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('mcp') is None)" && echo --mcp '"customer-service=$(BIN)/python examples/customer_service/server.py"')

.PHONY: help serve test check docs bench soak clients format lint types floors lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

serve: $(RUNTIME) $(if $(ARGS),,$(DESK)) ## start the gateway on 127.0.0.1 (PORT, TOLLBRIDGE_HOME, TOLLBRIDGE_MASTER_KEY are honoured)
	@$(BIN)/tollbridge serve $(if $(ARGS),$(ARGS),$(DEMO))

test: $(DEV) ## run the tests (ARGS="-k name" for some)
	@scripts/tools.sh nginx zsh fish
	@tests/mcp/install.sh .venv-mcp1 "$(PYTHON)"
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(DEV) lint types floors docs test ## format, lint, types, floors, documentation, tests: what CI runs

docs: $(SITE) ## build the documentation as a site into build/site (ARGS="serve" shows it on 127.0.0.1:8000 while you write)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs --quiet $(if $(ARGS),$(ARGS),build --strict && echo "build/site/index.html")

bench: $(DEV) ## measure against nginx, and tool calls against a plain relay (ARGS="--quick", "--with litellm"; needs nginx and wrk)
	@scripts/tools.sh nginx wrk
	@$(BIN)/python -m bench.run $(ARGS)

soak: $(DEV) ## five minutes each of faults, 100 kills, random programs, limits (ARGS="kills", "--minutes 1", "--requests 1000000")
	@$(BIN)/python -m bench.soak $(ARGS)

clients: $(DEV) ## run other clients, coding agents and MCP clients through the gateway (ARGS="--only litellm"; needs npm, ../shared)
	@tests/clients/others/install.sh .venv-clients "$(PYTHON)"
	@tests/mcp/install.sh .venv-mcp1 "$(PYTHON)"
	@$(BIN)/python -m tests.clients.others.run $(ARGS)

format: $(DEV) ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lint: $(DEV) ## formatting and lint, changing nothing
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(DEV) ## mypy --strict
	@$(BIN)/mypy

floors: $(DEV) ## the import contract of docs/architecture.md
	@$(BIN)/lint-imports

lock: $(DEV) ## resolve the dependencies anew into the lock files
	@scripts/lock.sh $(BIN)

clean: ## remove the virtual environment, the site and caches
	@rm -rf $(VENV) build .venv-clients .venv-mcp1 tests/clients/others/node/node_modules tests/clients/others/commands/node_modules tests/clients/others/unlocked/node_modules tests/mcp/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Tollbridge needs Python 3.11 or newer (set PYTHON=/path/to/python)." >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..." >&2
	@"$(PYTHON)" -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing Tollbridge into $(VENV), which takes a minute or two the first time ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@touch $@

$(DESK): requirements-demo.lock $(RUNTIME)
	@echo "Installing the MCP SDK for the demo's customer service desk into $(VENV) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-demo.lock \
	  && touch $@ || echo "It could not be had: the demo is served without the desk." >&2

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing the tools for tests into $(VENV) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(SITE): requirements-docs.lock $(RUNTIME)
	@echo "Installing the tools for the documentation into $(VENV) ..." >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@
