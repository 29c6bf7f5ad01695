// The plugin as IPluginV3, which TensorRT has since version 10. It holds one number; all else is in glue.cpp.
#include "glue.h"

#ifdef EDGE_ATTP_PLUGIN_V3

#include <new>

namespace edge_attp {
namespace {

using nvinfer1::DataType;
using nvinfer1::DimsExprs;
using nvinfer1::DynamicPluginTensorDesc;
using nvinfer1::PluginCapabilityType;
using nvinfer1::PluginField;
using nvinfer1::PluginFieldCollection;
using nvinfer1::PluginFieldType;
using nvinfer1::PluginTensorDesc;

class Plugin final : public nvinfer1::IPluginV3,
                     public nvinfer1::IPluginV3OneCore,
                     public nvinfer1::IPluginV3OneBuild,
                     public nvinfer1::IPluginV3OneRuntime {
  public:
    explicit Plugin(int factors) : factors_(factors) {}

    nvinfer1::IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept override {
        switch (type) {
            case PluginCapabilityType::kCORE:
                return static_cast<nvinfer1::IPluginV3OneCore*>(this);
            case PluginCapabilityType::kBUILD:
                return static_cast<nvinfer1::IPluginV3OneBuild*>(this);
            case PluginCapabilityType::kRUNTIME:
                return static_cast<nvinfer1::IPluginV3OneRuntime*>(this);
        }
        return nullptr;
    }
    Plugin* clone() noexcept override { return new (std::nothrow) Plugin(factors_); }
    nvinfer1::IPluginV3* attachToContext(nvinfer1::IPluginResourceContext*) noexcept override { return clone(); }

    const char* getPluginName() const noexcept override { return kName; }
    const char* getPluginVersion() const noexcept override { return kVersion; }
    const char* getPluginNamespace() const noexcept override { return kNamespace; }
    int32_t getNbOutputs() const noexcept override { return 1; }

    // The scores keep 32 bits whatever the maps have.
    int32_t getOutputDataTypes(DataType* types, int32_t count, const DataType*, int32_t) const noexcept override {
        if (count != 1) return 1;
        types[0] = DataType::kFLOAT;
        return 0;
    }

    int32_t getOutputShapes(const DimsExprs* inputs, int32_t count, const DimsExprs*, int32_t, DimsExprs* outputs,
                            int32_t, nvinfer1::IExprBuilder&) noexcept override {
        return has_fault(output_shape(inputs, count, factors_, outputs)) ? 1 : 0;
    }

    bool supportsFormatCombination(int32_t position, const DynamicPluginTensorDesc* tensors, int32_t inputs,
                                   int32_t outputs) noexcept override {
        return inputs == kInputs && outputs == 1 &&
               is_supported(position, tensors[position].desc, tensors[0].desc.type);
    }

    int32_t configurePlugin(const DynamicPluginTensorDesc* inputs, int32_t count, const DynamicPluginTensorDesc*,
                            int32_t) noexcept override {
        return has_fault(check_inputs(inputs, count, factors_)) ? 1 : 0;
    }

    int32_t onShapeChange(const PluginTensorDesc* inputs, int32_t count, const PluginTensorDesc*,
                          int32_t) noexcept override {
        return has_fault(check_inputs(inputs, count, factors_)) ? 1 : 0;
    }

    int32_t enqueue(const PluginTensorDesc* descriptions, const PluginTensorDesc*, const void* const* inputs,
                    void* const* outputs, void*, cudaStream_t stream) noexcept override {
        return has_fault(run(descriptions, inputs, outputs, factors_, stream)) ? 1 : 0;
    }

    // An engine keeps what these name, and hands it to the creator.
    const PluginFieldCollection* getFieldsToSerialize() noexcept override { return &saved_; }

  private:
    const int32_t factors_;
    const PluginField field_{kFactors, &factors_, PluginFieldType::kINT32, 1};
    const PluginFieldCollection saved_{1, &field_};
};

class PluginCreator final : public nvinfer1::IPluginCreatorV3One {
  public:
    const char* getPluginName() const noexcept override { return kName; }
    const char* getPluginVersion() const noexcept override { return kVersion; }
    const char* getPluginNamespace() const noexcept override { return kNamespace; }
    const PluginFieldCollection* getFieldNames() noexcept override { return field_names(); }

    nvinfer1::IPluginV3* createPlugin(const char*, const PluginFieldCollection* fields,
                                      nvinfer1::TensorRTPhase) noexcept override {
        int factors = 0;
        if (has_fault(read_factors(fields, &factors))) return nullptr;
        return new (std::nothrow) Plugin(factors);
    }
};

}  // namespace

Creator& creator() {
    static PluginCreator instance;
    return instance;
}

}  // namespace edge_attp

#endif
