// The double drives an IPluginV2DynamicExt.
#include "host.h"

#ifndef EDGE_ATTP_PLUGIN_V3

using nvinfer1::DataType;
using nvinfer1::DimsExprs;
using nvinfer1::DynamicPluginTensorDesc;
using nvinfer1::PluginTensorDesc;

PluginObject* create(PluginCreator& creator, const nvinfer1::PluginFieldCollection& fields) {
    return static_cast<PluginObject*>(creator.createPlugin("node", &fields));
}

size_t save(PluginObject& plugin, void* data) {
    plugin.serialize(data);
    return plugin.getSerializationSize();
}

PluginObject* restore(PluginCreator& creator, const void* data, size_t length) {
    return static_cast<PluginObject*>(creator.deserializePlugin("node", data, length));
}

void destroy(PluginObject* plugin) {
    plugin->terminate();
    plugin->destroy();
}

bool output_shape(PluginObject& plugin, const DimsExprs* inputs, int count, DimsExprs* output) {
    nvinfer1::IExprBuilder builder;
    *output = plugin.getOutputDimensions(0, inputs, count, builder);
    return output->nbDims >= 0;
}

int output_type(PluginObject& plugin, DataType maps) {
    const DataType inputs[] = {maps, maps, maps, DataType::kFLOAT};
    return plugin.getNbOutputs() == 1 ? static_cast<int>(plugin.getOutputDataType(0, inputs, 4)) : -1;
}

bool supports(PluginObject& plugin, int position, const PluginTensorDesc* tensors, int inputs) {
    return plugin.supportsFormatCombination(position, tensors, inputs, 1);
}

void configure(PluginObject& plugin, const DynamicPluginTensorDesc* tensors, int inputs) {
    plugin.configurePlugin(tensors, inputs, tensors + inputs, 1);
}

int enqueue(PluginObject& plugin, const PluginTensorDesc* tensors, const void* const* from, void* const* to) {
    if (plugin.initialize() != 0 || plugin.getWorkspaceSize(tensors, 4, tensors + 4, 1) != 0) return -1;
    return plugin.enqueue(tensors, tensors + 4, from, to, nullptr, nullptr);
}

#endif
