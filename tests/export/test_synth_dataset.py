"""`edge-attp-export synth`: files, splits, manifest, keeping existing clips, and naming mistakes."""

import csv
import json
import sys

import av
import cv2
import numpy as np
import pytest

from edge_attp.errors import UsageError
from edge_attp_export.cli import main
from edge_attp_export.synth import VERSION, attributes, backgrounds, clips, dataset
from edge_attp_export.synth.classes import LABELS, pairs

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

SMALL = dataset.Parameters(clips=5, pictures=10, seed=3)
ARGUMENTS = ["--clips", "5", "--pictures", "10", "--seed", "3", "--jobs", "2"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("synth") / "set"
    assert main(["synth", str(out), *ARGUMENTS]) == 0
    return out


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(6):
        picture = np.full((300, 400, 3), 40 * number, np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return folder


def rows(out):
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_classes_and_splits_are_there(made):
    listed = rows(made)
    assert [row["label"] for row in listed[::5]] == list(LABELS)
    assert [row["split"] for row in listed[:5]] == ["train", "train", "train", "val", "test"]
    on_disk = {path.relative_to(made).as_posix() for path in made.rglob("*.mp4")}
    assert {row["path"] for row in listed} == on_disk
    assert len(on_disk) == 50
    assert not list(made.rglob("*.part"))


def test_a_clip_is_a_uniform_intra_only_video(made):
    with av.open(str(made / "clips" / "walk_left" / "0004.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == clips.RATE
        assert {frame.pict_type for frame in frames} == {av.video.frame.PictureType.I}
        assert (len(frames), frames[0].width, frames[0].height) == (10, 340, 256)


def test_other_processes_draw_the_same_bytes(made, tmp_path):
    for clip in dataset.plan(SMALL)[::9]:
        size = dataset.make_clip(tmp_path, clip)
        assert (tmp_path / clip.path).read_bytes() == (made / clip.path).read_bytes()
        assert size == (made / clip.path).stat().st_size


def test_the_loss_of_a_clip_is_small(made):
    clip = dataset.plan(SMALL)[0]
    traits = attributes.draw(clip.seed)
    background = backgrounds.drawn(traits.scenery, clip.seed)
    drawn = np.stack(list(dataset.render(clip.label, traits, clip.seed, background, clip.pictures)))
    with av.open(str(made / clip.path)) as container:
        stored = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    luma = (stored.astype(float) - drawn) @ (0.299, 0.587, 0.114)
    assert np.sqrt((luma**2).mean()) < 2.5


def test_splits_share_no_world_and_classes_of_an_action_share_all(made):
    by_split = {}
    for row in rows(made):
        by_split.setdefault(row["split"], set()).add((row["seed"], row["background"]))
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        assert not {s for s, _ in by_split[one]} & {s for s, _ in by_split[other]}
        assert not {b for _, b in by_split[one]} & {b for _, b in by_split[other]}
    strip = ("path", "label")
    by_label = {
        label: [
            {key: value for key, value in row.items() if key not in strip}
            for row in rows(made)
            if row["label"] == label
        ]
        for label in LABELS
    }
    for one, other in pairs().values():
        assert by_label[one] == by_label[other]


def test_a_line_of_the_manifest_says_how_its_clip_was_drawn(made):
    row = rows(made)[7]
    traits = attributes.draw(int(row["seed"]))
    assert row["action"] == LABELS[row["label"]].action
    assert row["facing"] == str(traits.facing)
    assert float(row["pan"]) == pytest.approx(traits.pan, abs=1e-4)
    assert row["ball"] == str(int(traits.ball))
    assert row["shirt"].startswith("#") and len(row["shirt"]) == 7
    assert row["background"] == f"drawn-{row['seed']}"


def test_synth_json_says_what_the_set_is(made):
    content = json.loads((made / "synth.json").read_text(encoding="utf-8"))
    assert content["version"] == VERSION
    assert (content["seed"], content["clips_per_class"], content["pictures"]) == (3, 5, 10)
    assert content["labels"] == list(LABELS)
    assert content["pairs"]["walk"] == ["walk left", "walk right"]
    assert content["mirror"] == {"walk left": "walk right", "walk right": "walk left"}
    assert content["splits"] == {"train": 30, "val": 10, "test": 10}


def test_only_what_is_missing_is_drawn_again(made, capsys):
    gone = made / "clips" / "crouch" / "0002.mp4"
    content = gone.read_bytes()
    gone.unlink()
    others = {path: path.stat().st_mtime_ns for path in made.rglob("*.mp4")}
    assert main(["synth", str(made), *ARGUMENTS]) == 0
    assert gone.read_bytes() == content
    assert {path: path.stat().st_mtime_ns for path in others} == others
    assert "1 clips of 50, 49 kept" in capsys.readouterr().err


def test_a_longer_set_keeps_clips_and_splits_of_a_shorter_one(made):
    longer = dataset.plan(SMALL._replace(clips=7))
    assert len(dataset.missing(made, longer, False)) == 20
    splits = {clip.path: clip.split for clip in longer}
    assert all(splits[clip.path] == clip.split for clip in dataset.plan(SMALL))


@pytest.mark.parametrize(
    "change, said",
    [({"seed": 4}, "was made with seed "), ({"pictures": 11}, "was made with pictures 10, not 11")],
)
def test_clips_of_other_parameters_are_not_mixed_in(made, change, said):
    planned = dataset.plan(SMALL._replace(**change))
    with pytest.raises(UsageError, match=said) as raised:
        dataset.missing(made, planned, replace=False)
    assert "0000.mp4" in str(raised.value) and "--force" in str(raised.value)
    assert dataset.missing(made, planned, replace=True) == planned


def test_a_foreign_file_is_not_overwritten(tmp_path, capsys):
    foreign = tmp_path / "clips" / "open_door" / "0000.mp4"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"mine")
    assert main(["synth", str(tmp_path), *ARGUMENTS]) == 2
    assert "0000.mp4: was not made by this command" in capsys.readouterr().err
    assert foreign.read_bytes() == b"mine"


def test_a_clip_cut_short_leaves_nothing(tmp_path):
    def broken():
        yield np.zeros((256, 340, 3), np.uint8)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        clips.write(tmp_path / "a.mp4", broken(), {})
    assert not list(tmp_path.iterdir())


def test_a_photograph_is_in_one_split_only_and_counts_once(album):
    (album / "again.png").write_bytes((album / "0.png").read_bytes())
    planned = dataset.plan(dataset.Parameters(15, 10, 0, album))
    used = {}
    for clip in planned:
        used.setdefault(clip.photograph.sha256, set()).add(clip.split)
    assert all(len(splits) == 1 for splits in used.values())
    assert {next(iter(splits)) for splits in used.values()} == {"train", "val", "test"}
    assert len(used) <= 6
    # Neither names nor places of files matter.
    (album / "0.png").rename(album / "z.png")
    renamed = dataset.plan(dataset.Parameters(15, 10, 0, album))
    assert [clip.recipe() for clip in renamed] == [clip.recipe() for clip in planned]


def test_a_photograph_becomes_the_background(album, tmp_path):
    cv2.imwrite(str(album / "0.png"), np.full((300, 400, 3), (0, 0, 255), np.uint8))
    picture = backgrounds.photograph(album / "0.png", 1)
    assert picture.shape == (backgrounds.ROWS, backgrounds.COLUMNS, 3)
    assert np.all(picture == (255, 0, 0))
    clip = dataset.plan(dataset.Parameters(5, 10, 0, album))[0]
    assert dataset.make_clip(tmp_path, clip) > 0
    assert clips.recipe_of(tmp_path / clip.path)["photograph"] == clip.photograph.sha256


def test_photographs_that_cannot_be_used_are_named(album, tmp_path, capsys):
    def refusal(folder):
        assert main(["synth", str(tmp_path / "set"), "--photographs", str(folder)]) == 2
        return capsys.readouterr().err

    assert "nowhere: is not a folder of photographs" in refusal(tmp_path / "nowhere")
    few = tmp_path / "few"
    few.mkdir()
    assert "0 different photographs" in refusal(few)
    (album / "torn.jpg").write_bytes(b"not a picture")
    assert "torn.jpg: cannot be read as a picture" in refusal(album)
    cv2.imwrite(str(album / "tiny.png"), np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(UsageError, match="tiny.png: is 30 x 20, smaller than 340 x 256"):
        backgrounds.photograph(album / "tiny.png", 1)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--clips", "4"], "argument --clips: 4 is not a whole number from 5 to 9999"),
        (["--pictures", "many"], "argument --pictures: many is not a whole number from 10"),
        (["--seed", "-1"], "argument --seed: -1 is not a whole number from 0 to 4294967295"),
        (["--jobs", "0"], "argument --jobs: 0 is not a whole number from 1"),
    ],
)
def test_bad_arguments_are_named(tmp_path, capsys, arguments, said):
    with pytest.raises(SystemExit) as raised:
        main(["synth", str(tmp_path / "set"), *arguments])
    assert raised.value.code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_a_file_in_the_way_of_the_folder_is_named(tmp_path, capsys):
    (tmp_path / "set").write_text("mine")
    assert main(["synth", str(tmp_path / "set"), *ARGUMENTS]) == 2
    assert "set: cannot write the set: File exists" in capsys.readouterr().err


def test_a_missing_package_is_named(tmp_path, capsys, monkeypatch):
    package = "edge_attp_export.synth"
    for name in [name for name in sys.modules if name.startswith(package + ".")]:
        if name != package + ".command":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(f"{package}.dataset")
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert main(["synth", str(tmp_path / "set")]) == 2
    assert "synth needs cv2: pip install" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
