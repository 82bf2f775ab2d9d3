# Every way to build, run and check the project; `make check` is all that CI runs.
PORT ?= 8080
DATA ?= .data
COMPUTE ?= standard
# A typo would build the other stack.
ifneq ($(filter-out standard managed,$(COMPUTE)),)
$(error COMPUTE is "$(COMPUTE)": say standard or managed)
endif
BIN := .venv/bin
SAM := PATH="$(CURDIR)/.venv-sam/bin:$$PATH" SAM_CLI_TELEMETRY=0 SAM_CLI_ENABLE_LANGUAGE_EXTENSIONS=1 \
	PYTHONDONTWRITEBYTECODE= AWS_DEFAULT_REGION=us-east-1 .venv-sam/bin/sam
LAYER_LOCK := layers/shared/requirements.txt
PAYMENTS_LOCK := layers/shared/payments/requirements.txt
SANDBOX_LOCK := layers/shared/sandbox/requirements.txt
# A process that compiled what an earlier one compiled would cost the stack's starts a half more.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest
PURE_TESTS := RECORDED=$(if $(DRAW),,sample) $(PYTEST) --ignore tests/stack -m "not servers"
# What runs side by side in `check` shows its lines when it has ended; GNU Make 3.81 cannot, and mixes them.
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
# Where tests on DynamoDB Local or moto may lie (tests/conftest.py holds it): to collect all the others takes 20 s.
SERVER_TESTS := tests/billing/test_killed.py tests/control_plane/test_key_store.py tests/faults/test_killed.py tests/local/test_kept_objects.py \
	tests/conversations tests/money tests/responses_store tests/signatures tests/stores
RECORDED_TESTS := $(shell grep -l -E "^from tests.recorded import" -r tests --include "test_*.py") tests/fidelity
# The oldest Python that mypy knows; the SDK is for 3.9.
SDK_TYPES = $(BIN)/mypy --strict --python-version 3.10 --config-file sdks/python/pyproject.toml sdks/python/src/nexevo_ai sdks/python/tests/typed.py
CODE := layers/shared/gateway $(wildcard functions local bench tests)
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
	--no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help docs setup setup-sam setup-mutants run test test-first test-second test-stack test-stores test-recorded check lint format types contracts template build bench bench-peers bench-short bench-baseline catalog openapi sdk-python sdk-typescript cost faults fire outage mutants fuzz fidelity bridging ric agents agent-deaths agent-streams self-healing payment-deaths realtime realtime-clients learned meanings frameworks browser lock clean clean-tree

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the pinned packages into .venv; quick when nothing changed
	@requirements/install .venv $(LAYER_LOCK) $(PAYMENTS_LOCK) $(SANDBOX_LOCK) requirements/dev.txt

# SAM's command line pins other versions of the same packages.
setup-sam: ## install SAM's command line into .venv-sam, an environment of its own
	@requirements/install .venv-sam requirements/sam.txt

# The mutated code runs the tests, so their packages are in it too.
setup-mutants: ## install the library of mutants, the layer and the tests into .venv-mutants
	@requirements/install .venv-mutants $(LAYER_LOCK) $(PAYMENTS_LOCK) $(SANDBOX_LOCK) requirements/dev.txt requirements/mutants.txt

run: setup ## serve the whole stack on 127.0.0.1 (PORT=8080, DATA=.data)
	@$(BIN)/python -m local --port $(PORT) --data $(DATA)

# Two processes, each with half of the files: workers of one run would each collect all of them, 40 s on a clean checkout.
ifeq ($(MAKECMDGOALS),test)
MAKEFLAGS += --jobs=2 $(SYNC)
endif
test: test-first test-second ## run all tests that need no stack, over our own sample of recorded traffic

test-first: setup ## run one half of them
	HALF=1 $(PURE_TESTS)

test-second: setup ## run the other half
	HALF=2 $(PURE_TESTS)

test-stack: setup ## run the tests of the whole stack and of the SDKs, then judge roles by the calls that they made
	@rm -r -f .cache/aws-calls
	$(PYTEST) --numprocesses 2 --dist loadfile --no-loadscope-reorder tests/stack
	$(BIN)/python -m tests.roles

test-stores: setup ## run the tests on DynamoDB Local and moto
	$(PYTEST) -m servers $(SERVER_TESTS)

test-recorded: setup ## run the tests of all recorded traffic, where more than our sample lies beside the checkout
	@if $(BIN)/python -m tests.recorded; then set -x; $(PYTEST) $(RECORDED_TESTS); fi

# Three at a time, the longest first: the stack's tests often wait, for a death to be noticed or a stream to end.
# SAM copies these folders while tests run: a file of byte code that is being written there has another name a moment later.
check: setup ## run everything that CI runs
	@$(BIN)/python -m compileall -q -j 2 layers/shared functions
	@DRAW=$$(git rev-parse HEAD 2>/dev/null || echo none) $(MAKE) --jobs=3 $(SYNC) test-stack test test-stores types bench-short template lint contracts
	@$(MAKE) clean-tree

lint: setup ## check style and formatting
	$(BIN)/ruff check $(CODE) sdks
	$(BIN)/ruff format --check $(CODE) sdks

format: setup ## bring the code into the one format
	$(BIN)/ruff format $(CODE) sdks
	$(BIN)/ruff check --fix --select I $(CODE) sdks

# In CI no later run reads the cache, and a seventh of the work is to write it.
types: setup ## check types, strictly, of code, tests and the Python SDK; the TypeScript SDK's are in `make test-stack`
	$(BIN)/mypy $(if $(CI),--cache-dir=/dev/null) $(CODE) $(wildcard sdks/*.py sdks/*/generate.py)
	$(SDK_TYPES) $(if $(CI),--cache-dir=/dev/null)

contracts: setup ## check which room may import which
	PYTHONPATH=layers/shared $(BIN)/lint-imports --no-logo

template: setup-sam ## validate, lint and build the SAM template
	$(SAM) validate --lint
	$(SAM) build

build: setup setup-sam ## build what is deployed, for arm64, into .aws-sam (COMPUTE=managed: streams on managed instances)
	$(if $(filter managed,$(COMPUTE)),$(BIN)/python -m local.compute > template.managed.json)
	$(SAM) build $(if $(filter managed,$(COMPUTE)),--template template.managed.json)

bench: setup ## measure ours beside relays and other gateways (PART=growth: how work grows; many: streams in one process)
	$(BIN)/python -m bench $(PART)

bench-peers: setup ## install LiteLLM and Portkey into .cache (700 MB), for `make bench`
	$(BIN)/python -m bench install-peers

bench-short: setup ## judge ratios of counted work against bench/baseline.json
	$(BIN)/python -m bench short

bench-baseline: setup ## write the ratios that `bench-short` judges by
	$(BIN)/python -m bench short --write

cost: setup ## write docs/cost.md from counts and prices (MEASURE=1: count again first, on a local stack)
	$(if $(MEASURE),AWS_DEFAULT_REGION=us-east-1 PYTHONPATH=layers/shared $(BIN)/python -m tests.stack.costs)
	$(BIN)/python -m bench cost

docs: setup ## write the pages of /docs from docs/guide, the OpenAPI document, the catalog and the code
	PYTHONPATH=layers/shared $(BIN)/python -m local.guide

openapi: setup ## write the OpenAPI document, SDKs' methods and types, and the page of endpoints from the code; lint the document
	AWS_REGION=us-east-1 PYTHONPATH=layers/shared $(BIN)/python -m local.openapi
	$(BIN)/openapi-spec-validator functions/models/openapi.json
	$(BIN)/python -m sdks.python.generate
	$(BIN)/python -m sdks.typescript.generate
	PYTHONPATH=layers/shared $(BIN)/python -m local.guide

# PYTHONS may name more; the oldest that the SDK names and the newest are tried where pyenv or the system has them.
sdk-python: setup ## build the Python SDK's wheel, install it alone on each Python from 3.9 on, check its types and run its suite
	$(SDK_TYPES)
	sh sdks/python/try_wheel.sh $(BIN)/python

sdk-typescript: setup ## build and pack the TypeScript SDK, install it in a clean folder, and run its suite on the local stack
	@$(PYTEST) tests/stack/test_typescript_sdk.py

catalog: setup ## take list prices from genai-prices into the catalog (ACCEPT=MODEL,MODEL: those that were looked at)
	PYTHONPATH=layers/shared $(BIN)/python -m bench catalog $(if $(ACCEPT),--accept $(ACCEPT))

faults: setup ## run 20,000 schedules of faults (SCHEDULES=1000000 for more), or kill 300 processes (STORE=local DEATHS=300)
	@PYTHONPATH=layers/shared $(BIN)/python -m $(if $(filter local,$(STORE)),tests.faults.killed $(or $(DEATHS),300),tests.faults $(or $(SCHEDULES),20000))

fire: setup ## run 200 video jobs on a stack whose processes die, and which restarts twice (JOBS=500 for more)
	JOBS=$(or $(JOBS),200) $(PYTEST) tests/stack/test_jobs_under_fire.py

outage: setup ## serve 10,000 requests while one of three providers is in trouble, in every way (REQUESTS=500 for fewer)
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.outage $(or $(REQUESTS),10000)

fuzz: setup ## draw 50,000 requests to every endpoint, and 5,000 realtime sessions for each model, and judge each answer (CASES=100000 for more)
	CASES=$(or $(CASES),50000) $(PYTEST) --numprocesses 2 tests/fuzz tests/realtime/test_any_order.py

mutants: setup-mutants ## change the money's code in 2,900 places and see a test fail for each (SAMPLE=400 draws so many)
	@PYTHONPATH=layers/shared .venv-mutants/bin/python -m tests.mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(PARTS)

fidelity: setup ## judge recorded answers of every provider wire on every client wire
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.fidelity

bridging: setup ## write the tables of docs/bridging.md, from what the codecs do, and the pages of /docs that show them
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.bridging
	@PYTHONPATH=layers/shared $(BIN)/python -m local.guide

ric: setup ## stream through the emulator with AWS's own Node.js runtime client
	@tests/local/ric/run

agents: setup ## drive Codex, Claude Code, Gemini CLI, opencode, Qwen Code, Aider, llm and Agents SDKs through the stack (installs 2 GB)
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.agents

frameworks: setup ## drive LangChain's and LlamaIndex' embedding and rerank classes through the stack (installs 325 MB)
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.frameworks

agent-deaths: setup ## run 300 runs of agents and tasks, planned ones too, through deaths at any call of a port (RUNS=1000 for more)
	RUNS=$(or $(RUNS),300) $(PYTEST) tests/agent_runs/test_deaths.py

agent-streams: setup ## stream 50 agents at once through the stack, to clients that reconnect (STREAMS=20 for fewer)
	STREAMS=$(or $(STREAMS),50) $(PYTEST) tests/stack/test_agent_streams.py

self-healing: setup ## do 60 scripted goals with faults, without and with repair, and print what each comes to
	EVERY=1 $(PYTEST) tests/agent_runs/test_healing.py

payment-deaths: setup ## deliver 1,000 events of 200 payments to processes that are killed within (PAYMENTS=500 DELIVERIES=5000 for more)
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.billing $(or $(PAYMENTS),200) $(or $(DELIVERIES),1000)

realtime: setup ## send frames of sound through realtime sessions and a bare relay (SESSIONS=100 SECONDS=60 for more; KILLS=20 kills processes and judges the money)
	@PYTHONPATH=layers/shared $(BIN)/python -m bench.realtime --sessions $(or $(SESSIONS),4) --seconds $(or $(SECONDS),20) --kills $(or $(KILLS),0)

realtime-clients: setup ## hold sessions of OpenAI's clients for Python, Node.js and pages with each provider's model (CLIENTS="python page")
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.stack.realtime_clients $(CLIENTS)

learned: setup ## compare learned routing with ParetoBandit and the best fixed models, and judge estimates (SEEDS=2, installs 250 MB)
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.learning.comparison $(or $(SEEDS),2) $(or $(REQUESTS),20000)

meanings: ## measure the semantic cache's pairs with a sentence encoder (installs 110 MB)
	@requirements/install .venv-meanings $(LAYER_LOCK) requirements/meanings.txt
	@PYTHONPATH=layers/shared .venv-meanings/bin/python -m tests.cache.measuring

browser: setup ## walk the console in Chromium, count a newcomer's work, and have pages of other origins read the local stack (PART=console; 120 MB from npm)
	@PYTHONPATH=layers/shared $(BIN)/python -m tests.stack.browser $(PART)

lock: setup ## resolve the newest versions into the hashed lock files
	$(LOCK) requirements/layer.in -o $(LAYER_LOCK)
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/payments.in -o $(PAYMENTS_LOCK)
	$(LOCK) requirements/sandbox.in -o $(SANDBOX_LOCK)
	$(LOCK) requirements/sam.in -o requirements/sam.txt
	$(LOCK) requirements/mutants.in -o requirements/mutants.txt
	$(LOCK) requirements/meanings.in -o requirements/meanings.txt
	$(LOCK) requirements/pip.in -o requirements/pip.txt
	$(LOCK) requirements/uv.in -o requirements/uv.txt

clean: ## remove what was built or installed; DATA stays
	rm -r -f .venv .venv-sam .venv-mutants .venv-meanings .aws-sam .cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -r {} +

# In CI only: a developer's own changes are no fault.
clean-tree: ## in CI, fail where what ran has changed or left a file
	@test -z "$$CI" || test -z "$$(git status --porcelain)" || { git status --short; exit 1; }
