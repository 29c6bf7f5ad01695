"""Words and numbers that the command line offers and the program acts on. Imports the standard library alone,
so that --help needs no more.
"""

__all__ = [
    "BACKENDS",
    "COMPARABLE",
    "MOST_BATCH",
    "MOST_PARSE_THREADS",
    "MOST_REGIONS",
    "MOST_THREADS",
    "NO_MODEL",
    "PRECISIONS",
    "REPORT_FORMATS",
    "TARGET_PER_S",
    "WORKSPACE_MIB",
]

BACKENDS = ("auto", "onnxruntime", "tensorrt")
PRECISIONS = ("fp16", "fp32")  # of TensorRT engines, in the order of preference
# Of 8 GB that a Jetson's processor and device share; convolutions of these sizes need less.
WORKSPACE_MIB = 512
COMPARABLE = ("threads", "buffers", "batch")  # what a benchmark can compare the choices of
REPORT_FORMATS = ("md", "json", "csv")  # of a benchmark
MOST_BATCH = 1024  # pictures; engines allocate their buffers at once
MOST_PARSE_THREADS = 64  # as edge_attp.h limits them
MOST_THREADS = 256  # of the engine
MOST_REGIONS = 16  # of a picture, as edge_attp_regions.h limits them
NO_MODEL = "none"  # of --model: motion alone
TARGET_PER_S = 40.0  # pictures, the paper's on a Jetson TX2
