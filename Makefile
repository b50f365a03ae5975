# Bellwether's commands. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
PYTHON := $(VENV)/bin/python
STAMPS := $(VENV)/stamps
CONSOLE := cloud/console
UV_COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-package bellwether
LOCKS := requirements/edge.txt requirements/cloud.txt requirements/dev.txt requirements/build.txt \
	requirements/node.txt

# Tests wait more than they compute: three workers keep two cores busy, in about 1.5 GB. Each has its own database and broker.
WORKERS ?= 3
PYTEST := $(PYTHON) -m pytest
TESTS ?= tests
SCENARIO ?=
SOAK_SECONDS ?= 1800

export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export npm_config_loglevel := error
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

# ---------------------------------------------------------------------------------------------------------------- people

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMPS)/project ## Install everything from the locks into .venv; leaves the command at .venv/bin/bellwether

.PHONY: demo
demo: setup console ## Run the whole district on this machine (SCENARIO=…, BELLWETHER_PORT, BELLWETHER_DEMO_SECONDS, BELLWETHER_HOME)
	@$(PYTHON) -m ops.setup demo
	@exec $(VENV)/bin/bellwether demo $(if $(SCENARIO),--scenario $(SCENARIO))

.PHONY: test
test: setup console ## Install what the tests need (where that is allowed) and run all of them (TESTS=…, WORKERS=…)
	@$(PYTHON) -m ops.setup test
	@$(PYTEST) -n $(WORKERS) --dist loadfile $(TESTS)

.PHONY: check
check: setup $(STAMPS)/node-modules ## Format, lint, types, import contracts, front end, generated documents
	@failed=; step() { echo "· $$1"; shift; "$$@" || failed=1; }; \
	step 'format' $(VENV)/bin/ruff format --check --quiet .; \
	step 'lint' $(VENV)/bin/ruff check --quiet .; \
	step 'types' $(VENV)/bin/mypy --no-error-summary; \
	step 'import contracts' ops/setup/quiet $(VENV)/bin/lint-imports; \
	step 'generated documents' ops/setup/quiet $(PYTHON) -m ops.setup.generated --check; \
	step 'console: types, lint, tests' ops/setup/quiet npm --prefix $(CONSOLE) run --silent check; \
	step 'console: types from the API document' ops/setup/quiet npm --prefix $(CONSOLE) run --silent types:check; \
	[ -z "$$failed" ] && echo 'check: all good'

.PHONY: fmt
fmt: setup $(STAMPS)/node-modules ## Format the code and write the generated documents anew
	@$(VENV)/bin/ruff check --quiet --fix-only . && $(VENV)/bin/ruff format .
	@cd $(CONSOLE) && npx biome check --write --linter-enabled=false src
	@$(PYTHON) -m ops.setup.generated

.PHONY: console
console: $(CONSOLE)/dist/index.html ## Build the browser app into cloud/console/dist

.PHONY: openapi
openapi: setup $(STAMPS)/node-modules ## Write what is generated from the code: API and wire documents, schema, the console's types
	@$(PYTHON) -m ops.setup.generated
	@cd $(CONSOLE) && npm run --silent types

.PHONY: faults
faults: setup ## Kill, cut and fill things on purpose; the books must close each time
	@$(PYTHON) -m ops.setup test
	@BELLWETHER_FAULT_ROUNDS=$${BELLWETHER_FAULT_ROUNDS:-5} $(PYTEST) -m faults $(TESTS)

.PHONY: scenarios
scenarios: setup ## Play every scenario that says what it expects in virtual time; the outcome must be what its file says
	@$(PYTHON) -m ops.setup test
	@$(VENV)/bin/bellwether sim scenario

.PHONY: soak
soak: setup console ## Run the district for SOAK_SECONDS (1800) in a home of its own; fail unless the books close
	@$(PYTHON) -m ops.setup demo
	@home=$$(mktemp -d) && chmod 711 "$$home" && trap 'rm -rf "$$home"' EXIT && $(VENV)/bin/bellwether demo --json \
		--home "$$home" --seconds $(SOAK_SECONDS) --scenario $(or $(SCENARIO),district-outage) | $(PYTHON) -m ops.setup.books

.PHONY: e2e
e2e: setup console ## Drive the whole chain and the console in a real browser
	@$(PYTHON) -m ops.setup test
	@$(PYTEST) -m e2e $(TESTS)

.PHONY: bench
bench: setup ## Run every benchmark against its limit
	@for name in spool ingest agent api records board content status wall search timemachine; do $(VENV)/bin/bellwether bench $$name; done

.PHONY: lock
lock: $(STAMPS)/project ## Resolve the dependencies anew and write the hashed locks (no addresses in them)
	@$(UV_COMPILE) pyproject.toml --extra dev --upgrade --output-file requirements/dev.txt
	@$(UV_COMPILE) pyproject.toml --extra edge --constraint requirements/dev.txt --output-file requirements/edge.txt
	@$(UV_COMPILE) pyproject.toml --extra cloud --constraint requirements/dev.txt --output-file requirements/cloud.txt
	@$(UV_COMPILE) requirements/build.in --constraint requirements/dev.txt --output-file requirements/build.txt
	@$(UV_COMPILE) requirements/node.in --upgrade --output-file requirements/node.txt
	@cd $(CONSOLE) && npm install --package-lock-only --silent
	@$(PYTHON) -m ops.setup.npm_lock
	@! grep -nE '://|--(index-url|find-links)' $(LOCKS) $(CONSOLE)/package-lock.json || { echo 'an address got into a lock' >&2; exit 1; }

.PHONY: clean
clean: ## Remove what was built or installed here; keeps ./var, the data
	@rm -rf $(VENV) $(CONSOLE)/node_modules $(CONSOLE)/dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

# -------------------------------------------------------------------------------------------------------------- machines

$(PYTHON):
	@ops/setup/venv $(VENV)

$(STAMPS)/python: requirements/dev.txt | $(PYTHON)
	@echo '· Python packages (hashed, from requirements/dev.txt)'
	@$(PYTHON) -m pip install -qq --require-hashes --only-binary :all: --requirement requirements/dev.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/project: $(STAMPS)/python pyproject.toml
	@echo '· Bellwether itself'
	@$(PYTHON) -m pip install -qq --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/node: requirements/node.txt ops/setup/node-version | $(STAMPS)/project
	@ops/setup/node-version || { echo '· Node (from the wheel: no system Node of version 20.19 or later)' && \
		$(PYTHON) -m pip install -qq --require-hashes --only-binary :all: --requirement requirements/node.txt; }
	@touch $@

$(STAMPS)/node-modules: $(CONSOLE)/package-lock.json $(CONSOLE)/.npmrc $(STAMPS)/node
	@echo '· console: packages'
	@cd $(CONSOLE) && $(CURDIR)/ops/setup/quiet npm ci
	@touch $@

$(CONSOLE)/dist/index.html: $(STAMPS)/node-modules $(shell find $(CONSOLE) \( -name node_modules -o -name dist \) -prune -o -type f -print 2>/dev/null)
	@echo '· console: build'
	@cd $(CONSOLE) && $(CURDIR)/ops/setup/quiet npm run --silent build
	@touch $@
