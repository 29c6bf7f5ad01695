// How a fuzz target says that the core broke a promise.
#pragma once

#include <cstdio>
#include <cstdlib>

inline void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "promise broken: %s\n", what);
    std::abort();
}
