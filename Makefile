# Everything a person or a machine does with this repository. `make help` lists it.
# Needs python3, a C++17 compiler and make; the rest is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
CLIP ?= examples/demo.mp4
OVERLAY ?= build/demo_overlay.mp4
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= stream pieces annexb parameters hevc_stream hevc_pieces hevc_parameters
FUZZ_CXX ?= $(shell command -v clang++ || ls /usr/bin/clang++-* 2>/dev/null | tail -1)

BIN := $(abspath $(VENV))/bin
LIBRARY := edge_attp/native/libedge_attp.so
NATIVE_SOURCES := $(shell find edge_attp/native -name '*.cpp' -o -name '*.h' -o -name CMakeLists.txt)
PLUGIN_SOURCES := $(shell find engines/plugin tests/plugin -name '*.cpp' -o -name '*.h' -o -name '*.cu')
NATIVE_CHECKS := $(shell find tests/native -name '*.cpp' -o -name '*.h')
TORCH := torch==2.13.0
# A shim of a version manager may be on the PATH and still refuse to run: try each candidate.
PYTHON36 := $(shell for python in python3.6 "$$(pyenv root 2>/dev/null)"/versions/3.6*/bin/python3.6; do \
	if "$$python" -c "" >/dev/null 2>&1; then echo "$$python"; break; fi; done)
TRUTH_TESTS := tests/bitstream/test_truth_encoded.py tests/bitstream/test_truth_written.py \
	tests/bitstream/test_truth_encoded_hevc.py tests/bitstream/test_truth_hevc_written.py
PYTEST := -m pytest -q -m "not slow"
# Files go to one process as a whole: what they encode is encoded once.
PARALLEL := -n auto --dist loadfile

export PATH := $(BIN):$(PATH)
# Keeps the core's build tree, so that only what changed is compiled.
export EDGE_ATTP_BUILD_DIR := $(CURDIR)/build/native
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo plugin test lint types native-checks test36 cpus pytest check-all check-media bench fuzz \
	format clean
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo "make demo [CLIP=file]     recognise a clip; writes $(OVERLAY)"
	@echo "make test                 everything that must hold before a commit"
	@echo "make check-all            make test, the slow tests, and each instruction set"
	@echo "make check-media DIR=dir  compare motion and residual of every stream with FFmpeg"
	@echo "make bench [SOURCE=file]  measure the parser against full decoding"
	@echo "make plugin TENSORRT_INCLUDE_DIR=dir  build the TensorRT plugin (needs nvcc)"
	@echo "make fuzz                 fuzz the parser, FUZZ_SECONDS for each target"
	@echo "make format               format Python and C++"
	@echo "make clean                remove everything that was built or installed here"

# Environments ---------------------------------------------------------------------------------

$(VENV)/.installed: setup.py pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip setuptools wheel
	command -v cmake >/dev/null || $(BIN)/python -m pip install -q cmake
	$(BIN)/python -m pip install -q --no-build-isolation -e '.[onnx,overlay]'
	touch $@

# The graphs are exported with PyTorch, which only the tests of export/ need.
$(VENV)/.installed-dev: $(VENV)/.installed export/pyproject.toml
	$(BIN)/python -m pip install -q --no-build-isolation -e '.[dev]' '$(TORCH)'
	$(BIN)/python -m pip install -q --no-build-isolation -e ./export
	touch $@

.venv36/.installed: setup.py pyproject.toml Makefile
	test -x .venv36/bin/python || $(PYTHON36) -m venv .venv36
	.venv36/bin/python -m pip install -q pip==21.3.1
	.venv36/bin/python -m pip install -q numpy==1.19.4 onnxruntime==1.10.0 \
		opencv-python-headless==4.6.0.66 onnx==1.11.0 pytest==7.0.1
	.venv36/bin/python -m pip install -q -e .
	touch $@

$(LIBRARY): $(VENV)/.installed $(NATIVE_SOURCES)
	$(BIN)/python setup.py -q build_ext --inplace
	touch $@

# What people run ------------------------------------------------------------------------------

demo: $(LIBRARY)
	$(BIN)/edge-attp run $(CLIP) --timing
	@mkdir -p $(dir $(OVERLAY))
	@echo "drawing $(OVERLAY)"
	@$(BIN)/edge-attp run $(CLIP) --overlay $(OVERLAY) > build/demo.txt

bench: $(VENV)/.installed-dev $(LIBRARY)
	$(BIN)/python benchmarks/parse.py $(if $(SOURCE),--source $(SOURCE))

plugin:
	@test -n "$(TENSORRT_INCLUDE_DIR)" || { \
		echo "usage: make plugin TENSORRT_INCLUDE_DIR=folder-of-NvInferRuntime.h" >&2; exit 2; }
	mkdir -p build/plugin
	cd build/plugin && cmake $(CURDIR)/engines/plugin -DTENSORRT_INCLUDE_DIR=$(TENSORRT_INCLUDE_DIR) \
		$(if $(TENSORRT_LIBRARY),-DTENSORRT_LIBRARY=$(TENSORRT_LIBRARY))
	cmake --build build/plugin -- -j$$(nproc)

check-media: $(VENV)/.installed-dev $(LIBRARY)
	@test -n "$(DIR)" || { echo "usage: make check-media DIR=folder-of-streams" >&2; exit 2; }
	$(BIN)/python tests/check_media.py $(DIR)

# Runs the given tests once for each of the given instruction sets that this machine has.
define for_each_cpu
	for cpu in $(2); do \
		export EDGE_ATTP_CPU=$$cpu; \
		if [ "$$($(BIN)/python -c 'import edge_attp.bitstream.binding as b; print(b.cpu())')" = $$cpu ]; \
		then echo "instruction set $$cpu"; $(BIN)/python $(PYTEST) $(PARALLEL) $(1) || exit 1; \
		else echo "instruction set $$cpu: not on this machine"; fi; done
endef

# Checks ---------------------------------------------------------------------------------------

test: lint types native-checks test36 demo cpus pytest

check-all: lint types native-checks test36 demo
	$(call for_each_cpu,tests/bitstream,scalar sse41 avx2 neon)
	$(BIN)/python -m pytest -q $(PARALLEL)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run -Werror $(filter %.cpp %.h,$(NATIVE_SOURCES)) $(NATIVE_CHECKS) \
		$(PLUGIN_SOURCES)

types: $(VENV)/.installed-dev
	$(BIN)/mypy
	cd export && $(BIN)/mypy

native-checks: $(VENV)/.installed
	mkdir -p build/sanitize
	cd build/sanitize && cmake $(CURDIR)/tests/native -DEDGE_ATTP_SANITIZE=ON
	cmake --build build/sanitize -- -j$$(nproc)
	cd build/sanitize && ctest --output-on-failure

ifeq ($(PYTHON36),)
test36:
	@echo "Python 3.6: no interpreter found, so its tests did not run"
else
test36: .venv36/.installed $(LIBRARY)
	.venv36/bin/python $(PYTEST)
endif

# The fastest set that there is runs in `pytest` below.
cpus: $(VENV)/.installed-dev $(LIBRARY)
	$(call for_each_cpu,$(TRUTH_TESTS),scalar sse41)

pytest: $(VENV)/.installed-dev $(LIBRARY)
	$(BIN)/python $(PYTEST) $(PARALLEL)

fuzz: $(VENV)/.installed
	@test -n "$(FUZZ_CXX)" || { echo "make fuzz needs Clang with libFuzzer" >&2; exit 2; }
	mkdir -p build/fuzz
	cd build/fuzz && CXX=$(FUZZ_CXX) cmake $(CURDIR)/tests/native -DEDGE_ATTP_FUZZ=ON
	cmake --build build/fuzz -- -j$$(nproc)
	for target in $(FUZZ_TARGETS); do \
		mkdir -p build/fuzz/corpus/$$target; \
		build/fuzz/fuzz_$$target -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/ \
			build/fuzz/corpus/$$target tests/native/fuzz/corpus/$$target || exit 1; done

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(filter %.cpp %.h,$(NATIVE_SOURCES)) $(NATIVE_CHECKS) $(PLUGIN_SOURCES)

clean:
	rm -rf build dist .venv .venv36 *.egg-info .mypy_cache .pytest_cache .ruff_cache
	rm -f edge_attp/native/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
