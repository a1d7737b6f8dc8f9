# Everything that is done here by hand has a target; `make help` lists them.

# PYTHON in the environment names the interpreter that scripts/bootstrap makes the virtual environment with.
VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: run run-hosts test lint schema frontend fuzz bench bench-history attack attack-debian chaos languages languages-test soak release help clean
.DEFAULT_GOAL := help

run: ## Set everything up and serve on http://localhost:8080
	@scripts/bootstrap run
	@exec $(VENV_PYTHON) -m serve

run-hosts: ## NATS, three hosts and two web processes on this machine, for a look (docs/scaling.md)
	@scripts/bootstrap test
	@scripts/run-hosts

test: ## Set everything up and run the tests (ARGS="-k name" for some)
	@scripts/bootstrap test
	@$(VENV_PYTHON) -m pytest -n auto --dist loadfile --max-worker-restart 0 $(ARGS)

C_SOURCES := sandbox/runner/*.[ch] sandbox/runner/tests/*.c
SHELL_SCRIPTS := scripts/bootstrap scripts/run-hosts scripts/clean scripts/attack-debian .ci/run languages/images/base/install-packages

lint: ## Layout, types, direction of imports and common faults, of Python, C, shell and JavaScript
	@scripts/bootstrap lint
	@ruff check .
	@ruff format --check .
	@mypy .
	@lint-imports
	@clang-format --dry-run -Werror $(C_SOURCES)
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--suppress=normalCheckLevelMaxBranches sandbox/runner
	@shellcheck --external-sources --check-sourced $(SHELL_SCRIPTS)
	@shellcheck --severity=error languages/images/*/build-*
	@for script in languages/static/languages/*.js executions/static/executions/*.js frontend/src/*.js frontend/build.mjs; do node --check "$$script" || exit 1; done

schema: ## Write the API's schema to docs/openapi.yaml
	@scripts/bootstrap test
	@$(VENV_PYTHON) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

frontend: ## Build the page's scripts into pages/static/ (needs Node and npm; to run and to test needs neither)
	@npm --prefix frontend ci --ignore-scripts --no-audit --no-fund
	@node frontend/build.mjs

fuzz: ## Send a server of its own 20,000 requests that its schema allows or forbids (SECONDS=600 for it)
	@scripts/bootstrap test
	@FUZZ_SECONDS=$(or $(SECONDS),600) HYPOTHESIS_EXAMPLES=20000 $(VENV_PYTHON) -m pytest -s \
		tests/test_fuzzing.py tests/test_hostile_bodies.py

bench: ## Measure latency, throughput, memory and compile times (LISTS=1000000,5000000: the admin's list at such lengths)
	@scripts/bootstrap test
ifdef LISTS
	@$(VENV_PYTHON) -m benchmarks.lists --rows $(LISTS)
else
	@$(VENV_PYTHON) -m benchmarks $(ARGS)
	@$(VENV_PYTHON) -m benchmarks.cells
	@$(VENV_PYTHON) -m benchmarks.languages
	@$(VENV_PYTHON) -m benchmarks.doors
	@$(VENV_PYTHON) -m benchmarks.watching
	@$(VENV_PYTHON) -m benchmarks.scraping
	@$(VENV_PYTHON) -m benchmarks.fairness
	@$(VENV_PYTHON) -m benchmarks.hosts
endif

bench-history: ## Ask a history of five million rows and one of ten thousand the same; fails where one takes twice as long (ROWS=1000000)
	@scripts/bootstrap test
	@$(VENV_PYTHON) -m benchmarks.history --rows $(or $(ROWS),5000000)

attack: ## Run the attack suite, against a server of its own or a running one (URL=http://localhost:8080)
	@scripts/bootstrap test
	@$(VENV_PYTHON) -m attacks $(if $(URL),--url $(URL)) $(ARGS)

attack-debian: ## A part of it in a stock Debian, and the next part when it is called again (DEBIAN_VM, see CONTRIBUTING.md)
	@scripts/attack-debian $(ARGS)

chaos: ## Kill and freeze every part of a server of its own under load, and compare what it says (ARGS="--seed 2")
	@scripts/bootstrap test
	@$(VENV_PYTHON) -m chaos $(ARGS)

languages: ## Install languages (LANGUAGES="c cpp java", or all)
	@scripts/bootstrap run
	@$(VENV_PYTHON) manage.py migrate --verbosity 0
	@$(VENV_PYTHON) manage.py languages install $(or $(LANGUAGES),python go)

languages-test: ## Build all languages from nothing and test them; a second run goes on (ARGS="--at-most 5", ARGS="lua perl")
	@scripts/bootstrap run
	@$(VENV_PYTHON) manage.py migrate --verbosity 0
	@$(VENV_PYTHON) manage.py languages_test --record $(ARGS)

soak: ## A week in an hour: reloads, purges and builds under load, and nothing grows (ARGS="--minutes 5 --seed 2")
	@scripts/bootstrap test
	@$(VENV_PYTHON) -m benchmarks.week $(ARGS)

release: ## The image of this version with its bill of materials and compose file, in dist/ (BASE=the digest of what it stands on)
	@scripts/bootstrap run
	@$(VENV_PYTHON) -m scripts.make_release

clean: ## Remove the virtual environment and caches; the data in var/ stays
	@scripts/clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
