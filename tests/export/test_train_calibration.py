"""Temperatures: fitted to held-out answers, folded into a pack, and said on its card."""

import numpy as np
import pytest
import small_checkpoint
import small_models
import torch

from edge_attp.engine import load_pack
from edge_attp.errors import UsageError
from edge_attp_export import calibration, figures
from edge_attp_export.architecture import MODALITIES
from edge_attp_export.calibration import calibrate, fit_temperature, quality, reliability
from edge_attp_export.cli import main
from edge_attp_export.parity import measure
from edge_attp_export.picture_answers import ClipPictures, beside, joined, write_answers
from edge_attp_export.results import Clip, Results, Row, softmax, write_results
from edge_attp_export.video_samples import Samples

pytestmark = [pytest.mark.needs_torch, pytest.mark.needs_onnx]


def believable(clips, classes=3, seed=0):
    """Logits whose probabilities are right, and the truth: (1, N, C), (N)."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (1, clips, classes))
    edges = softmax(logits[0]).cumsum(1)
    return logits, (random.random((clips, 1)) > edges[:, :-1]).sum(1)


def made(logits, truth, labels=small_checkpoint.LABELS, groups=4, **about):
    clips = tuple(Clip(f"c/{n}", int(label), f"g{n // groups}") for n, label in enumerate(truth))
    row = Row("mine", "model", softmax(logits), about, logits)
    return Results("doors", {"folds": 2}, {}, labels, clips, (row,))


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_is_found_again(temperature):
    logits, truth = believable(4000)
    found = fit_temperature(logits[0] * temperature, truth)
    assert found == pytest.approx(temperature, rel=0.06)
    best = quality(logits[0] * temperature / found, truth).loss
    for other in (found * 1.03, found / 1.03):
        assert best < quality(logits[0] * temperature / other, truth).loss


def test_answers_that_are_all_right_or_all_chance_are_at_the_limits():
    logits = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert fit_temperature(logits, np.array([0, 1])) == pytest.approx(calibration.LEAST, rel=1e-4)
    assert fit_temperature(logits, np.array([1, 1])) == pytest.approx(calibration.MOST, rel=1e-4)


def test_the_error_is_the_mean_distance_of_stated_and_right():
    stated = np.array([0.9] * 40 + [0.6] * 40)
    is_right = np.array([True] * 40 + [True, False] * 20)
    found = reliability(stated, is_right)
    assert found.counts.sum() == 80 and len(found.counts) == calibration.BINS
    assert found.error == pytest.approx((0.1 + 0.1) / 2)
    few = reliability(np.array([0.7, 0.8]), np.array([True, False]))
    assert few.stated.tolist() == [0.7, 0.8] and few.right.tolist() == [1, 0]


def test_chance_leaves_an_error_where_answers_are_few():
    errors = []
    for seed in range(20):
        logits, truth = believable(300, seed=seed)
        errors.append(quality(logits[0], truth).reliability)
    expected = np.mean([found.chance(1) for found in errors])
    assert np.mean([found.error for found in errors]) == pytest.approx(expected, rel=0.15)
    assert errors[0].chance(4) == 2 * errors[0].chance(1)


def test_a_model_that_boasts_is_found_out():
    logits, truth = believable(600)
    results = made(logits * 3, truth)
    found = calibrate(results, results.rows[0])
    assert 2.5 < found.low < found.temperature < found.high < 3.6
    assert (found.clips, found.seeds, found.pictures) == (600, 1, None)
    assert found.before.reliability.error > 0.15 > 0.07 > found.after.reliability.error
    assert found.after.loss < found.before.loss


def test_what_is_said_of_a_clip_does_not_know_its_group():
    """One group is always right, the other one half of the time: each is judged by the other's temperature."""
    logits = np.tile([1.0, 0.0], (1, 8, 1))
    truth = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    results = made(logits, truth, ("a", "b"))
    found = calibrate(results, results.rows[0])
    scaled = np.concatenate([logits[0, :4] / calibration.MOST, logits[0, 4:] / calibration.LEAST])
    assert found.after.loss == pytest.approx(quality(scaled, truth).loss, rel=1e-3)


def pictures_of(results, scale=1.0, idle=False):
    """Two pictures for each clip: its logits times `scale`, and what makes them the mean; and a wrong idle one."""
    seeds = []
    for logits in results.rows[0].logits:
        clips = []
        for clip, said in zip(results.clips, logits):
            wrong = 50.0 * (np.arange(len(said)) == (clip.label + 1) % len(said))
            rows = np.array([said * scale, said * (2 - scale)] + [wrong] * idle, np.float32)
            number = np.arange(len(rows))
            clips.append(ClipPictures(number, number / 25, number == 2, rows))
        seeds.append(clips)
    return joined([clip.name for clip in results.clips], seeds)


def test_single_pictures_are_reported_without_idle_ones():
    """They waver about the verdict, so they need a higher temperature than it does."""
    logits, truth = believable(800)
    results = made(logits * 2, truth)
    plain = calibrate(results, results.rows[0])
    found = calibrate(results, results.rows[0], pictures_of(results, scale=2, idle=True))
    assert found.temperature == pytest.approx(plain.temperature, rel=1e-3)
    assert found.pictures.own_temperature > 1.2 * found.temperature
    assert found.pictures.before.loss > found.pictures.after.loss > found.after.loss
    assert "own temperature is" in "\n".join(calibration.lines(found))
    said = calibration.as_json(found, results)
    assert said["single_pictures"]["own_temperature"] == round(found.pictures.own_temperature, 3)


def test_clips_in_which_nothing_moves_are_left_out():
    logits, truth = believable(40)
    results = made(logits, truth)
    answers = pictures_of(results)
    still = np.repeat(np.arange(40) < 10, 2)
    answers = answers._replace(pictures=answers.pictures._replace(is_idle=still))
    found = calibrate(results, results.rows[0], answers)
    assert found.clips == 30
    assert found.temperature == pytest.approx(fit_temperature(logits[0, 10:], truth[10:]), rel=1e-3)


def test_what_cannot_be_calibrated_is_named():
    logits, truth = believable(20)
    results = made(logits, truth)
    other = pictures_of(made(logits[:, :10], truth[:10]))
    with pytest.raises(UsageError, match="single pictures belong to other results"):
        calibrate(results, results.rows[0], other)
    forest = results.rows[0]._replace(kind="baseline", name="forest")
    with pytest.raises(UsageError, match="the row 'forest' is a baseline, not a model"):
        calibrate(results, forest)


@pytest.mark.parametrize("modalities", MODALITIES)
def test_the_last_layer_divides_all_scores(modalities):
    model = small_models.model(small_models.architecture(modalities))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter)
    inputs, _, _ = small_models.batch(shape=model.architecture)
    before = model(*inputs)
    model.divide_scores(2.5)
    torch.testing.assert_close(model(*inputs), before / 2.5)


def export(tmp_path, results, *options, checkpoint=None):
    path = tmp_path / "results.json"
    write_results(path, results)
    source = checkpoint or small_checkpoint.saved(tmp_path)
    command = ["export", str(source), "-o", str(tmp_path / "pack"), "--calibration", str(path)]
    return main([*command, *options])


def test_a_pack_is_calibrated_and_says_so(tmp_path, capsys):
    logits, truth = believable(300)
    results = made(logits * 2, truth)
    write_answers(beside(tmp_path / "results.json"), pictures_of(results))
    assert export(tmp_path, results) == 0
    said = load_pack(str(tmp_path / "pack")).accuracy["calibration"]
    temperature = said["temperature"]
    assert 1.6 < said["interval"][0] < temperature < said["interval"][1] < 2.5
    assert said["held_out"] == "300 clips of doors, 1 seeds" and "single_pictures" in said
    assert f"temperature {temperature:.2f}" in capsys.readouterr().out
    card = (tmp_path / "pack" / "README.md").read_text()
    assert f"## Calibration\n\n| | |\n|---|---|\n| what | {said['what']} |" in card
    assert "expected calibration error: after" in card and "](reliability.png)" in card
    assert (tmp_path / "pack" / "reliability.png").read_bytes()[1:4] == b"PNG"

    checkpoint = small_checkpoint.checkpoint()
    model = small_models.model(checkpoint.architecture)
    samples = noise()
    model.divide_scores(temperature)
    assert measure(model, tmp_path / "pack", samples).scores < 1e-3
    model.divide_scores(1 / temperature)
    assert measure(model, tmp_path / "pack", samples).scores > 0.1


def noise():
    random, side = np.random.default_rng(0), small_models.SIDE
    shapes = [(4, channels, side, side) for channels in (3, 2, 3)]
    tensors = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    return Samples(*tensors, here=np.arange(4), neighbour=np.array([1, 2, 3, 2]))


def test_a_calibration_of_another_model_is_refused_or_told(tmp_path, capsys):
    logits, truth = believable(60)
    assert export(tmp_path, made(logits, truth, ("a", "b", "c"))) == 2
    assert "results for a, b, c; the model has open, close, wave" in capsys.readouterr().err
    recipe = {"model": {"width": 0.5, "backbone": "x"}, "train": {"seed": 3}}
    own = {"model": {"width": 0.1, "backbone": "x"}, "train": {"seed": 4}}
    source = small_checkpoint.saved(tmp_path, training={"config": own})
    assert export(tmp_path, made(logits, truth, recipe=recipe), checkpoint=source) == 0
    assert "of another recipe: model.width 0.5, not 0.1\n" in capsys.readouterr().err


def test_an_untrained_pack_is_not_calibrated(tmp_path, capsys):
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\n")
    command = ["export", "--classes", str(labels), "--backbone", "mobilenet_v2", "--width", "0.1"]
    command += ["-o", str(tmp_path / "pack"), "--calibration", "results.json"]
    assert main(command) == 2
    assert "--calibration is for a CHECKPOINT" in capsys.readouterr().err


def test_the_command_prints_and_draws(tmp_path, capsys):
    logits, truth = believable(100)
    write_results(tmp_path / "a.json", made(logits * 20, truth))
    assert main(["calibration", f"{tmp_path}/a.json:mine", "-o", str(tmp_path / "a.png")]) == 0
    printed = capsys.readouterr().out
    assert "100 clips, 1 seeds" in printed and "at its limit" in printed
    assert (tmp_path / "a.png").exists()
    assert main(["calibration", f"{tmp_path}/a.json:other"]) == 2


def test_the_plot_shows_what_is_stated_and_what_is_right(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(figures, "_save", lambda figure, path: drawn.append(figure))
    logits, truth = believable(200)
    found = quality(logits[0], truth).reliability
    figures.reliability(tmp_path / "r.png", {"before": found}, "title")
    (axes,) = drawn[0].axes
    line = axes.containers[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), found.stated)
    np.testing.assert_allclose(line.get_ydata(), found.right)
    assert axes.get_legend_handles_labels()[1][1] == f"before: error {found.error:.3f}"
