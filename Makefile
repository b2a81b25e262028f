.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export UV_PYTHON_DOWNLOADS := never
PY := .venv/bin/python
# What .env says holds where the environment says nothing else; $ and # in a value are taken as they are.
ifneq (,$(wildcard .env))
$(shell mkdir -p var && sed -n '/^[A-Z_]*=/{s/[$$]/&&/g;s/#/\\#/g;s/=/ ?= /p}' .env > var/env.mk)
include var/env.mk
export
endif
# FEED=, ORDERS=, SETS= and JUDGEMENTS= bring one's own shop.
ifdef FEED
export SETWISE_FEED := $(FEED)
endif
ifdef ORDERS
export SETWISE_ORDERS := $(ORDERS)
endif
ifdef SETS
export SETWISE_SETS := $(SETS)
endif
ifdef JUDGEMENTS
export SETWISE_JUDGEMENTS := $(JUDGEMENTS)
endif
UV := .venv/bin/uv

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: install
install: .venv/.installed  ## create .venv with everything that uv.lock names

.venv/.installed: pyproject.toml uv.lock scripts/install.sh
	@bash scripts/install.sh
	@touch $@

.PHONY: demo
demo: install  ## build everything on the embedded defaults; storefront and API on :8000, Dagster on :3000, until Ctrl-C
	@PYTHONWARNINGS=ignore PYTHONPATH=. $(PY) scripts/demo.py

.PHONY: build
build: install  ## feed to live release: FEED=path ORDERS=path SETS=path JUDGEMENTS=path, else the sample shop
	@PYTHONWARNINGS=ignore $(PY) -m orchestration build

.PHONY: serve
serve: install  ## serve the current release on SETWISE_PORT
	@$(PY) -m online

.PHONY: dagster
dagster: install  ## Dagster's pages on SETWISE_DAGSTER_PORT, with the schedules that build, make marts and forget by themselves
	@DAGSTER_HOME="$$($(PY) -m orchestration home)" PYTHONWARNINGS=ignore $(PY) -m dagster dev --workspace workspace.yaml \
	  --host 127.0.0.1 --port "$${SETWISE_DAGSTER_PORT:-3000}" --log-level warning

.PHONY: rollback
rollback: install  ## make the release before the live one live again; RELEASE=r-... any that is kept
	@PYTHONWARNINGS=ignore $(PY) -m orchestration rollback $(if $(RELEASE),--to $(RELEASE))

.PHONY: boards
boards: install  ## events into tables, tables into marts, marts into a page with plots, ten answers and CSV files
	@$(PY) -m orchestration.loader --once
	@PYTHONWARNINGS=ignore $(PY) -m orchestration.marts run --quiet
	@$(PY) -m orchestration.boards

.PHONY: experiments
experiments: install  ## what experiments show, in words; PLAN=5 how long it takes to find a lift of 5 %
	@PYTHONWARNINGS=ignore $(PY) -m orchestration.experiments $(if $(PLAN),--plan $(PLAN))

.PHONY: sample-day
sample-day: install  ## shoppers of the sample shop use the running demo, so that the boards have something to show
	@$(PY) -m benchmarks.sample_day

.PHONY: backup restore
backup: install  ## save what no build can make anew into FOLDER=path
	@$(PY) -m orchestration.backup create "$(or $(FOLDER),$(error say where: make backup FOLDER=path))"

restore: install  ## put what FOLDER=path has into an empty place; end service and loader first
	@$(PY) -m orchestration.backup restore "$(or $(FOLDER),$(error say from where: make restore FOLDER=path))"

.PHONY: test test-long
test: install  ## run the tests, several at a time; suites for servers that are down are left out with a word
	@$(PY) -m pytest -n auto -m "not long"

test-long: install  ## run the tests that take minutes by their nature
	@$(PY) -m pytest -n auto -m long

.PHONY: check
check: install  ## lint, types, import contracts, Dockerfile and compose file
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/mypy --config-file tests/mypy.ini
	@.venv/bin/mypy --config-file tests/mypy.ini tests/faults/conftest.py
	@.venv/bin/lint-imports
	@.venv/bin/hadolint Dockerfile
	@.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

.PHONY: docs
docs: install  ## the documents as a site, into dist/site; a link that leads nowhere is an error
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict
	@echo "setwise: dist/site/index.html is the first page; its search needs a server: $(PY) -m http.server -b 127.0.0.1 -d dist/site 8080"

.PHONY: clients
clients: install  ## what the clients know of the API, from its OpenAPI; needs Node 20 for TypeScript's
	@$(PY) scripts/clients.py
	@cd clients/typescript && npm ci --silent --no-audit --no-fund --ignore-scripts && npm run --silent generate && npm run --silent build

.PHONY: dist wheel sbom licences
dist: wheel sbom licences  ## the wheel, what it is made of (CycloneDX) and under which licences, into dist/

LOCKED := $(UV) export --frozen --no-dev --all-extras --quiet
wheel: install
	@$(UV) build --wheel --no-build-isolation --quiet --out-dir dist

sbom: install
	@mkdir -p dist && $(LOCKED) --format cyclonedx1.5 --preview-features sbom-export --output-file dist/sbom.json >/dev/null

licences: install
	@mkdir -p dist && $(LOCKED) --no-emit-project --no-hashes --no-header --no-annotate | sed 's/[=; ].*//' | \
	  xargs .venv/bin/pip-licenses --from mixed --format markdown --output-file dist/licences.md --packages

.PHONY: faults
faults: install  ## the long fault tests: kills, freezes, restarts, overload, ten minutes each of soak and random faults
	@bash scripts/install_vegeta.sh
	@FAULTS=long SETWISE_REQUIRE_SERVICES=1 $(PY) -m pytest tests/faults tests/contract/test_feature_reader.py tests/e2e/test_release_life.py -s

.PHONY: evaluate
evaluate: install  ## offline quality on the public sets in ../shared, beside the simple baselines
	@PYTHONWARNINGS=ignore $(PY) -m benchmarks.evaluate $(EVALUATE)

.PHONY: bench
bench: install  ## load, cost and growth into docs/benchmarks.md; QUICK=1 in two minutes, BENCH="--only growth" one part
	@bash scripts/install_vegeta.sh
	@PYTHONWARNINGS=ignore $(PY) -m benchmarks.serving $(if $(QUICK),--quick) $(BENCH)

.PHONY: understanding
understanding: install  ## precision and recall of what is understood, on the labelled prompts
	@$(PY) -m tests.understanding.score --split all

.PHONY: audit
audit: install  ## known vulnerabilities and licences of the locked dependencies
	@bash scripts/audit.sh

.PHONY: services services-stop
services:  ## start Redis, PostgreSQL, Kafka and Weaviate here, without a container engine
	@bash scripts/services.sh start

services-stop:  ## end exactly the servers that `make services` started
	@bash scripts/services.sh stop
