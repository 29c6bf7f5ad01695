// TensorRT's tensors to the computation of scoring.h and back, for every plugin generation.
#include "glue.h"

#include <cstring>

namespace edge_attp {
namespace {

using nvinfer1::DataType;
using nvinfer1::DimsExprs;
using nvinfer1::DynamicPluginTensorDesc;
using nvinfer1::IDimensionExpr;
using nvinfer1::PluginField;
using nvinfer1::PluginTensorDesc;

constexpr int kOutput = kInputs;  // positions count the inputs first

int64_t value(int64_t size) { return size; }
int64_t value(const IDimensionExpr* size) { return size->isConstant() ? size->getConstantValue() : -1; }

template <typename Dims>
Shape shape_of(const Dims& dims) {
    Shape shape = {static_cast<int>(dims.nbDims), {-1, -1, -1}};
    for (int i = 0; i < shape.rank && i < 3; i++) shape.size[i] = value(dims.d[i]);
    return shape;
}

Shape shape_at(const DimsExprs* inputs, int i) { return shape_of(inputs[i]); }
Shape shape_at(const PluginTensorDesc* inputs, int i) { return shape_of(inputs[i].dims); }
Shape shape_at(const DynamicPluginTensorDesc* inputs, int i) { return shape_of(inputs[i].desc.dims); }

template <typename Tensor>
const char* sizes_of(const Tensor* inputs, int count, int factors, Sizes* sizes) {
    if (count != kInputs) return "there must be four inputs: three maps and the classifier";
    const Shape shapes[kInputs] = {shape_at(inputs, 0), shape_at(inputs, 1), shape_at(inputs, 2), shape_at(inputs, 3)};
    return read_sizes(shapes, factors, sizes);
}

bool is_known(const Sizes& sizes) {
    return sizes.pictures >= 0 && sizes.projections >= 0 && sizes.positions >= 0 && sizes.classes >= 0;
}

const char* check_types(const PluginTensorDesc* inputs) {
    for (int i = 0; i < kInputs; i++)
        if (!is_supported(i, inputs[i], inputs[0].type))
            return "an input has a type or format that supportsFormatCombination refused";
    return nullptr;
}

}  // namespace

bool has_fault(const char* fault) noexcept {
    if (fault) report(fault);
    return fault;
}

const nvinfer1::PluginFieldCollection* field_names() noexcept {
    static const PluginField field{kFactors, nullptr, nvinfer1::PluginFieldType::kINT32, 1};
    static const nvinfer1::PluginFieldCollection fields{1, &field};
    return &fields;
}

const char* read_factors(const nvinfer1::PluginFieldCollection* fields, int* factors) noexcept {
    for (int i = 0; fields && i < fields->nbFields; i++) {
        const PluginField& field = fields->fields[i];
        if (!field.name || std::strcmp(field.name, kFactors) != 0) continue;
        if (field.type != nvinfer1::PluginFieldType::kINT32 || field.length != 1 || !field.data)
            return "the attribute factors must be one 32-bit integer";
        std::memcpy(factors, field.data, sizeof *factors);
        return check_factors(*factors);
    }
    return "the attribute factors is missing";
}

const char* output_shape(const DimsExprs* inputs, int count, int factors, DimsExprs* output) noexcept {
    Sizes sizes;
    if (const char* fault = sizes_of(inputs, count, factors, &sizes)) return fault;
    output->nbDims = 2;
    output->d[0] = inputs[0].d[0];
    output->d[1] = inputs[3].d[1];
    return nullptr;
}

bool is_supported(int position, const PluginTensorDesc& here, DataType maps) noexcept {
    if (position < 0 || position > kOutput || here.format != nvinfer1::TensorFormat::kLINEAR) return false;
    if (position >= 3) return here.type == DataType::kFLOAT;
    return here.type == maps && (maps == DataType::kFLOAT || maps == DataType::kHALF);
}

const char* check_inputs(const PluginTensorDesc* inputs, int count, int factors) noexcept {
    Sizes sizes;
    return sizes_of(inputs, count, factors, &sizes);
}

const char* check_inputs(const DynamicPluginTensorDesc* inputs, int count, int factors) noexcept {
    Sizes sizes;
    return sizes_of(inputs, count, factors, &sizes);
}

const char* run(const PluginTensorDesc* descriptions, const void* const* inputs, void* const* outputs, int factors,
                cudaStream_t stream) noexcept {
    Sizes sizes;
    if (const char* fault = sizes_of(descriptions, kInputs, factors, &sizes)) return fault;
    if (!is_known(sizes)) return "a size is still unknown at the time of running";
    if (const char* fault = check_types(descriptions)) return fault;
    const void* const maps[3] = {inputs[0], inputs[1], inputs[2]};
    if (const char* fault = check_addresses(maps)) return fault;
    const MapType type = descriptions[0].type == DataType::kHALF ? MapType::kHalf : MapType::kFloat;
    return score(sizes, type, maps, static_cast<const float*>(inputs[3]), static_cast<float*>(outputs[0]), stream);
}

}  // namespace edge_attp
