// What the double plays of TensorRT at run time: where the creator arrives and where messages go.
#pragma once

#include "glue.h"

#ifdef EDGE_ATTP_PLUGIN_V3
using PluginCreator = nvinfer1::IPluginCreatorV3One;
using PluginObject = nvinfer1::IPluginV3;
#else
using PluginCreator = nvinfer1::IPluginCreator;
using PluginObject = nvinfer1::IPluginV2DynamicExt;
#endif

// The creator as TensorRT finds it; null unless it was registered under `name_space` and says so itself.
PluginCreator* find_creator(const char* name, const char* version, const char* name_space);

// One plugin as TensorRT drives it, whatever its generation; double/drive_v2.cpp or drive_v3.cpp.
PluginObject* create(PluginCreator& creator, const nvinfer1::PluginFieldCollection& fields);
size_t save(PluginObject& plugin, void* data);
PluginObject* restore(PluginCreator& creator, const void* data, size_t length);
void destroy(PluginObject* plugin);
bool output_shape(PluginObject& plugin, const nvinfer1::DimsExprs* inputs, int count, nvinfer1::DimsExprs* output);
int output_type(PluginObject& plugin, nvinfer1::DataType maps);
bool supports(PluginObject& plugin, int position, const nvinfer1::PluginTensorDesc* tensors, int inputs);
void configure(PluginObject& plugin, const nvinfer1::DynamicPluginTensorDesc* tensors, int inputs);
int enqueue(PluginObject& plugin, const nvinfer1::PluginTensorDesc* tensors, const void* const* from, void* const* to);
