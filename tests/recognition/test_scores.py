"""Probabilities, ranking and the mean of a video."""

import numpy as np
import pytest

from edge_attp.recognition import VideoMean, score_video, softmax, top


def test_softmax():
    probabilities = softmax(np.array([0.0, np.log(3.0)], np.float32))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities, [0.25, 0.75], rtol=1e-6)


def test_softmax_of_large_logits_stays_finite():
    np.testing.assert_allclose(softmax(np.array([1e4, 0, -1e4], np.float32)), [1, 0, 0])


def test_score_copies_the_logits():
    logits = np.array([1, 2], np.float32)
    scores = score_video(logits, 0.5, 0.75)
    logits[:] = 0
    np.testing.assert_array_equal(scores.logits, [1, 2])
    assert (scores.start_s, scores.end_s) == (0.5, 0.75)


def test_top_is_sorted_and_stable():
    best = top(np.array([0.2, 0.3, 0.3, 0.1], np.float32), ["a", "b", "c", "d"], 3)
    assert [label for label, _ in best] == ["b", "c", "a"]
    assert best[0][1] == pytest.approx(0.3)


def test_top_of_more_than_there_are():
    assert len(top(np.array([0.4, 0.6]), ["a", "b"], 9)) == 2


def test_video_mean_counts_each_gop_once():
    mean = VideoMean()
    for value in (1.0, 2.0, 3.0):
        mean.add_logits(0, np.array([value, 0.0]))
    mean.add_logits(2, np.array([10.0, 4.0]))  # GOP 1 had nothing to score
    assert mean.gops == 2
    np.testing.assert_allclose(mean.logits(), [6.0, 2.0])


def test_video_mean_counts_what_precedes_the_first_key_picture_as_a_gop():
    mean = VideoMean()
    for gop, value in ((-1, 1.0), (-1, 3.0), (0, 6.0)):
        mean.add_logits(gop, np.array([value]))
    assert mean.gops == 2
    np.testing.assert_allclose(mean.logits(), [4.0])


def test_video_mean_of_nothing():
    assert VideoMean().logits() is None and VideoMean().gops == 0


def test_video_mean_can_be_asked_at_any_time():
    mean, expected = VideoMean(), []
    for gop in range(5):
        expected.append(gop * gop)
        mean.add_logits(gop, np.array([float(gop * gop)]))
        np.testing.assert_allclose(mean.logits(), [np.mean(expected)])
