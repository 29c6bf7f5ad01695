"""The untrained pack and the scoring node on any ONNX Runtime from 1.10 on; runs under Python 3.6, no torch."""

import hashlib
import json

import numpy as np
import onnxruntime
import pytest
from fixed_inputs import CLASSES, DATA, FACTORS, PICTURES, UNTRAINED, maps, pictures
from trilinear_reference import temporal_scores

pytestmark = pytest.mark.needs_onnxruntime


def session(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def run_untrained(rgb, neighbour, flow, residual):
    appearance = session(UNTRAINED / "appearance.onnx")
    summed = sum(appearance.run(None, {"rgb": picture})[0] for picture in (rgb, neighbour))
    feed = {"flow": flow, "residual": residual, "appearance": summed}
    return session(UNTRAINED / "motion.onnx").run(None, feed)[0]


def test_scoring_node_equals_the_numpy_reference():
    here, there, motion, residual, classifier = maps()
    feed = {
        "appearance": here + there,
        "motion_maps": motion,
        "residual_maps": residual,
        "classifier": classifier,
    }
    scores = session(DATA / "scoring.onnx").run(None, feed)[0]
    expected = temporal_scores(here, there, motion, residual, classifier, FACTORS)
    assert scores.shape == (PICTURES, CLASSES)
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_scoring_node_gives_zero_for_zero_maps():
    here, there, motion, residual, classifier = maps()
    feed = {
        "appearance": here + there,
        "motion_maps": np.zeros_like(motion),
        "residual_maps": residual,
        "classifier": classifier,
    }
    scores = session(DATA / "scoring.onnx").run(None, feed)[0]
    assert not scores.any()


def test_untrained_pack_scores_as_pytorch_did():
    expected = np.array(json.loads((DATA / "untrained_scores.json").read_text()))
    np.testing.assert_allclose(run_untrained(*pictures()), expected, atol=1e-3)


def test_untrained_pack_takes_any_number_of_pictures():
    inputs = pictures()
    together = run_untrained(*inputs)
    for index in range(PICTURES):
        alone = run_untrained(*(array[index : index + 1] for array in inputs))
        np.testing.assert_allclose(alone[0], together[index], atol=1e-3)


def test_untrained_pack_labels_differ_between_pictures():
    """Untrained labels mean nothing, but a pack that always shows the same one would look broken."""
    random = np.random.RandomState(11)
    rgb = pictures()[0][:1]
    winners = set()
    for _ in range(8):
        flow, residual = blocks(random, 2) * 0.2, blocks(random, 3)
        winners.add(int(run_untrained(rgb, rgb, flow, residual).argmax()))
    assert len(winners) >= 3


def blocks(random, channels):
    """One picture (1, channels, 224, 224) of 16x16 blocks, each of one random value."""
    values = random.standard_normal((1, channels, 14, 14)).astype(np.float32)
    return values.repeat(16, axis=2).repeat(16, axis=3)


def test_untrained_pack_files_match_its_description():
    description = json.loads((UNTRAINED / "model.json").read_text(encoding="utf-8"))
    assert description["format_version"] == 1
    assert description["trained"] is False
    assert len(description["labels"]) == 10
    size = 0
    for name in ("appearance", "motion"):
        entry = description["graphs"][name]
        data = (UNTRAINED / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"], name
        size += len(data)
    assert size < 2000000
