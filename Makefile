# Two commands for everybody: `make run` and `make test`. `make` alone lists the others.

VENV ?= .venv
PYTHON ?=
ARGS ?=
BROKER ?= none
NODES ?= 1

BIN := $(VENV)/bin
TYPED := core/src $(wildcard kits/*/src) $(wildcard plugins/*/src) sdk/src scripts deploy/docker $(wildcard bench) \
    $(wildcard examples/*.py) examples/plugin_sink examples/backend/src $(wildcard examples/plugins/*/src)

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run demo test lint docs format types bench soak release-check clean venv dev-venv system-packages helm

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "PYTHON=/path/to/python picks an interpreter (3.11 or newer), VENV=folder another environment,"
	@echo "ARGS='...' adds arguments to run, demo, test, bench and release-check."

run: venv ## start a gateway with a console page in the browser
	@$(BIN)/gatewright dev $(ARGS)

demo: venv ## start a gateway and the example backend with a chat; BROKER=redis, BROKER=rabbitmq
	@$(BIN)/python -m scripts.demo --broker $(BROKER) --nodes $(NODES) $(ARGS)

test: dev-venv system-packages helm ## run the whole test suite
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: dev-venv ## check format, rules, types and import layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy $(TYPED)
	@$(BIN)/lint-imports --no-logo

docs: dev-venv ## build the documentation's site, build/site
	@$(BIN)/python -m sphinx -q -W --keep-going -n -c docs -d build/doctrees . build/site

format: dev-venv ## format the code, and fix what can be fixed safely
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: dev-venv ## check the types alone
	@$(BIN)/mypy $(TYPED)

bench: dev-venv ## measure the gateway
	@$(BIN)/python -m bench $(ARGS)

soak: dev-venv ## minutes of everything at once, on both socket drivers
	@$(BIN)/python -m tests.faults.soak $(ARGS)

release-check: dev-venv ## build every distribution, and say what keeps it from being released
	@$(BIN)/python -m scripts.release_check $(ARGS)

clean: ## remove environments and caches
	@rm -rf build .venv .venvs .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov
	@find . -path ./.git -prune -o \( -name __pycache__ -o -name '*.egg-info' \) -type d -prune -exec rm -rf {} +

venv:
	@scripts/python scripts/environment.py $(VENV)

dev-venv:
	@scripts/python scripts/environment.py --dev $(VENV)

system-packages:
	@scripts/system-packages

helm: dev-venv
	@$(BIN)/python scripts/helm.py
