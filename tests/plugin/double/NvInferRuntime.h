// A double of the part of TensorRT's interface that the plugin uses, written for its checks: the same names, arguments
// and values, no behaviour, not the binary layout. Never to be loaded beside a real libnvinfer.
// NV_TENSORRT_MAJOR (8 or 11) says which generation it plays.
#pragma once

#include <cstddef>
#include <cstdint>

typedef struct CUstream_st* cudaStream_t;

namespace nvinfer1 {

#if NV_TENSORRT_MAJOR < 10
using Extent = int32_t;
#else
using Extent = int64_t;
#endif

enum class DataType : int32_t { kFLOAT = 0, kHALF = 1, kINT8 = 2, kINT32 = 3 };
enum class TensorFormat : int32_t { kLINEAR = 0, kCHW2 = 1 };
enum class PluginFieldType : int32_t { kFLOAT32 = 1, kINT32 = 5 };

struct Dims {
    int32_t nbDims;
    Extent d[8];
};

struct PluginTensorDesc {
    Dims dims;
    DataType type;
    TensorFormat format;
    float scale;
};

struct DynamicPluginTensorDesc {
    PluginTensorDesc desc;
    Dims min, max;
};

class IDimensionExpr {
  public:
    virtual bool isConstant() const noexcept = 0;
    virtual Extent getConstantValue() const noexcept = 0;
};

struct DimsExprs {
    int32_t nbDims;
    const IDimensionExpr* d[8];
};

class IExprBuilder {};

struct PluginField {
    const char* name;
    const void* data;
    PluginFieldType type;
    int32_t length;
    PluginField(const char* name_, const void* data_, PluginFieldType type_, int32_t length_) noexcept
        : name(name_), data(data_), type(type_), length(length_) {}
};

struct PluginFieldCollection {
    int32_t nbFields;
    const PluginField* fields;
};

class ILogger {
  public:
    enum class Severity : int32_t { kERROR = 1 };
    virtual void log(Severity severity, const char* text) noexcept = 0;
};

class IPluginV2 {
  public:
    virtual const char* getPluginType() const noexcept = 0;
    virtual const char* getPluginVersion() const noexcept = 0;
    virtual const char* getPluginNamespace() const noexcept = 0;
    virtual void setPluginNamespace(const char* name) noexcept = 0;
    virtual int32_t getNbOutputs() const noexcept = 0;
    virtual int32_t initialize() noexcept = 0;
    virtual void terminate() noexcept = 0;
    virtual size_t getSerializationSize() const noexcept = 0;
    virtual void serialize(void* buffer) const noexcept = 0;
    virtual void destroy() noexcept = 0;
    virtual IPluginV2* clone() const noexcept = 0;
    virtual ~IPluginV2() noexcept = default;
};

class IPluginV2DynamicExt : public IPluginV2 {
  public:
    IPluginV2DynamicExt* clone() const noexcept override = 0;
    virtual DataType getOutputDataType(int32_t output, const DataType* inputs, int32_t count) const noexcept = 0;
    virtual DimsExprs getOutputDimensions(int32_t output, const DimsExprs* inputs, int32_t count,
                                          IExprBuilder& builder) noexcept = 0;
    virtual bool supportsFormatCombination(int32_t position, const PluginTensorDesc* tensors, int32_t inputs,
                                           int32_t outputs) noexcept = 0;
    virtual void configurePlugin(const DynamicPluginTensorDesc* inputs, int32_t inputCount,
                                 const DynamicPluginTensorDesc* outputs, int32_t outputCount) noexcept = 0;
    virtual size_t getWorkspaceSize(const PluginTensorDesc* inputs, int32_t inputCount, const PluginTensorDesc* outputs,
                                    int32_t outputCount) const noexcept = 0;
    virtual int32_t enqueue(const PluginTensorDesc* inputs, const PluginTensorDesc* outputs, const void* const* from,
                            void* const* to, void* workspace, cudaStream_t stream) noexcept = 0;
};

#if NV_TENSORRT_MAJOR < 10
class IPluginCreator {
#else
class IPluginCreatorInterface {
  public:
    virtual ~IPluginCreatorInterface() noexcept = default;
};

class IPluginCreator : public IPluginCreatorInterface {
#endif
  public:
    virtual const char* getPluginName() const noexcept = 0;
    virtual const char* getPluginVersion() const noexcept = 0;
    virtual const char* getPluginNamespace() const noexcept = 0;
    virtual void setPluginNamespace(const char* name) noexcept = 0;
    virtual const PluginFieldCollection* getFieldNames() noexcept = 0;
    virtual IPluginV2* createPlugin(const char* name, const PluginFieldCollection* fields) noexcept = 0;
    virtual IPluginV2* deserializePlugin(const char* name, const void* data, size_t length) noexcept = 0;
};

#if NV_TENSORRT_MAJOR < 10

class IPluginRegistry {
  public:
    virtual bool registerCreator(IPluginCreator& creator, const char* name) noexcept = 0;
};

#else

enum class TensorRTPhase : int32_t { kBUILD = 0, kRUNTIME = 1 };
enum class PluginCapabilityType : int32_t { kCORE = 0, kBUILD = 1, kRUNTIME = 2 };

class IPluginCapability {
  public:
    virtual ~IPluginCapability() noexcept = default;
};

class IPluginResourceContext {};

class IPluginV3 {
  public:
    virtual ~IPluginV3() noexcept = default;
    virtual IPluginCapability* getCapabilityInterface(PluginCapabilityType type) noexcept = 0;
    virtual IPluginV3* clone() noexcept = 0;
};

class IPluginV3OneCore : public IPluginCapability {
  public:
    virtual const char* getPluginName() const noexcept = 0;
    virtual const char* getPluginVersion() const noexcept = 0;
    virtual const char* getPluginNamespace() const noexcept = 0;
};

class IPluginV3OneBuild : public IPluginCapability {
  public:
    virtual int32_t configurePlugin(const DynamicPluginTensorDesc* inputs, int32_t inputCount,
                                    const DynamicPluginTensorDesc* outputs, int32_t outputCount) noexcept = 0;
    virtual int32_t getOutputDataTypes(DataType* outputs, int32_t outputCount, const DataType* inputs,
                                       int32_t inputCount) const noexcept = 0;
    virtual int32_t getOutputShapes(const DimsExprs* inputs, int32_t inputCount, const DimsExprs* shapes,
                                    int32_t shapeCount, DimsExprs* outputs, int32_t outputCount,
                                    IExprBuilder& builder) noexcept = 0;
    virtual bool supportsFormatCombination(int32_t position, const DynamicPluginTensorDesc* tensors, int32_t inputs,
                                           int32_t outputs) noexcept = 0;
    virtual int32_t getNbOutputs() const noexcept = 0;
};

class IPluginV3OneRuntime : public IPluginCapability {
  public:
    virtual int32_t onShapeChange(const PluginTensorDesc* inputs, int32_t inputCount, const PluginTensorDesc* outputs,
                                  int32_t outputCount) noexcept = 0;
    virtual int32_t enqueue(const PluginTensorDesc* inputs, const PluginTensorDesc* outputs, const void* const* from,
                            void* const* to, void* workspace, cudaStream_t stream) noexcept = 0;
    virtual IPluginV3* attachToContext(IPluginResourceContext* context) noexcept = 0;
    virtual const PluginFieldCollection* getFieldsToSerialize() noexcept = 0;
};

class IPluginCreatorV3One : public IPluginCreatorInterface {
  public:
    virtual const char* getPluginName() const noexcept = 0;
    virtual const char* getPluginVersion() const noexcept = 0;
    virtual const char* getPluginNamespace() const noexcept = 0;
    virtual const PluginFieldCollection* getFieldNames() noexcept = 0;
    virtual IPluginV3* createPlugin(const char* name, const PluginFieldCollection* fields,
                                    TensorRTPhase phase) noexcept = 0;
};

class ILoggerFinder {
  public:
    virtual ILogger* findLogger() = 0;
};

#endif

}  // namespace nvinfer1

#if NV_TENSORRT_MAJOR < 10
extern "C" nvinfer1::IPluginRegistry* getPluginRegistry() noexcept;
extern "C" nvinfer1::ILogger* getLogger() noexcept;
#endif
