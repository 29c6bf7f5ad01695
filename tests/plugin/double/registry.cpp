// The registry and the logger that the double gives the plugin.
#include <cstring>
#include <string>

#include "host.h"

namespace {

std::string last_message;

class Logger final : public nvinfer1::ILogger {
  public:
    void log(Severity, const char* text) noexcept override { last_message = text; }
};

Logger the_logger;
bool has_logger = true;
PluginCreator* known = nullptr;
std::string known_namespace;

}  // namespace

#if NV_TENSORRT_MAJOR < 10

namespace {

class Registry final : public nvinfer1::IPluginRegistry {
  public:
    bool registerCreator(nvinfer1::IPluginCreator& creator, const char* name_space) noexcept override {
        known = &creator;
        registered() = name_space;
        return true;
    }
    // Registration comes before the other globals of this file are made.
    static std::string& registered() {
        static std::string name_space;
        return name_space;
    }
};

}  // namespace

nvinfer1::IPluginRegistry* getPluginRegistry() noexcept {
    static Registry registry;
    return &registry;
}

nvinfer1::ILogger* getLogger() noexcept { return has_logger ? &the_logger : nullptr; }

static void load() { known_namespace = Registry::registered(); }

#else

extern "C" void setLoggerFinder(nvinfer1::ILoggerFinder* finder);
extern "C" nvinfer1::IPluginCreatorInterface* const* getCreators(int32_t& count);

namespace {

class Finder final : public nvinfer1::ILoggerFinder {
  public:
    nvinfer1::ILogger* findLogger() override { return has_logger ? &the_logger : nullptr; }
};

}  // namespace

static void load() {
    static Finder finder;
    setLoggerFinder(&finder);
    int32_t count = 0;
    nvinfer1::IPluginCreatorInterface* const* creators = getCreators(count);
    if (count != 1) return;
    known = static_cast<PluginCreator*>(creators[0]);
    known_namespace = known->getPluginNamespace();
}

#endif

PluginCreator* find_creator(const char* name, const char* version, const char* name_space) {
    load();
    const bool is_it =
        known && known_namespace == name_space && std::strcmp(known->getPluginNamespace(), name_space) == 0 &&
        std::strcmp(known->getPluginName(), name) == 0 && std::strcmp(known->getPluginVersion(), version) == 0;
    return is_it ? known : nullptr;
}

extern "C" __attribute__((visibility("default"))) const char* message() { return last_message.c_str(); }
extern "C" __attribute__((visibility("default"))) void clear_message() { last_message.clear(); }
extern "C" __attribute__((visibility("default"))) void use_logger(int yes) { has_logger = yes; }
