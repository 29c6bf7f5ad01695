#!/bin/sh
# nvidia.sh mounts|packages build|run: provides CUDA, cuDNN and TensorRT while Dockerfile.l4t is built.
#   mounts    the nvidia runtime mounts the board's own: checks that it has
#   packages  installs them from NVIDIA's package lists for this release of L4T and this chip (t186 is the TX2)
set -eu

HOST=https://repo.download.nvidia.com/jetson
RELEASE=r32.7
HEADERS=/usr/include/aarch64-linux-gnu
BUILD_PACKAGES="cuda-cudart-dev-10-2 cuda-nvcc-10-2 libnvinfer-dev libnvinfer-plugin-dev libnvonnxparsers-dev"
RUN_PACKAGES="cuda-cudart-10-2 libnvinfer8 libnvinfer-plugin8 libnvonnxparsers8 python3-libnvinfer"

install_packages() {
    # Tells NVIDIA's packages that this is not a board; otherwise they would write boot firmware.
    mkdir -p /opt/nvidia/l4t-packages
    touch /opt/nvidia/l4t-packages/.nv-l4t-disable-boot-fw-update-in-preinstall
    curl -fsSL -o /etc/apt/trusted.gpg.d/jetson-ota-public.asc "$HOST/jetson-ota-public.asc"
    for part in common t186; do
        echo "deb $HOST/$part $RELEASE main"
    done > /etc/apt/sources.list.d/nvidia-l4t.list
    apt-get update
    # shellcheck disable=SC2086
    apt-get install -y --no-install-recommends $1
    rm -rf /var/lib/apt/lists/*
}

# A file that the runtime does not mount exists but is empty.
check_mounts() {
    for file in "$HEADERS/NvInferRuntime.h" /usr/local/cuda/bin/nvcc; do
        if ! [ -s "$file" ]; then
            echo "$file is missing or empty: the nvidia runtime does not mount it while images are built." >&2
            echo "Either put \"default-runtime\": \"nvidia\" into /etc/docker/daemon.json, restart Docker, and" >&2
            echo "build with DOCKER_BUILDKIT=0; or build with --build-arg TENSORRT=packages." >&2
            exit 1
        fi
    done
}

case "${1:-} ${2:-}" in
    "mounts build") check_mounts ;;
    "mounts run") ;; # the runtime mounts them whenever the container starts
    "packages build") install_packages "$BUILD_PACKAGES" ;;
    "packages run") install_packages "$RUN_PACKAGES" ;;
    *)
        echo "usage: nvidia.sh mounts|packages build|run (build argument TENSORRT: mounts or packages)" >&2
        exit 2
        ;;
esac
