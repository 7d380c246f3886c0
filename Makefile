# Everything that a user or developer does, from a fresh clone on. Needs Python 3.11 or later, git and make.
PYTHON ?= python3
BIN := .venv/bin
# Older releases of DuckDB that open the published file: one tried every day, the others by test-all.
CLIENT := 1.4.5
OTHER_CLIENTS := 1.2.2 1.5.6

.PHONY: demo run dev test test-all test-cluster check format generate bench reset clean help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: .venv/.installed  ## the whole pipeline on sample repositories, without network
	$(BIN)/kubestats demo

run: .venv/.installed  ## one cycle of the real thing
	$(BIN)/kubestats run

dev: .venv/.installed  ## the Dagster UI, daemon and schedules on http://127.0.0.1:3000
	$(BIN)/kubestats dev

test: .venv/.installed-dev $(CLIENT:%=.clients/%/.installed)  ## the everyday test suite
	$(BIN)/pytest

test-all: .venv/.installed-dev $(CLIENT:%=.clients/%/.installed) $(OTHER_CLIENTS:%=.clients/%/.installed) .clients/renovate/.installed  ## every test, the long ones too
	$(BIN)/pytest -m "not cluster"

test-cluster: .venv-cluster/.installed  ## real PostgreSQL, Redis, S3 and two workers, which are killed; as root they are installed
	.venv-cluster/bin/pytest -n 0 -m cluster -rs

check: .venv/.installed-dev  ## lint, types, spelling and definitions
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell *.md data/README.md docs deploy findings benchmarks kubestats_pipeline kubestats_pipeline_tests pyproject.toml
	@home=$$(mktemp -d) && cp kubestats_pipeline/dagster.yaml "$$home" && \
		VIRTUAL_ENV="$(CURDIR)/.venv" DAGSTER_HOME="$$home" $(BIN)/dg check defs; status=$$?; rm -r "$$home"; exit $$status

format: .venv/.installed-dev  ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

generate: .venv/.installed-dev  ## make anew what derives from tables and marts: docs/tables.md and the lineage of columns
	$(BIN)/python -m kubestats_pipeline.warehouse.column_lineage
	$(BIN)/kubestats tables > docs/tables.md

bench: .venv/.installed-dev  ## measure; prints ratios to floors of the same run, or to a revision: AGAINST=REV
	$(BIN)/python -m benchmarks $(BENCH) $(if $(AGAINST),--against $(AGAINST))

reset:  ## forget everything in data/ but the administrator's decisions
	find data -mindepth 1 -maxdepth 1 ! -name README.md ! -name decisions.yaml -exec rm -rf {} +

clean:  ## remove the environment and all caches
	rm -rf .venv .venv-cluster .clients .pytest_cache .ruff_cache .mypy_cache .hypothesis *.egg-info

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "there is no $(PYTHON); name another: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@ .venv/.installed

# An environment of its own: dagster-postgres needs an older SQLAlchemy. What cannot be installed makes the test be skipped.
.venv-cluster/.installed: pyproject.toml
	@command -v redis-server >/dev/null && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get install --yes --no-install-recommends postgresql redis-server; } || \
		echo "no PostgreSQL or Redis: the test says what it needs"
	$(PYTHON) -m venv .venv-cluster
	.venv-cluster/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[dev,cluster]"
	@touch $@

# Without network, or a wheel for this Python, the tests of that client are skipped.
.clients/%/.installed: | .venv/bin/python
	@$(BIN)/python -m venv .clients/$* && .clients/$*/bin/python -m pip install --quiet --disable-pip-version-check \
		--only-binary :all: duckdb==$* && touch $@ || { rm -rf .clients/$*; echo "no DuckDB $*: its tests are skipped"; }

# The real Renovate, which asks for the merge confidence that is published. Without npm the tests of it are skipped.
.clients/renovate/.installed:
	@npm install --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent renovate@39 && touch $@ || \
		{ rm -rf $(@D); echo "no Renovate 39: its tests are skipped"; }
