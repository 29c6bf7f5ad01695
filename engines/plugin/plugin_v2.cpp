// The plugin as IPluginV2DynamicExt, which TensorRT 8.2 to 11 have. It holds one number; all else is in glue.cpp.
#include "glue.h"

#ifndef EDGE_ATTP_PLUGIN_V3

#include <cstring>
#include <new>

namespace edge_attp {
namespace {

using nvinfer1::DataType;
using nvinfer1::DimsExprs;
using nvinfer1::DynamicPluginTensorDesc;
using nvinfer1::PluginFieldCollection;
using nvinfer1::PluginTensorDesc;

// What an engine file keeps, in the byte order of every machine that TensorRT runs on.
struct Saved {
    uint32_t layout;
    int32_t factors;
};
constexpr uint32_t kLayout = 1;

class Plugin final : public nvinfer1::IPluginV2DynamicExt {
  public:
    explicit Plugin(int factors) : factors_(factors) {}

    const char* getPluginType() const noexcept override { return kName; }
    const char* getPluginVersion() const noexcept override { return kVersion; }
    const char* getPluginNamespace() const noexcept override { return kNamespace; }
    void setPluginNamespace(const char*) noexcept override {}  // see kNamespace
    int32_t getNbOutputs() const noexcept override { return 1; }
    int32_t initialize() noexcept override { return 0; }
    void terminate() noexcept override {}
    void destroy() noexcept override { delete this; }
    Plugin* clone() const noexcept override { return new (std::nothrow) Plugin(factors_); }

    // The scores keep 32 bits whatever the maps have.
    DataType getOutputDataType(int32_t, const DataType*, int32_t) const noexcept override { return DataType::kFLOAT; }

    // This interface has no way to fail here; TensorRT refuses a shape of no dimensions.
    DimsExprs getOutputDimensions(int32_t, const DimsExprs* inputs, int32_t count,
                                  nvinfer1::IExprBuilder&) noexcept override {
        DimsExprs output = {};
        output.nbDims = -1;
        has_fault(output_shape(inputs, count, factors_, &output));
        return output;
    }

    bool supportsFormatCombination(int32_t position, const PluginTensorDesc* tensors, int32_t inputs,
                                   int32_t outputs) noexcept override {
        return inputs == kInputs && outputs == 1 && is_supported(position, tensors[position], tensors[0].type);
    }

    // Nor here: enqueue checks again and fails.
    void configurePlugin(const DynamicPluginTensorDesc* inputs, int32_t count, const DynamicPluginTensorDesc*,
                         int32_t) noexcept override {
        has_fault(check_inputs(inputs, count, factors_));
    }

    size_t getWorkspaceSize(const PluginTensorDesc*, int32_t, const PluginTensorDesc*,
                            int32_t) const noexcept override {
        return 0;
    }

    int32_t enqueue(const PluginTensorDesc* descriptions, const PluginTensorDesc*, const void* const* inputs,
                    void* const* outputs, void*, cudaStream_t stream) noexcept override {
        return has_fault(run(descriptions, inputs, outputs, factors_, stream)) ? 1 : 0;
    }

    size_t getSerializationSize() const noexcept override { return sizeof(Saved); }
    void serialize(void* buffer) const noexcept override {
        const Saved saved = {kLayout, factors_};
        std::memcpy(buffer, &saved, sizeof saved);
    }

  private:
    const int factors_;
};

const char* read_saved(const void* data, size_t length, Saved* saved) {
    if (!data || length != sizeof *saved) return "the engine's plugin data has a wrong length: build the engine anew";
    std::memcpy(saved, data, sizeof *saved);
    if (saved->layout != kLayout) return "the engine is of another version of this plugin: build the engine anew";
    return check_factors(saved->factors);
}

class PluginCreator final : public nvinfer1::IPluginCreator {
  public:
    const char* getPluginName() const noexcept override { return kName; }
    const char* getPluginVersion() const noexcept override { return kVersion; }
    const char* getPluginNamespace() const noexcept override { return kNamespace; }
    void setPluginNamespace(const char*) noexcept override {}  // see kNamespace

    const PluginFieldCollection* getFieldNames() noexcept override { return field_names(); }

    nvinfer1::IPluginV2* createPlugin(const char*, const PluginFieldCollection* fields) noexcept override {
        int factors = 0;
        if (has_fault(read_factors(fields, &factors))) return nullptr;
        return new (std::nothrow) Plugin(factors);
    }

    nvinfer1::IPluginV2* deserializePlugin(const char*, const void* data, size_t length) noexcept override {
        Saved saved;
        if (has_fault(read_saved(data, length, &saved))) return nullptr;
        return new (std::nothrow) Plugin(saved.factors);
    }
};

}  // namespace

Creator& creator() {
    static PluginCreator instance;
    return instance;
}

}  // namespace edge_attp

#endif
