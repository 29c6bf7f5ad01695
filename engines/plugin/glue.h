// What both generations of the TensorRT plugin share: its names, its messages, and everything that depends on tensors
// alone. Knows neither plugin class.
#pragma once

#include <NvInferRuntime.h>

#include "scoring.h"

namespace edge_attp {

// The node of the ONNX graph is looked up by these three. Namespace of the creator, of its registration and of the node
// must be equal, so nothing here lets it be changed.
constexpr char kName[] = "TrilinearScoring";
constexpr char kVersion[] = "1";
constexpr char kNamespace[] = "edge_attp";
constexpr char kFactors[] = "factors";

// IPluginV3 where TensorRT has it, unless the build asks for the older interface.
#if NV_TENSORRT_MAJOR >= 10 && !defined(EDGE_ATTP_PLUGIN_V2)
#define EDGE_ATTP_PLUGIN_V3
#endif

// TensorRT 10 made a common base for the creators of all plugin generations.
#if NV_TENSORRT_MAJOR < 10
using Creator = nvinfer1::IPluginCreator;
#else
using Creator = nvinfer1::IPluginCreatorInterface;
#endif

// The one creator of this library; in plugin_v2.cpp or plugin_v3.cpp.
Creator& creator();

// Says what is wrong through TensorRT's logger, if there is one. Never throws, never prints.
void report(const char* fault) noexcept;

// The same, and returns whether there was something to report.
bool has_fault(const char* fault) noexcept;

// The attributes that a parser is to read from the node, besides those that it looks the plugin up by.
const nvinfer1::PluginFieldCollection* field_names() noexcept;

// The attribute from the fields that a parser or an engine passes; null, or what is wrong with it.
const char* read_factors(const nvinfer1::PluginFieldCollection* fields, int* factors) noexcept;

// The shape of the scores, (pictures, classes); null, or what is wrong with the shapes of the inputs.
const char* output_shape(const nvinfer1::DimsExprs* inputs, int count, int factors,
                         nvinfer1::DimsExprs* output) noexcept;

// Whether the input or output `position` may be `here` if the first map has the type `maps`: linear, the three maps of
// one type, 32 or 16 bits, classifier and scores in 32 bits.
bool is_supported(int position, const nvinfer1::PluginTensorDesc& here, nvinfer1::DataType maps) noexcept;

// Null, or what is wrong with the inputs as they are to be run or profiled.
const char* check_inputs(const nvinfer1::PluginTensorDesc* inputs, int count, int factors) noexcept;
const char* check_inputs(const nvinfer1::DynamicPluginTensorDesc* inputs, int count, int factors) noexcept;

// Enqueues the computation; null, or what went wrong.
const char* run(const nvinfer1::PluginTensorDesc* descriptions, const void* const* inputs, void* const* outputs,
                int factors, cudaStream_t stream) noexcept;

}  // namespace edge_attp
