# The words of this project. Each does all the set-up that it needs; CI calls the same ones.
#
#   make run [STATIONS=n]   a broker, the gateway and n simulated stations on this machine
#   make test               everything, against a real Kafka, schema registry and PostgreSQL
#   make check              what needs no server: seconds, no port
#   make e2e                the tests against real services alone
#   make bench              the figures of docs/performance.md
#   make chaos [SEED=n]     2,000 stations while everything breaks for ten minutes; then the books
#   make schemas            write schemas/avro and docs/events.md again
#   make docs               write the tables of docs/alerts.md, reference.md and runbook.md again
#   make dashboards         write Grafana's dashboards, alerts and ClickHouse's columns again
#   make chart              write again what the Helm chart takes from the code, and what it becomes
#   make fmt                format, and mend what the linter can
#   make constraints        take the newest versions that pyproject.toml allows
#   make locks              resolve the broker's jars again

BIN := .venv/bin
PYTHON := $(BIN)/python
RUNNABLE := .venv/.installed
INSTALLED := .venv/.installed-for-tests
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: run test check lint e2e bench chaos schemas docs dashboards chart fmt constraints locks clean

run: $(RUNNABLE)
	@$(BIN)/chargewire up $(if $(STATIONS),--stations $(STATIONS))

test: check e2e

check: lint
	$(PYTHON) -m pytest -q -n 2 -m "not kafka and not postgres and not slow"

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

e2e: $(INSTALLED)
	$(PYTHON) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "kafka or postgres or slow"

bench: $(INSTALLED)
	$(PYTHON) -m tests.benchmarks

chaos: $(INSTALLED)
	@$(PYTHON) -m tests.end_to_end.chaos $(if $(SEED),--seed $(SEED)) $(ARGUMENTS)

schemas: $(INSTALLED)
	$(PYTHON) -m chargewire.schema_files

docs: $(INSTALLED)
	$(PYTHON) -m chargewire.manual

dashboards: $(INSTALLED)
	$(PYTHON) -m deploy.grafana.dashboards
	$(PYTHON) -m deploy.prometheus.rules
	$(PYTHON) -m deploy.clickhouse.columns

chart: $(INSTALLED)
	$(PYTHON) -m deploy.helm.chart
	REWRITE=1 $(PYTHON) -m pytest -q tests/deploy/chart/test_golden.py

fmt: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# From an environment of its own, so that nothing gets in which is only here by chance.
constraints: $(INSTALLED)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && \
	"$$folder/bin/python" $(PIP_INSTALL) '.[local,test]' && \
	{ sed -n 1p constraints.txt; "$$folder/bin/python" -m pip list --format=freeze \
	    --exclude pip --exclude setuptools --exclude chargewire; } > "$$folder/new" && \
	cat "$$folder/new" > constraints.txt

locks: $(INSTALLED)
	$(PYTHON) -c 'from pathlib import Path; from deploy.local.artifacts import relock; \
	relock(Path("deploy/local/kafka.lock"))'

clean:
	rm -rf .venv

# Made anew when what is to be installed has changed; the stamp comes last, so a broken attempt
# is not taken for a finished one. Whoever only runs it is spared a gigabyte that only tests need.
$(RUNNABLE): EXTRAS := local,parquet
$(INSTALLED): EXTRAS := local,test
$(RUNNABLE) $(INSTALLED): pyproject.toml constraints.txt
	@test -x $(PYTHON) && $(PYTHON) -m pip --version >/dev/null 2>&1 || { \
	for python in python3 python3.13 python3.12 python3.11; do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
	    python=; \
	done; \
	if [ -z "$$python" ]; then \
	    echo 'chargewire needs Python 3.11 or later, and found none (looked for python3, python3.13,' \
	         'python3.12, python3.11). On Debian 12 or later: sudo apt-get install python3' >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$python cannot make virtual environments: its venv module is missing." \
	         'On Debian and Ubuntu: sudo apt-get install python3-venv' >&2; exit 1; \
	fi; \
	echo "Making .venv with $$($$python --version) ..."; \
	"$$python" -m venv --clear .venv || exit 1; }
	@echo 'Installing what pyproject.toml names, in the versions of constraints.txt ...'
	@$(PYTHON) $(PIP_INSTALL) --editable '.[$(EXTRAS)]' --constraint constraints.txt || { \
	echo 'The installation failed; the lines above say why. It needs a network, or packages that' \
	     'pip finds elsewhere (see `pip config`). Then try again.' >&2; exit 1; }
	@touch $(RUNNABLE) $@
