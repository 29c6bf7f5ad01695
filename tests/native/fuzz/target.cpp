// libFuzzer entry: compiled once per target with FUZZ_TARGET set to one of the functions of targets.h.
#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
    FUZZ_TARGET(data, bytes);
    return 0;
}
