# Every target sets up the virtual environment it needs; the second time that costs nothing.
PYTHON ?= python3
# pyenv's own first: its python3.10 on the PATH is a stub that works only where 3.10 is chosen.
PYTHON310 ?= $(firstword $(wildcard $(HOME)/.pyenv/versions/3.10*/bin/python) python3.10)
VENV := .venv
OLDEST := .venv-oldest
BENCH := .venv-bench
BIN := $(VENV)/bin

.PHONY: demo test check format compliance bench oldest clean

demo: $(VENV)/installed
	$(BIN)/mixpanel-data demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-fail-under=95

check: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

compliance: $(VENV)/installed
	$(BIN)/python -m pytest -c tests/compliance/pytest.ini

bench: $(BENCH)/installed
	$(BENCH)/bin/python -m benchmarks $(BENCHFLAGS)

oldest: $(OLDEST)/installed
	$(OLDEST)/bin/python -m pytest -n auto --dist worksteal

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

$(BENCH)/installed: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --editable '.[bench,cli]'
	touch $@

$(OLDEST)/installed: pyproject.toml
	@$(PYTHON310) --version > /dev/null 2>&1 || { echo \
		"make oldest needs Python 3.10: put python3.10 on the PATH, or say where it is," \
		"make oldest PYTHON310=/path/to/python" >&2; exit 1; }
	$(PYTHON310) -m venv $(OLDEST)
	grep -oE '"[a-z-]+>=[0-9.]+"' pyproject.toml | sed 's/"//g; s/>=/==/' > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) $(BENCH) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
