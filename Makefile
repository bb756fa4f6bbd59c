# Needs Python >= 3.10, a C compiler and make; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml setup.py $(wildcard src/*.pyx src/*.pxd)
STUBS := $(patsubst fastada/%.pyi,fastada.%,$(wildcard fastada/_*.pyi))
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
ASV := $(BIN)/asv run --config benchmarks/asv.conf.json --python=same

.PHONY: demo test lint bench-quick peers docs sanitize sanitize-threads debug-test clean

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
	$(BIN)/stubtest --concise --mypy-config-file pyproject.toml --allowlist .ci/stubtest-allowed $(STUBS)

# Each benchmark once: shows that it runs, not how fast.
bench-quick: $(VENV)/has-bench $(VENV)/has-plot
	$(BIN)/asv machine --config benchmarks/asv.conf.json --yes > /dev/null
	$(ASV) --quick --show-stderr --dry-run
	rm -rf .peers/quick
	$(BIN)/python -m benchmarks.peers --quick --folder .peers/quick

# fastada and its peers, each peer in an environment of its own under .peers/, on the same rows:
# real text, made-up rows, or with DATA=my.svm an svmlight file. Broken off, it goes on.
peers: $(VENV)/has-plot
	$(BIN)/python -m benchmarks.peers $(DATA)

# The pages, in build/docs/index.html. A warning is an error.
docs: $(VENV)/has-docs
	rm -rf docs/generated
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

# The tests on builds of their own in build/: AddressSanitizer and UndefinedBehaviorSanitizer,
# ThreadSanitizer (of what uses threads), and Cython's bounds checks. GCC on Linux.
OUTSIDE = PYTHONPATH=$$PWD:$(CURDIR) $(CURDIR)/$(BIN)/python -m pytest -p no:cacheprovider \
	-c $(CURDIR)/pyproject.toml --rootdir $(CURDIR)
sanitizer = $(shell $(CC) -print-file-name=lib$(1).so) $(shell $(CC) -print-file-name=libstdc++.so.6)

sanitize: export PYTHONMALLOC := malloc
sanitize: export ASAN_OPTIONS := detect_leaks=0:allocator_may_return_null=1
sanitize: export UBSAN_OPTIONS := halt_on_error=1:print_stacktrace=1
sanitize: build/address/built
	cd build/address/lib && export LD_PRELOAD="$(call sanitizer,asan)" && $(OUTSIDE) $(CURDIR)/tests

sanitize-threads: export TSAN_OPTIONS := halt_on_error=1:allocator_may_return_null=1
sanitize-threads: build/thread/built
	cd build/thread/lib && export LD_PRELOAD="$(call sanitizer,tsan)" && $(OUTSIDE) \
		$(addprefix $(CURDIR)/tests/,test_races.py test_threads.py test_concurrency.py \
		test_workers.py test_relabel.py test_read_ahead.py text/test_large_text.py \
		test_text_scoring.py::test_threads_may_share_a_model)

debug-test: build/debug/built
	cd build/debug/lib && $(OUTSIDE) $(CURDIR)/tests

build/address/built: private export FASTADA_SANITIZE := address,undefined
build/thread/built: private export FASTADA_SANITIZE := thread
build/debug/built: private export FASTADA_DEBUG := 1
build/%/built: $(VENV)/has-test $(SOURCES) $(shell find fastada -name '*.py')
	$(PIP) 'setuptools>=77' 'cython>=3.1'
	$(BIN)/python setup.py -q build --build-base build/$* --build-lib build/$*/lib
	touch $@

clean:
	rm -rf $(VENV) .peers docs/generated build dist *.egg-info .asv demo-loss.png fastada/*.so
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
