# Needs Python >= 3.10, a C compiler and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py $(wildcard src/*.pyx src/*.pxd)
STUBS := $(patsubst fastada/%.pyi,fastada.%,$(wildcard fastada/_*.pyi))
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
ASV := $(BIN)/asv run --config benchmarks/asv.conf.json --python=same

.PHONY: demo test lint bench-quick docs clean

demo: $(VENV)/has-plot
	$(BIN)/fastada demo

test: $(VENV)/has-test
	$(BIN)/python -m pytest

lint: export PATH := $(abspath $(BIN)):$(PATH)
lint: $(VENV)/has-lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/cython-lint src
	$(BIN)/mypy
	$(BIN)/stubtest --concise --allowlist .ci/stubtest-allowed $(STUBS)

# Each benchmark once: shows that it runs, not how fast.
bench-quick: $(VENV)/has-bench
	$(BIN)/asv machine --config benchmarks/asv.conf.json --yes > /dev/null
	$(ASV) --quick --show-stderr --dry-run

# The pages, in build/docs/index.html. A warning is an error.
docs: $(VENV)/has-docs
	rm -rf docs/generated
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

clean:
	rm -rf $(VENV) docs/generated build dist *.egg-info .asv demo-loss.png fastada/*.so
	find fastada tests benchmarks -name __pycache__ -prune -exec rm -r {} +

# The package, editable; then what an extra of pyproject.toml adds, without building again.
$(VENV)/built: $(SOURCES) | $(VENV)
	$(PIP) --editable .
	touch $@

$(VENV)/has-%: $(VENV)/built pyproject.toml
	$(PIP) 'fastada[$*]'
	touch $@

$(VENV):
	$(PYTHON) -m venv $(VENV)
