"""Parameters and multiply-accumulates: the printed counts are those of the models and of the paper."""

import pytest

from edge_attp_export.architecture import MODALITIES, Architecture
from edge_attp_export.attp import ATTP
from edge_attp_export.cli import main
from edge_attp_export.summary import cost, count

pytestmark = pytest.mark.needs_torch

HMDB, UCF = 51, 101


@pytest.mark.parametrize("classes", [HMDB, UCF])
def test_three_b1_and_projections_make_the_papers_parameters(classes):
    """Table 2 of the paper: 23.4 million; three B1 without classifier heads, U, V, W and P."""
    rows = {row.part: row for row in count(Architecture("efficientnet_b1", classes))}
    assert rows["LiteNet_I"].parameters == rows["LiteNet_R"].parameters == 6513184
    assert rows["LiteNet_MV"].parameters == 6513184 - 32 * 3 * 3
    assert rows["U"].parameters == rows["V"].parameters == rows["W"].parameters == 1280 * 5 * 200
    assert rows["P"].parameters == 200 * classes
    total = sum(row.parameters for row in rows.values())
    assert total == 23379264 + 200 * classes
    assert round(total / 1e6, 1) == 23.4
    # A classifier after each network would not fit: they do not belong to the deployed model.
    assert round((total + 3 * 1280 * classes) / 1e6, 1) > 23.4


@pytest.mark.parametrize("modalities", MODALITIES)
def test_every_parameter_is_in_the_table(modalities):
    shape = Architecture("mobilenet_v2", 7, 0.25, 2, 6, modalities, sketch=40)
    assert sum(row.parameters for row in count(shape)) == sum(
        parameter.numel() for parameter in ATTP(shape).parameters()
    )


def test_costs_of_a_picture():
    shape = Architecture("efficientnet_b1", HMDB)
    rows = {row.part: row.macs for row in count(shape)}
    key, kept, not_kept = cost(shape, count(shape))
    assert key == rows["LiteNet_I"] + 49 * 1280 * 1000
    assert kept == rows["LiteNet_MV"] + rows["LiteNet_R"] + 2 * 49 * 1280 * 1000 + 200 * HMDB
    assert not_kept == kept + 2 * key
    late = Architecture("efficientnet_b1", HMDB, modalities="I+MV+R")
    assert cost(late, count(late)).not_kept == pytest.approx(not_kept - key, rel=0.15)


def test_command_prints_parts_and_costs_beside_the_papers(capsys):
    assert main(["summary"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ATTP of efficientnet_b1, 224 x 224, 51 classes"
    assert [line.split()[0] for line in lines[2:9]] == [
        *("LiteNet_I", "LiteNet_MV", "LiteNet_R"),
        *("U", "V", "W", "P"),
    ]
    assert lines[9].split()[:2] == ["all", "23,389,464"]
    assert lines[10].endswith("key picture: 0.63 GMAC")
    assert lines[11].endswith("kept: 1.26 GMAC")
    assert lines[12].endswith("nothing kept: 2.52 GMAC")
    assert "23.4 M" in lines[13] and "3.0 GFLOPs" in lines[13]


def test_command_takes_modalities_and_classes(capsys):
    assert main(["summary", "--modalities", "MV", "--classes", "3"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("MV of efficientnet_b1, 224 x 224, 3 classes\n")
    assert "LiteNet_I " not in printed and "FC of MV" in printed
    assert main(["summary", "--modalities", "V"]) == 2
    assert "modalities 'V': choose one of I, MV, R" in capsys.readouterr().err
