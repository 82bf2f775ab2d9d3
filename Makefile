# Every way to build, run and check the project; `make check` is all that CI runs.
PORT ?= 8080
DATA ?= .data
BIN := .venv/bin
SAM := PATH="$(CURDIR)/.venv-sam/bin:$$PATH" SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 .venv-sam/bin/sam
LAYER_LOCK := layers/shared/requirements.txt
CODE := layers/shared/gateway $(wildcard functions local bench tests)
LOCK := .venv-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help setup setup-sam run test check lint format types contracts template build bench fidelity bridging ric agents lock clean clean-tree

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the pinned packages into .venv; quick when nothing changed
	@requirements/install .venv $(LAYER_LOCK) requirements/dev.txt

setup-sam: # SAM's command line pins other versions of the same packages, so it has its own environment
	@requirements/install .venv-sam requirements/sam.txt

run: setup ## serve the whole stack on 127.0.0.1 (PORT=8080, DATA=.data)
	@$(BIN)/python -m local --port $(PORT) --data $(DATA)

test: setup ## run all tests
	$(BIN)/python -m pytest

check: lint types contracts template test clean-tree ## run everything that CI runs

lint: setup ## check style and formatting
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

format: setup ## bring the code into the one format
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix --select I $(CODE)

types: setup ## check types, strictly, of code and tests
	$(BIN)/mypy $(CODE)

contracts: setup ## check which room may import which
	PYTHONPATH=layers/shared $(BIN)/lint-imports --no-logo

template: setup-sam ## validate, lint and build the SAM template
	$(SAM) validate --lint
	$(SAM) build

build: setup-sam ## build what is deployed, for arm64, into .aws-sam
	$(SAM) build

bench: setup ## measure the gateway beside a raw relay
	$(BIN)/python -m bench

fidelity: setup ## judge recorded answers of every provider wire on every client wire
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.fidelity

bridging: setup ## write the tables of docs/bridging.md, from what the codecs do
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.bridging

ric: setup ## stream through the emulator with AWS's own Node.js runtime client
	@tests/local/ric/run

agents: setup ## drive Codex, Claude Code, Gemini CLI and opencode through the stack (npm installs 1 GB)
	@$(BIN)/python -m tests.agents

lock: ## resolve the newest versions into the hashed lock files
	@test -x .venv-lock/bin/uv || { $(BIN)/python -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv==0.13.8; }
	$(LOCK) requirements/layer.in -o $(LAYER_LOCK)
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/sam.in -o requirements/sam.txt

clean: ## remove what was built or installed; DATA stays
	rm -r -f .venv .venv-sam .venv-lock .aws-sam .cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -r {} +

clean-tree: # in CI nothing that ran may have changed or left a file; a developer's own changes are no fault
	@test -z "$$CI" || test -z "$$(git status --porcelain)" || { git status --short; exit 1; }
