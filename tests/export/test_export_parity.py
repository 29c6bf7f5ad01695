"""Parity on real pictures: it holds for every precision, it detects errors, and bad videos are named."""

import numpy as np
import pytest
import small_checkpoint
import torch

from edge_attp.errors import ModelError, SourceError, UsageError
from edge_attp_export import parity
from edge_attp_export.checkpoints import build
from edge_attp_export.onnx_graphs import appearance_graph, motion_graph
from edge_attp_export.packs import describe, write_pack
from edge_attp_export.precision import narrowed
from edge_attp_export.video_samples import read_samples
from rigs import media

pytestmark = [pytest.mark.needs_onnxruntime, pytest.mark.needs_torch]


@pytest.fixture(scope="module")
def samples(clips):
    spec = small_checkpoint.checkpoint().input
    drawn = [small_checkpoint.CLIP, small_checkpoint.CLIP._replace(seed=1)]
    return read_samples([clips.path(clip) for clip in drawn], spec, 24)


@pytest.fixture(scope="module")
def checkpoint():
    return small_checkpoint.checkpoint()


def pack(folder, checkpoint, precision="fp32", model=None):
    model = model or build(checkpoint)
    crop = checkpoint.input.crop
    graphs = {
        "appearance": appearance_graph(model, crop, precision),
        "motion": motion_graph(model, crop, precision),
    }
    write_pack(folder, describe(checkpoint, model, True, "tiny", precision), graphs)
    return folder


@pytest.mark.needs_av
def test_samples_are_what_the_pack_asks_for(samples):
    assert samples.keys.shape[1:] == (3, 64, 64) and samples.flow.shape[1:] == (2, 64, 64)
    assert len(samples.flow) == len(samples.residual) == len(samples.here) >= 16
    assert samples.flow.std() > 0.01 and samples.residual.std() > 0.01
    assert set(abs(samples.here - samples.neighbour)) == {1}
    # Key pictures of one video do not serve the other.
    second = samples.here >= len(samples.keys) // 2
    assert second.any() and (samples.neighbour[second] >= len(samples.keys) // 2).all()


@pytest.mark.needs_av
@pytest.mark.parametrize("precision", ["fp32", "fp16", "fp16-typed"])
def test_pack_is_the_model(precision, checkpoint, samples, tmp_path):
    folder = pack(tmp_path / "pack", checkpoint, precision)
    found = parity.measure(build(checkpoint), folder, samples)
    parity.check(found, precision)
    assert found.pictures == len(samples.flow)
    assert found.appearance_ms > 0 and found.motion_ms > 0 and "ONNX Runtime" in found.engine
    if precision == "fp32":
        assert found.appearance < 1e-3 and found.scores < 1e-3 and found.top1 == 1
    else:  # it really computes with other numbers
        assert found.appearance > 1e-4


@pytest.mark.needs_av
@pytest.mark.parametrize("name", ["litenet_mv.features.18.0.weight", "pooling.u.weight"])
def test_a_changed_weight_is_found(name, checkpoint, samples, tmp_path):
    folder = pack(tmp_path / "pack", checkpoint)
    model = build(checkpoint)
    with torch.no_grad():
        model.get_parameter(name).mul_(1 + 0.3 * torch.rand(model.get_parameter(name).shape))
    with pytest.raises(ModelError, match="the pack differs from the model: .* of their spread"):
        parity.check(parity.measure(model, folder, samples), "fp32")


@pytest.mark.needs_av
def test_another_best_label_is_found(checkpoint, samples, tmp_path):
    folder = pack(tmp_path / "pack", checkpoint)
    found = parity.measure(build(checkpoint), folder, samples)
    with pytest.raises(ModelError, match="50.0% of the best labels are the same"):
        parity.check(found._replace(top1=0.5), "int8")
    with pytest.raises(ModelError, match="differ by nan"):
        parity.check(found._replace(scores=float("nan")), "fp32")


@pytest.mark.needs_av
def test_a_model_without_an_opinion_cannot_be_compared(checkpoint, samples, tmp_path):
    state = dict(checkpoint.state, **{"pooling.p": torch.zeros(8, 3)})
    blank = checkpoint._replace(state=state)
    with pytest.raises(ModelError, match="the same output for every picture"):
        parity.measure(build(blank), pack(tmp_path / "pack", blank), samples)


@pytest.mark.needs_av
def test_too_few_pictures_are_named(clips, checkpoint):
    short = clips.path(media.Clip(pictures=5, options=media.x264(keyint=12)))
    with pytest.raises(UsageError, match=r"4 P and B pictures, but 16 are needed"):
        read_samples([short], checkpoint.input, 24)


def test_a_missing_video_is_named(checkpoint, tmp_path):
    with pytest.raises(SourceError, match="none.mp4"):
        read_samples([tmp_path / "none.mp4"], checkpoint.input, 24)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((2, 2), 7e4), "layer: 70000 does not fit into 16 bits"),
        (np.full((2, 2), 1.03e-7), "layer: 16 bits would change it by"),
    ],
)
def test_what_16_bits_cannot_hold_is_named(values, message):
    with pytest.raises(ModelError, match=message):
        narrowed("layer", values.astype(np.float32))


def test_16_bits_hold_what_layers_have():
    values = np.random.RandomState(0).standard_normal((8, 8)).astype(np.float32)
    half = narrowed("layer", values)
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, values, rtol=5e-4)
