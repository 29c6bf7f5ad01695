// The double drives an IPluginV3 through its three capabilities.
#include "host.h"

#ifdef EDGE_ATTP_PLUGIN_V3

#include <cstring>

using nvinfer1::DataType;
using nvinfer1::DimsExprs;
using nvinfer1::DynamicPluginTensorDesc;
using nvinfer1::PluginCapabilityType;
using nvinfer1::PluginField;
using nvinfer1::PluginFieldCollection;
using nvinfer1::PluginTensorDesc;

namespace {

nvinfer1::IPluginV3OneBuild& build(PluginObject& plugin) {
    return *static_cast<nvinfer1::IPluginV3OneBuild*>(plugin.getCapabilityInterface(PluginCapabilityType::kBUILD));
}

nvinfer1::IPluginV3OneRuntime& runtime(PluginObject& plugin) {
    return *static_cast<nvinfer1::IPluginV3OneRuntime*>(plugin.getCapabilityInterface(PluginCapabilityType::kRUNTIME));
}

}  // namespace

PluginObject* create(PluginCreator& creator, const PluginFieldCollection& fields) {
    return creator.createPlugin("node", &fields, nvinfer1::TensorRTPhase::kBUILD);
}

// An engine keeps the fields; one 32-bit integer here.
size_t save(PluginObject& plugin, void* data) {
    const PluginFieldCollection& fields = *runtime(plugin).getFieldsToSerialize();
    if (fields.nbFields != 1 || std::strcmp(fields.fields[0].name, "factors") != 0) return 0;
    std::memcpy(data, fields.fields[0].data, sizeof(int32_t));
    return sizeof(int32_t);
}

PluginObject* restore(PluginCreator& creator, const void* data, size_t length) {
    const PluginField field{"factors", data, nvinfer1::PluginFieldType::kINT32, static_cast<int32_t>(length / 4)};
    const PluginFieldCollection fields{1, &field};
    return creator.createPlugin("node", &fields, nvinfer1::TensorRTPhase::kRUNTIME);
}

void destroy(PluginObject* plugin) { delete plugin; }

bool output_shape(PluginObject& plugin, const DimsExprs* inputs, int count, DimsExprs* output) {
    nvinfer1::IExprBuilder builder;
    return build(plugin).getOutputShapes(inputs, count, nullptr, 0, output, 1, builder) == 0;
}

int output_type(PluginObject& plugin, DataType maps) {
    const DataType inputs[] = {maps, maps, maps, DataType::kFLOAT};
    DataType output;
    const bool is_one = build(plugin).getNbOutputs() == 1;
    return is_one && build(plugin).getOutputDataTypes(&output, 1, inputs, 4) == 0 ? static_cast<int>(output) : -1;
}

bool supports(PluginObject& plugin, int position, const PluginTensorDesc* tensors, int inputs) {
    DynamicPluginTensorDesc dynamic[8] = {};
    for (int i = 0; i <= inputs; i++) dynamic[i].desc = tensors[i];
    return build(plugin).supportsFormatCombination(position, dynamic, inputs, 1);
}

void configure(PluginObject& plugin, const DynamicPluginTensorDesc* tensors, int inputs) {
    build(plugin).configurePlugin(tensors, inputs, tensors + inputs, 1);
}

int enqueue(PluginObject& plugin, const PluginTensorDesc* tensors, const void* const* from, void* const* to) {
    PluginObject* attached = runtime(plugin).attachToContext(nullptr);
    int failed = runtime(*attached).onShapeChange(tensors, 4, tensors + 4, 1);
    if (!failed) failed = runtime(*attached).enqueue(tensors, tensors + 4, from, to, nullptr, nullptr);
    delete attached;
    return failed;
}

#endif
