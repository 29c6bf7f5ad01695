// The plugin, driven by the double, behind C functions for ctypes. A handle is a plugin.
#include <cstring>

#include "double/host.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kTensors = 6;

PluginCreator* creator() { return find_creator("TrilinearScoring", "1", "edge_attp"); }

PluginObject& at(void* plugin) { return *static_cast<PluginObject*>(plugin); }

class Size final : public nvinfer1::IDimensionExpr {
  public:
    bool isConstant() const noexcept override { return value >= 0; }
    nvinfer1::Extent getConstantValue() const noexcept override { return value; }
    nvinfer1::Extent value = -1;
};

}  // namespace

// Inputs and then the output, as Python describes them; a size of -1 is dynamic.
struct Tensors {
    int32_t rank[kTensors];
    int64_t size[kTensors][3];
    int32_t type[kTensors];
    int32_t format[kTensors];
};

static nvinfer1::PluginTensorDesc describe(const Tensors& tensors, int i) {
    nvinfer1::PluginTensorDesc description = {};
    description.dims.nbDims = tensors.rank[i];
    for (int j = 0; j < 3; j++) description.dims.d[j] = static_cast<nvinfer1::Extent>(tensors.size[i][j]);
    description.type = static_cast<nvinfer1::DataType>(tensors.type[i]);
    description.format = static_cast<nvinfer1::TensorFormat>(tensors.format[i]);
    return description;
}

EXPORT int is_found(const char* name, const char* version, const char* name_space) {
    return find_creator(name, version, name_space) != nullptr;
}

// The attribute that parsers are told of; null if it is not one 32-bit integer.
EXPORT const char* field_name() {
    const nvinfer1::PluginFieldCollection* fields = creator()->getFieldNames();
    const bool is_one = fields->nbFields == 1 && fields->fields[0].type == nvinfer1::PluginFieldType::kINT32;
    return is_one ? fields->fields[0].name : nullptr;
}

EXPORT void* create_plugin(const char* field, const void* data, int type, int length) {
    const nvinfer1::PluginField fields[] = {{"other", nullptr, nvinfer1::PluginFieldType::kFLOAT32, 0},
                                            {field, data, static_cast<nvinfer1::PluginFieldType>(type), length}};
    return create(*creator(), {2, fields});
}

EXPORT size_t save_plugin(void* plugin, void* data) { return save(at(plugin), data); }
EXPORT void* restore_plugin(const void* data, size_t length) { return restore(*creator(), data, length); }
EXPORT void* clone_plugin(void* plugin) { return at(plugin).clone(); }
EXPORT void destroy_plugin(void* plugin) { destroy(static_cast<PluginObject*>(plugin)); }
EXPORT int plugin_output_type(void* plugin, int maps) {
    return output_type(at(plugin), static_cast<nvinfer1::DataType>(maps));
}

// Fills output[2] with which inputs' sizes it names, as 10 * input + dimension. Returns its rank, -1 where it failed.
EXPORT int plugin_output_shape(void* plugin, const Tensors* tensors, int count, int* output) {
    Size sizes[kTensors][3];
    nvinfer1::DimsExprs inputs[kTensors] = {};
    for (int i = 0; i < kTensors; i++) {
        inputs[i].nbDims = tensors->rank[i];
        for (int j = 0; j < 3; j++) {
            sizes[i][j].value = static_cast<nvinfer1::Extent>(tensors->size[i][j]);
            inputs[i].d[j] = &sizes[i][j];
        }
    }
    nvinfer1::DimsExprs shape = {};
    if (!output_shape(at(plugin), inputs, count, &shape)) return -1;
    for (int k = 0; k < shape.nbDims; k++)
        for (int i = 0; i < kTensors; i++)
            for (int j = 0; j < 3; j++)
                if (shape.d[k] == &sizes[i][j]) output[k] = 10 * i + j;
    return shape.nbDims;
}

EXPORT int plugin_supports(void* plugin, int position, const Tensors* tensors, int inputs) {
    nvinfer1::PluginTensorDesc descriptions[kTensors];
    for (int i = 0; i < kTensors; i++) descriptions[i] = describe(*tensors, i);
    return supports(at(plugin), position, descriptions, inputs);
}

EXPORT void configure_plugin(void* plugin, const Tensors* tensors, int inputs) {
    nvinfer1::DynamicPluginTensorDesc descriptions[kTensors] = {};
    for (int i = 0; i < kTensors; i++) descriptions[i].desc = describe(*tensors, i);
    configure(at(plugin), descriptions, inputs);
}

EXPORT int enqueue_plugin(void* plugin, const Tensors* tensors, const void* const* inputs, float* scores) {
    nvinfer1::PluginTensorDesc descriptions[kTensors];
    for (int i = 0; i < kTensors; i++) descriptions[i] = describe(*tensors, i);
    void* const outputs[] = {scores};
    return enqueue(at(plugin), descriptions, inputs, outputs);
}
