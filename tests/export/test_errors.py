"""The sheet of clips that are answered wrongly."""

import numpy as np
import pytest
import small_sets

from edge_attp.errors import UsageError
from edge_attp_export import error_sheet, figures
from edge_attp_export.cli import main
from edge_attp_export.data.cache import Sample, write_clip
from edge_attp_export.data.windows import Moment, Square
from edge_attp_export.results import Clip, Results, Row, write_results

pytestmark = [pytest.mark.needs_torch, pytest.mark.needs_cv2]


@pytest.fixture
def prepared(tmp_path):
    return small_sets.make(tmp_path / "small", train=2, val=0, test=1)


def results_of(prepared, **about):
    """Three seeds; the third clip is wrong in two of them, the fourth in all of them and surer, the second in one."""
    clips = tuple(
        Clip(entry.name, prepared.labels.index(entry.label), "camera 1") for entry in prepared.clips
    )
    right = np.full((3, len(clips)), 0.9)
    right[0, 1], right[:2, 2], right[:, 3] = 0.4, 0.2, 0.05
    right[2, 2] = 0.7
    truth = np.array([clip.label for clip in clips])
    first = np.where(truth == 0, right, 1 - right)
    row = Row("mine", "model", np.stack([first, 1 - first], 2), about)
    return Results("small", {}, {}, prepared.labels, clips, (row,))


def test_the_surest_errors_come_first(prepared):
    results = results_of(prepared)
    first, second = error_sheet.wrong_clips(results, results.rows[0])
    names = [entry.name for entry in prepared.clips]
    assert first == (names[3], "camera 1", "right", "left", pytest.approx(0.95), 3)
    assert (second.name, second.label, second.answer, second.seeds) == (
        names[2],
        "left",
        "right",
        2,
    )
    assert error_sheet.caption(first, 3) == (
        f"{names[3]} (group camera 1)\nright, answered left 0.95, 3 of 3 seeds"
    )
    assert error_sheet.caption(first._replace(group=names[3]), 3).startswith(f"{names[3]}\n")


def test_key_pictures_stand_side_by_side(prepared):
    name = prepared.clips[0].name
    clip = prepared.clip(name)
    shown = error_sheet.strip(prepared, name, with_region=False)
    np.testing.assert_array_equal(shown, np.concatenate([clip.key(n) for n in range(3)], axis=1))


def test_the_region_is_framed_where_a_model_sees_only_that(prepared):
    name, square = prepared.clips[0].name, Square(8, 16, 40)
    key = np.zeros((small_sets.HEIGHT, small_sets.WIDTH, 3), np.uint8)
    flow = np.zeros((2, small_sets.HEIGHT // 4, small_sets.WIDTH // 4), np.float32)
    residual = small_sets.residual(np.random.RandomState(0))
    sample = Sample("P", 0, 1, flow, flow, residual, None, Moment(square, False))
    write_clip(prepared.cached(name), [key], [sample], 8)
    rows, columns = np.nonzero(error_sheet.strip(prepared, name, True)[:, : small_sets.WIDTH, 0])
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (8, 47, 16, 55)
    assert not error_sheet.strip(prepared, name, False).any()


def test_the_command_draws_the_sheet(prepared, tmp_path, capsys, monkeypatch):
    results = tmp_path / "a.json"
    write_results(results, results_of(prepared, recipe={"data": {"view": "region"}}))
    out = tmp_path / "sheet.png"
    assert main(["errors", str(results), str(prepared.folder), "-o", str(out)]) == 0
    assert capsys.readouterr().out == "2 of 6 clips are answered wrongly\n"
    assert out.read_bytes()[1:4] == b"PNG"

    drawn = []
    monkeypatch.setattr(figures, "_save", lambda figure, path: drawn.append(figure))
    command = ["errors", f"{results}:mine", str(prepared.folder), "-o", str(out), "--most", "1"]
    assert main(command) == 0
    (figure,) = drawn
    assert [len(axes.images) for axes in figure.axes] == [1]
    assert "answered left 0.95" in figure.axes[0].get_title("left")
    assert "the 1 surest" in figure.get_suptitle()


def test_no_error_is_no_sheet_and_another_set_is_named(prepared, tmp_path, capsys):
    results = results_of(prepared)
    (row,) = results.rows
    perfect = np.repeat(np.eye(2)[results.truth][None], 3, 0)
    write_results(
        tmp_path / "a.json", results._replace(rows=(row._replace(probabilities=perfect),))
    )
    command = ["errors", str(tmp_path / "a.json"), str(prepared.folder)]
    assert main([*command, "-o", str(tmp_path / "s.png")]) == 0
    assert "0 of 6" in capsys.readouterr().out and not (tmp_path / "s.png").exists()
    with pytest.raises(UsageError, match="has no clip other/1: the results are of another set"):
        error_sheet.strip(prepared, "other/1", False)
