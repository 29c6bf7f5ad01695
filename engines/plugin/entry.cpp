// How TensorRT finds the plugin, and where messages go. Before TensorRT 10, loading the library registers the creator
// in its own namespace: REGISTER_TENSORRT_PLUGIN knows only the empty one. Since TensorRT 10 the registry's loadLibrary
// asks for the creators and hands over the logger, so the library needs nothing of libnvinfer.
#include <cstdio>

#include "glue.h"

#if NV_TENSORRT_MAJOR < 10

namespace {

struct Registration {
    Registration() {
        if (nvinfer1::IPluginRegistry* registry = getPluginRegistry())
            registry->registerCreator(edge_attp::creator(), edge_attp::kNamespace);
    }
};

const Registration registration;

nvinfer1::ILogger* logger() { return getLogger(); }

}  // namespace

#else

#include <atomic>

namespace {

std::atomic<nvinfer1::ILoggerFinder*> finder{nullptr};

nvinfer1::ILogger* logger() {
    nvinfer1::ILoggerFinder* found = finder.load();
    return found ? found->findLogger() : nullptr;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void setLoggerFinder(nvinfer1::ILoggerFinder* given) {
    finder.store(given);
}

extern "C" __attribute__((visibility("default"))) nvinfer1::IPluginCreatorInterface* const* getCreators(
    int32_t& count) {
    static nvinfer1::IPluginCreatorInterface* const creators[] = {&edge_attp::creator()};
    count = 1;
    return creators;
}

#endif

void edge_attp::report(const char* fault) noexcept {
    nvinfer1::ILogger* log = logger();
    if (!log) return;
    char text[256];
    std::snprintf(text, sizeof text, "%s::%s: %s", kNamespace, kName, fault);
    log->log(nvinfer1::ILogger::Severity::kERROR, text);
}
