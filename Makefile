# Every target sets up the virtual environment it needs; the second time that costs nothing.
PYTHON ?= python3
# pyenv's own first: its python3.10 on the PATH is a stub that works only where 3.10 is chosen.
PYTHON310 ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.10*/bin/python) python3.10)
VENV := .venv
WHEEL := .venv-wheel
OLDEST := .venv-oldest
BENCH := .venv-bench
NEIGHBOURS := .venv-neighbours
DOCS := .venv-docs
BIN := $(VENV)/bin
PROJECT := --editable '.[cli]'
# A variable, since its comma would end an argument of `call`.
DOCUMENTED := --editable '.[cli,plot]' --group docs
PYTEST := python -m pytest -n auto --dist worksteal
# ClickHouse as a process of its own comes out of a package of npm's, which only its tests need.
CLICKHOUSE := .clickhouse
SERVER := @chdb/lib-linux-x64-gnu@26.7.3-stable.1
# The tests of ClickHouse that are slow run by `make clickhouse` alone.
TESTS := -m "not (clickhouse and slow)"
# Else the hundreds of processes that tests start would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

# $(call install,PYTHON,WHAT): make the virtual environment that the target is in. Pip reads
# dependency groups from version 25.1 on.
define install
$(1) -m venv $(@D)
$(@D)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
$(@D)/bin/python -m pip install --quiet $(2)
touch $@
endef

.PHONY: demo quick test thorough coverage check format ci compliance bench neighbours clickhouse docs oldest clean

demo: $(VENV)/installed
	$(BIN)/mixpanel-data demo

quick: $(VENV)/installed
	$(BIN)/$(PYTEST) -m "not slow and not clickhouse"

test: $(VENV)/installed
	$(BIN)/$(PYTEST) $(TESTS)

# Everything that the tests can try: each call that can fail, more examples, kills and sizes.
thorough: $(VENV)/installed
	THOROUGH=1 $(BIN)/$(PYTEST)

# Of all variants of the tests; apart from them, which it makes a third longer before Python 3.12.
coverage: $(VENV)/installed
	VARIANTS=all $(BIN)/$(PYTEST) $(TESTS) --cov --cov-fail-under=95

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python .ci/docstrings.py .ci benchmarks migrations src tests
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The checks and tests over the wheel, built anew, as users install it: src/ is only read.
ci:
	rm -f $(WHEEL)/installed
	$(MAKE) --no-print-directory VENV=$(WHEEL) PROJECT="'.[cli]'" check
	$(WHEEL)/bin/mypy tests/typing
	$(MAKE) --no-print-directory VENV=$(WHEEL) PROJECT="'.[cli]'" test
	$(MAKE) --no-print-directory docs

compliance: $(VENV)/installed
	$(BIN)/python -m pytest -c tests/compliance/pytest.ini

bench: $(BENCH)/installed
	$(BENCH)/bin/python -m benchmarks $(BENCHFLAGS)

# polars, ibis, dbt, Jupyter and others, which use this library as their users would.
neighbours: $(NEIGHBOURS)/installed
	THOROUGH=1 $(NEIGHBOURS)/bin/python -m pytest tests/neighbours

# All tests of ClickHouse, in-process and on servers of their own, with all their kills.
clickhouse: $(VENV)/installed $(CLICKHOUSE)/installed
	THOROUGH=1 $(BIN)/$(PYTEST) -m clickhouse

# Strictly: a broken link or an undocumented public name ends it.
docs: $(DOCS)/installed
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --quiet --strict --site-dir site

oldest: $(OLDEST)/installed
	$(OLDEST)/bin/$(PYTEST) $(TESTS)

$(VENV)/installed: pyproject.toml
	$(call install,$(PYTHON),$(PROJECT) --group dev)

$(BENCH)/installed: pyproject.toml
	$(call install,$(PYTHON),$(PROJECT) --group bench)

$(NEIGHBOURS)/installed: pyproject.toml
	$(call install,$(PYTHON),$(PROJECT) --group dev --group neighbours)

$(DOCS)/installed: pyproject.toml
	$(call install,$(PYTHON),$(DOCUMENTED))

$(CLICKHOUSE)/installed:
	mkdir -p $(CLICKHOUSE)
	npm install --prefix $(CLICKHOUSE) --no-save --no-package-lock --no-audit --no-fund \
		--ignore-scripts $(SERVER)
	touch $@

$(OLDEST)/installed: pyproject.toml
	@$(PYTHON310) --version > /dev/null 2>&1 || { echo \
		"make oldest needs Python 3.10: put python3.10 on the PATH, or name it:" \
		"make oldest PYTHON310=/path/to/python" >&2; exit 1; }
	mkdir -p $(OLDEST)
	grep -oE '"[a-z_-]+>=[0-9.]+' pyproject.toml | sed 's/"//; s/>=/==/' > $(OLDEST)/constraints.txt
	$(call install,$(PYTHON310),--constraint $(OLDEST)/constraints.txt $(PROJECT) --group dev)

clean:
	rm -rf $(VENV) $(WHEEL) $(OLDEST) $(BENCH) $(NEIGHBOURS) $(DOCS) $(CLICKHOUSE) site .mypy_cache .pytest_cache .ruff_cache \
		.hypothesis .coverage*
