.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
export UV_PYTHON_DOWNLOADS := never
PY := .venv/bin/python
UV := .venv/bin/uv

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: install
install: .venv/.installed  ## create .venv with everything that uv.lock names

.venv/.installed: pyproject.toml uv.lock scripts/install.sh
	@bash scripts/install.sh
	@touch $@

.PHONY: test
test: install  ## run the tests; suites for servers that are down are left out with a word
	@$(PY) -m pytest

.PHONY: check
check: install  ## lint, types and import contracts
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

.PHONY: audit
audit: install  ## known vulnerabilities and licences of the locked dependencies
	@bash scripts/audit.sh

.PHONY: services services-stop
services:  ## start Redis, PostgreSQL, Kafka and Weaviate here, without a container engine
	@bash scripts/services.sh start

services-stop:  ## end exactly the servers that `make services` started
	@bash scripts/services.sh stop
