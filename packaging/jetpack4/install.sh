#!/bin/sh
# Installs edge-attp and everything it needs on JetPack 4.6 (Ubuntu 18.04, Python 3.6) into $PREFIX (/opt/edge-attp).
#   sudo packaging/jetpack4/install.sh            everything, on a board
#   packaging/jetpack4/install.sh STEP...         single steps, as Dockerfile.l4t runs them
# Steps: packages ffmpeg python pyav pycuda core plugin. pycuda and plugin need CUDA and TensorRT, which come with JetPack.
set -eu

PREFIX=${PREFIX:-/opt/edge-attp}
FFMPEG=${FFMPEG:-https://ffmpeg.org/releases/ffmpeg-5.1.9.tar.xz}
FFMPEG_SHA256=d9b593bb2ba93d4b50f74177e0cdcd41747e708596367deed0c30348a71dd176
CUDA=/usr/local/cuda
HERE=$(cd "$(dirname "$0")" && pwd)
ROOT=$(dirname "$(dirname "$HERE")")
PIP="$PREFIX/bin/python -m pip install --no-cache-dir"

packages() {
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends build-essential ca-certificates cmake \
        curl libgnutls28-dev libx264-dev pkg-config python3-dev python3-venv xz-utils
}

# PyAV 10, the last version for Python 3.6, supports FFmpeg up to 5.1. Only the formats that edge-attp reads, transcodes and
# writes are built; GnuTLS is for rtsps and https. PyAV's setup.py refuses --enable-rpath.
ffmpeg() {
    folder=$(mktemp -d)
    curl -fsSL -o "$folder/ffmpeg.tar.xz" "$FFMPEG"
    echo "$FFMPEG_SHA256  $folder/ffmpeg.tar.xz" | sha256sum --check
    tar xf "$folder/ffmpeg.tar.xz" -C "$folder" --strip-components=1
    (
        cd "$folder"
        ./configure --prefix="$PREFIX" --extra-ldsoflags="-Wl,-rpath,$PREFIX/lib" \
            --enable-shared --disable-static --disable-debug --disable-doc --disable-programs \
            --disable-autodetect --disable-everything --enable-gpl --enable-libx264 --enable-gnutls \
            --enable-protocol=file,pipe,tcp,udp,rtp,http,https,tls,rtmp,crypto,data \
            --enable-demuxer=h264,hevc,mov,matroska,mpegts,flv,avi,rtsp,rtp,sdp,hls,mjpeg,mpjpeg,m4v,rawvideo \
            --enable-decoder=h264,hevc,mjpeg,mpeg4,vp8,vp9,rawvideo \
            --enable-parser=h264,hevc,mjpeg,mpeg4video,vp8,vp9 \
            --enable-bsf=h264_mp4toannexb,hevc_mp4toannexb,extract_extradata,dump_extradata,vp9_superframe_split \
            --enable-muxer=mp4,matroska,mpegts,flv,rtsp,rtp,h264,hevc --enable-encoder=libx264 \
            --enable-indev=v4l2 --enable-filter=scale,format,null,buffer,buffersink
        make -j"$(nproc)"
        make install
    )
    rm -rf "$folder"
}

# The environment includes the system's packages, because TensorRT's bindings are among them.
python() {
    python3 -m venv --system-site-packages "$PREFIX"
    $PIP pip==21.3.1
    $PIP setuptools==59.6.0 wheel==0.37.1 Cython==0.29.37
    $PIP -r "$HERE/requirements.txt"
}

pyav() {
    PKG_CONFIG_PATH="$PREFIX/lib/pkgconfig" LDFLAGS="-Wl,-rpath,$PREFIX/lib" \
        $PIP --no-build-isolation --no-binary av av==10.0.0
}

# Without its random numbers, which would need another library of CUDA.
pycuda() {
    folder=$(mktemp -d)
    echo "CUDA_ENABLE_CURAND = False" > "$folder/.aksetup-defaults.py"
    HOME=$folder PATH="$CUDA/bin:$PATH" CUDA_ROOT=$CUDA LIBRARY_PATH="$CUDA/lib64/stubs" \
        $PIP --no-build-isolation --no-deps --no-binary pycuda pycuda==2022.1
    rm -rf "$folder"
}

core() {
    $PIP --no-build-isolation --no-deps "$ROOT"
}

plugin() {
    folder=$(mktemp -d)
    (
        cd "$folder"
        cmake "$ROOT/engines/plugin" -DCMAKE_CUDA_COMPILER="$CUDA/bin/nvcc" -DEDGE_ATTP_CUDA_ARCHITECTURES=62 \
            -DTENSORRT_INCLUDE_DIR=/usr/include/aarch64-linux-gnu
        make -j"$(nproc)"
    )
    cp "$folder/libedge_attp_plugin.so" "$PREFIX/lib/"
    rm -rf "$folder"
}

[ $# -gt 0 ] || set -- packages ffmpeg python pyav pycuda core plugin
for step in "$@"; do
    case $step in
        packages | ffmpeg | python | pyav | pycuda | core | plugin) "$step" ;;
        *)
            echo "usage: install.sh [packages|ffmpeg|python|pyav|pycuda|core|plugin]..." >&2
            exit 2
            ;;
    esac
done
