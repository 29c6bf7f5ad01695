"""The TensorRT glue, driven as TensorRT drives it, against a double of the interface: every generation, every failure.

The double has the names and values of TensorRT's interface and none of its code; that the glue fits the real one is
shown by building it with the real headers and by check_libnvinfer.py.
"""

import ctypes
import struct

import numpy as np
import pytest
import trilinear_reference as reference
from double_library import (
    CHW2,
    FIELD_FLOAT32,
    FIELD_INT32,
    FLOAT,
    HALF,
    INT8,
    LINEAR,
    DoubleLibrary,
    Tensors,
)

FACTORS, PROJECTIONS, POSITIONS, CLASSES = 3, 7, 5, 4
CHANNELS = FACTORS * PROJECTIONS
MAP = (2, CHANNELS, POSITIONS)
SHAPES = [MAP, MAP, MAP, (PROJECTIONS, CLASSES), (2, CLASSES)]
HALVES = [HALF, HALF, HALF, FLOAT, FLOAT]
FLOATS = [FLOAT] * 5
GENERATIONS = ["plugin_double_8_v2", "plugin_double_11_v2", "plugin_double_11_v3"]


@pytest.fixture(scope="module", params=GENERATIONS)
def double(request, host_builds):
    return DoubleLibrary(host_builds(request.param))


@pytest.fixture
def fresh(double):
    """The library, with nothing logged yet."""
    double.message()
    return double


@pytest.fixture
def plugin(fresh):
    made = fresh.create(FACTORS)
    yield made
    made.close()


def with_shape(index, shape):
    """Tensors of which one has another shape; all are known, and halves."""
    shapes = list(SHAPES)
    shapes[index] = shape
    return Tensors(shapes, HALVES)


def arrays(dtype):
    rng = np.random.RandomState(0)
    maps = [rng.randint(-3, 4, MAP).astype(dtype) for _ in range(3)]
    return maps + [rng.standard_normal((PROJECTIONS, CLASSES)).astype(np.float32)]


def test_the_creator_is_found_by_its_three_names_only(double):
    assert double.is_found("TrilinearScoring", "1", "edge_attp")
    assert not double.is_found("TrilinearScoring", "1", "")
    assert not double.is_found("TrilinearScoring", "2", "edge_attp")
    assert not double.is_found("Trilinear", "1", "edge_attp")


def test_parsers_are_told_of_the_attribute(double):
    assert double.c.field_name() == b"factors"


@pytest.mark.parametrize(
    "arguments, says",
    [
        (dict(factors=3, field="factor"), "factors is missing"),
        (dict(factors=3, kind=FIELD_FLOAT32), "one 32-bit integer"),
        (dict(factors=3, length=2), "one 32-bit integer"),
        (dict(factors=None), "one 32-bit integer"),
        (dict(factors=0), "between 1 and 2^24"),
        (dict(factors=-5), "between 1 and 2^24"),
        (dict(factors=2**24 + 1), "between 1 and 2^24"),
    ],
)
def test_a_node_with_wrong_attributes_makes_no_plugin(fresh, arguments, says):
    assert fresh.create(**arguments) is None
    message = fresh.message()
    assert says in message and message.startswith("edge_attp::TrilinearScoring: ")


def test_without_a_logger_faults_are_silent(fresh):
    fresh.c.use_logger(0)
    try:
        assert fresh.create(0) is None
    finally:
        fresh.c.use_logger(1)
    assert fresh.message() == ""


@pytest.mark.parametrize("dtype, types", [(np.float16, HALVES), (np.float32, FLOATS)])
@pytest.mark.parametrize("way", ["created", "restored", "cloned"])
def test_scores_are_the_references(fresh, way, dtype, types):
    plugin = fresh.create(FACTORS)
    if way != "created":
        first, plugin = plugin, plugin.clone() if way == "cloned" else fresh.restore(plugin.save())
        first.close()  # neither needs the plugin that it came from
    inputs = arrays(dtype)
    scores, code = plugin.enqueue(Tensors(SHAPES, types), inputs, CLASSES)
    plugin.close()
    assert (code, fresh.message()) == (0, "")
    wide = [each.astype(np.float64) for each in inputs]
    wanted = reference.classify(reference.pool(*wide[:3], FACTORS), wide[3])
    np.testing.assert_allclose(scores, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch", [2, -1])
def test_the_scores_have_the_batch_and_the_classes(plugin, fresh, batch):
    shapes = [(batch, CHANNELS, POSITIONS)] * 3 + [(PROJECTIONS, CLASSES)]
    assert plugin.output_shape(Tensors(shapes, HALVES)) == [(0, 0), (3, 1)]
    assert fresh.message() == ""


@pytest.mark.parametrize("maps", [HALF, FLOAT])
def test_the_scores_are_floats_of_32_bits(plugin, maps):
    assert plugin.output_type(maps) == FLOAT


def test_sizes_not_known_yet_are_no_fault(plugin, fresh):
    shapes = [(-1, -1, -1), (-1, CHANNELS, -1), (-1, -1, POSITIONS), (-1, CLASSES)]
    assert plugin.output_shape(Tensors(shapes, HALVES)) == [(0, 0), (3, 1)]
    plugin.configure(Tensors(shapes, HALVES))
    assert fresh.message() == ""


@pytest.mark.parametrize(
    "tensors, says",
    [
        (with_shape(1, (3, CHANNELS, POSITIONS)), "differ in their sizes"),
        (with_shape(2, (2, CHANNELS, POSITIONS + 1)), "differ in their sizes"),
        (with_shape(0, (2, CHANNELS)), "a map must be"),
        (with_shape(2, (2, CHANNELS, 5, 1)), "a map must be"),
        (with_shape(3, (PROJECTIONS + 1, CLASSES)), "classifier's rows"),
        (with_shape(3, (PROJECTIONS, CLASSES, 1)), "classifier must be"),
        (with_shape(3, (PROJECTIONS, 0)), "65536 classes"),
        (Tensors([(2, 20, 5)] * 3 + [(7, 4)], HALVES), "no multiple of the attribute factors"),
        (Tensors([(2, 3 * 8193, 5)] * 3 + [(8193, 4)], HALVES), "8192 projections"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(plugin, fresh, tensors, says):
    assert plugin.output_shape(tensors) is None
    assert says in fresh.message()
    plugin.configure(tensors)
    assert says in fresh.message()
    scores, code = plugin.enqueue(tensors, arrays(np.float16), CLASSES)
    assert code == 1 and np.isnan(scores).all()
    assert says in fresh.message()


@pytest.mark.parametrize("count", [3, 5])
def test_another_number_of_inputs_is_refused(plugin, fresh, count):
    tensors = Tensors([MAP] * 5, FLOATS)
    assert plugin.output_shape(tensors, count) is None
    assert "four inputs" in fresh.message()
    plugin.configure(tensors, count)
    assert "four inputs" in fresh.message()
    assert not plugin.supports(0, tensors, count)


@pytest.mark.parametrize("types", [HALVES, FLOATS])
def test_linear_halves_and_floats_are_supported(plugin, types):
    tensors = Tensors(SHAPES, types)
    assert all(plugin.supports(position, tensors) for position in range(5))


@pytest.mark.parametrize(
    "position, types, formats",
    [
        (0, [INT8] * 5, [LINEAR] * 5),
        (1, [HALF, FLOAT, HALF, FLOAT, FLOAT], [LINEAR] * 5),
        (2, [FLOAT, FLOAT, HALF, FLOAT, FLOAT], [LINEAR] * 5),
        (3, [HALF] * 5, [LINEAR] * 5),
        (4, [HALF] * 5, [LINEAR] * 5),
        (0, HALVES, [CHW2, LINEAR, LINEAR, LINEAR, LINEAR]),
        (4, HALVES, [LINEAR, LINEAR, LINEAR, LINEAR, CHW2]),
        (5, FLOATS, [LINEAR] * 5),
    ],
)
def test_other_types_and_formats_are_not(plugin, position, types, formats):
    assert not plugin.supports(position, Tensors(SHAPES, types, formats))


def test_running_with_an_unknown_size_fails(plugin, fresh):
    shapes = [(-1, CHANNELS, POSITIONS)] * 3 + [(PROJECTIONS, CLASSES)]
    _, code = plugin.enqueue(Tensors(shapes, HALVES), arrays(np.float16), CLASSES)
    assert code == 1 and "unknown" in fresh.message()


def test_running_with_unsupported_types_fails(plugin, fresh):
    types = [HALF, FLOAT, HALF, FLOAT, FLOAT]
    _, code = plugin.enqueue(Tensors(SHAPES, types), arrays(np.float16), CLASSES)
    assert code == 1 and "supportsFormatCombination" in fresh.message()


def test_running_on_a_map_between_words_fails(plugin, fresh):
    inputs = arrays(np.float16)
    inputs[1] = np.zeros(np.prod(MAP) + 1, np.float16)[1:].reshape(MAP)
    _, code = plugin.enqueue(Tensors(SHAPES, HALVES), inputs, CLASSES)
    assert code == 1 and "multiple of four bytes" in fresh.message()


@pytest.fixture(params=[name for name in GENERATIONS if name.endswith("v2")])
def older(request, host_builds):
    """The generation that writes its own bytes into an engine."""
    library = DoubleLibrary(host_builds(request.param))
    library.message()
    return library


def test_an_engine_keeps_the_layout_and_the_factors(older):
    plugin = older.create(FACTORS)
    assert plugin.save() == struct.pack("<Ii", 1, FACTORS)
    plugin.close()


@pytest.mark.parametrize(
    "data, says",
    [
        (b"", "wrong length"),
        (struct.pack("<I", 1), "wrong length"),
        (struct.pack("<Iii", 1, 5, 0), "wrong length"),
        (struct.pack("<Ii", 2, 5), "another version"),
        (struct.pack("<Ii", 1, 0), "between 1 and 2^24"),
        (struct.pack("<Ii", 1, -1), "between 1 and 2^24"),
    ],
)
def test_an_engine_of_another_kind_is_refused(older, data, says):
    assert older.restore(data) is None
    assert says in older.message()


def test_no_data_at_all_is_refused(older):
    assert not older.c.restore_plugin(None, ctypes.c_size_t(8))
    assert "wrong length" in older.message()


def test_an_engine_without_the_field_is_refused(host_builds):
    """The newer generation is handed its attributes by the engine, as by the parser."""
    library = DoubleLibrary(host_builds("plugin_double_11_v3"))
    plugin = library.create(FACTORS, kind=FIELD_INT32)
    assert plugin.save() == struct.pack("<i", FACTORS)
    plugin.close()
    assert library.restore(b"") is None
    assert "one 32-bit integer" in library.message()
