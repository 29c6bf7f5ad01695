# Cross-compiles the core for a Jetson TX2 (Cortex-A57) with GCC; what is built runs under QEMU where that is there:
#   cmake -S edge_attp/native -B build/aarch64 -DCMAKE_TOOLCHAIN_FILE=$PWD/edge_attp/native/cmake/aarch64-linux-gnu.cmake
# On Debian and Ubuntu: apt-get install g++-aarch64-linux-gnu qemu-user-static. EDGE_ATTP_AARCH64_CXX is another
# compiler with its options, as in CXX.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(compiler "$ENV{EDGE_ATTP_AARCH64_CXX}")
if(NOT compiler)
  set(compiler "aarch64-linux-gnu-g++ -mcpu=cortex-a57")
endif()
separate_arguments(CMAKE_CXX_COMPILER UNIX_COMMAND "${compiler}")

# The host's libraries are no use; its programs are.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

# QEMU refuses what a Cortex-A57 would refuse.
find_program(EDGE_ATTP_QEMU NAMES qemu-aarch64 qemu-aarch64-static)
if(EDGE_ATTP_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${EDGE_ATTP_QEMU};-cpu;cortex-a57;-L;/usr/aarch64-linux-gnu)
endif()
