"""Results of a cross-validation: figures, intervals, paired tests, and the file that holds them."""

import numpy as np
import pytest

from edge_attp.errors import UsageError
from edge_attp_export import forest, significance
from edge_attp_export.results import (
    Clip,
    Results,
    Row,
    compared,
    figures_of,
    read_results,
    table,
    write_results,
)

pytestmark = pytest.mark.needs_torch


def test_the_interval_is_wider_when_few_groups_decide():
    hits = np.arange(100) % 10 < 7
    alone = significance.interval(hits, [str(index) for index in range(100)])
    tens = significance.interval(hits, [str(index % 10) for index in range(100)])
    assert alone[0] < 0.7 < alone[1]
    assert tens[1] - tens[0] > 2 * (alone[1] - alone[0])


def test_area_under_roc_counts_pairs():
    scores = np.array([0.1, 0.4, 0.4, 0.9])
    positive = np.array([False, False, True, True])
    assert significance.area_under_roc(scores, positive) == 3.5 / 4
    assert significance.area_under_roc(-scores, positive) == 0.5 / 4
    assert np.isnan(significance.area_under_roc(scores, positive | True))


def test_mcnemar_is_the_exact_binomial_test():
    assert significance.mcnemar(0, 0) == 1 and significance.mcnemar(3, 3) == 1
    assert significance.mcnemar(0, 5) == pytest.approx(2 / 32)
    assert significance.mcnemar(2, 8) == pytest.approx(2 * (1 + 10 + 45) / 1024)


def test_pairing_tells_what_intervals_cannot():
    random = np.random.default_rng(0)
    first = random.random(300) < 0.7
    second = first | (random.random(300) < 0.1)
    groups = [str(number) for number in range(300)]
    found = significance.paired(first, second, groups)
    alone = [significance.interval(hits.astype(float), groups) for hits in (first, second)]
    assert alone[0][1] > alone[1][0]  # the intervals overlap
    assert found.low > 0 and found.p < 0.01 and found.first_only == 0


def made(right, name="one", labels=("no", "yes"), kind="model"):
    """Results in which `right` (S, N) says which answers are right; clips are of both classes in turn."""
    right = np.array(right)
    clips = tuple(Clip(f"a/{n}", n % 2, f"source {n // 2}") for n in range(right.shape[1]))
    truth = np.array([clip.label for clip in clips])
    sure = np.where(right == truth, 0.9, 0.1)
    row = Row(name, kind, np.stack([1 - sure, sure], 2), {"features": 3})
    return Results("set", {"folds": 2, "seeds": len(right)}, {"crf": 23}, labels, clips, (row,))


def test_figures_are_means_over_seeds():
    results = made([[1, 1, 1, 0], [1, 1, 0, 0]])
    found = figures_of(results.rows[0], results)
    assert found["accuracy"] == 0.625 and found["seeds"] == [0.75, 0.5]
    assert found["deviation"] == 0.125 and found["confusion"] == [[3, 1], [2, 2]]
    assert 0 < found["area_under_roc"]["value"] < 1


def test_a_file_gives_back_what_was_written(tmp_path):
    results = made([[1, 1, 1, 0]], kind="control")
    path = tmp_path / "results" / "a.json"
    write_results(path, results)
    read = read_results(path)
    assert read._replace(rows=()) == results._replace(rows=())
    np.testing.assert_allclose(read.rows[0].probabilities, results.rows[0].probabilities)
    assert read.rows[0].about == {"features": 3} and str(tmp_path) not in path.read_text()
    assert "(one)" in table(read)[1]


def test_logits_are_kept_if_there_are_any(tmp_path):
    results = made([[1, 1, 1, 0]])
    logits = np.array([[[-3.25, 12.5]] * 4])
    with_logits = results._replace(rows=(results.rows[0]._replace(logits=logits),))
    for one, expected in ((with_logits, logits), (results, np.log(results.rows[0].probabilities))):
        write_results(tmp_path / "a.json", one)
        np.testing.assert_allclose(read_results(tmp_path / "a.json").rows[0].scores(), expected)


def test_a_probability_of_nought_was_rounded():
    row = made([[1, 1]]).rows[0]._replace(probabilities=np.array([[[1.0, 0.0]]]))
    np.testing.assert_allclose(row.scores(), np.log([[[1.0, 0.0005]]]))


def test_rows_of_two_files_are_compared_clip_by_clip():
    first, second = made([[1, 0, 0, 0]] * 3), made([[1, 1, 1, 0]] * 3, "two")
    shuffled = second.rows[0].probabilities[:, ::-1]
    turned = second._replace(
        clips=second.clips[::-1], rows=(second.rows[0]._replace(probabilities=shuffled),)
    )
    found = compared(first, first.row(None), turned, turned.row("two"))
    assert found.difference == 0.5 and (found.first_only, found.second_only) == (0, 2)


@pytest.mark.parametrize("other", [made([[1, 1]]), made([[1, 1, 1, 1]], labels=("no", "perhaps"))])
def test_results_of_other_clips_or_classes_are_not_compared(other):
    first = made([[1, 1, 1, 1]])
    with pytest.raises(UsageError, match="different clips or classes"):
        compared(first, first.rows[0], other, other.rows[0])


def test_an_unknown_row_is_named():
    with pytest.raises(UsageError, match="choose one of the rows: one"):
        made([[1, 1]]).row("two")


def test_what_holds_no_results_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"format_version": 2}')
    with pytest.raises(UsageError, match="a.json: holds no results"):
        read_results(tmp_path / "a.json")


def test_a_forest_learns_what_is_not_linear():
    random = np.random.default_rng(0)
    x = random.uniform(-1, 1, (400, 6))
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)
    fitted = forest.fit_forest(x[:300], labels[:300], 2, seed=1, trees=60)
    found = fitted.probabilities(x[300:])
    assert np.allclose(found.sum(1), 1) and (found.argmax(1) == labels[300:]).mean() > 0.8
    again = forest.fit_forest(x[:300], labels[:300], 2, seed=1, trees=60)
    np.testing.assert_array_equal(found, again.probabilities(x[300:]))


def test_a_forest_without_information_answers_with_the_shares():
    labels = np.array([0, 0, 0, 1])
    fitted = forest.fit_forest(np.ones((4, 2)), labels, 2, seed=0, trees=3)
    np.testing.assert_allclose(fitted.probabilities(np.ones((1, 2))), [[0.75, 0.25]])
