"""`edge-attp-export synth --bodies`: files, splits, manifest, keeping existing clips, and naming mistakes."""

import csv
import json

import av
import cv2
import numpy as np
import pytest
from captured import small_set, write_bodies

from edge_attp.errors import UsageError
from edge_attp_export.cli import main
from edge_attp_export.data import datasets
from edge_attp_export.synth.bodies import VERSION, dataset

pytestmark = [
    pytest.mark.needs_av,
    pytest.mark.needs_cv2,
    pytest.mark.needs_egl,
    pytest.mark.needs_torch,
]
SIZE = ["--seconds", "0.5", "--size", "128x96"]


def arguments(motion, clips="5"):
    return ["--bodies", str(motion), "--clips", clips, "--seed", "2", "--jobs", "1", *SIZE]


@pytest.fixture(scope="module")
def motion(tmp_path_factory):
    return small_set(tmp_path_factory.mktemp("motion") / "set")


@pytest.fixture(scope="module")
def made(motion, tmp_path_factory):
    out = tmp_path_factory.mktemp("bodies") / "set"
    out.mkdir()
    write_bodies(out / "bodies.npz")  # an existing file is kept: these tests do without `anny`
    assert main(["synth", str(out), *arguments(motion)]) == 0
    return out


def rows(out):
    with (out / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def planned(motion, **changes):
    parameters = dataset.Parameters(motion, 5, 0.5, 128, 96, 2)._replace(**changes)
    return dataset.plan(parameters)


def test_every_class_has_every_split_that_its_performers_allow(made):
    found = {}
    for row in rows(made):
        found.setdefault(row["label"], []).append(row["split"])
    every = ["train", "train", "train", "val", "test"]
    assert found == {"walk": every, "run": every, "jump": every, "dance": every[:3]}
    assert {row["path"] for row in rows(made)} == {
        path.relative_to(made).as_posix() for path in made.rglob("*.mp4")
    }
    assert not list(made.rglob("*.part"))


def test_splits_share_neither_performer_nor_background(made):
    for column in ("performer", "background", "seed"):
        seen = {}
        for row in rows(made):
            seen.setdefault(row["split"], set()).add(row[column])
        assert not seen["train"] & seen["val"]
        assert not seen["train"] & seen["test"]
        assert not seen["val"] & seen["test"]


def test_a_clip_is_what_its_line_says(made):
    for row in rows(made)[::4]:
        with av.open(str(made / row["path"])) as container:
            stream = container.streams.video[0]
            frames = list(container.decode(stream))
            assert float(stream.average_rate) == float(row["rate"])
        assert len(frames) == round(0.5 * float(row["rate"]))
        assert (frames[0].width, frames[0].height) == (128, 96)
        assert float(row["share"]) > 0.08 and row["codec"]


def test_synth_json_says_what_the_set_is(made):
    content = json.loads((made / "synth.json").read_text(encoding="utf-8"))
    assert (content["version"], content["kind"], content["seed"]) == (VERSION, "bodies", 2)
    assert content["labels"] == ["walk", "run", "jump", "dance"]
    assert content["splits"] == {"train": 12, "val": 3, "test": 3}
    assert "(unnamed)" in content["performers"]["train"]
    assert content["mirror"] == {}


def test_prepare_reads_the_set(made):
    read = datasets.read_csv(made / "manifest.csv")
    assert read.labels == ("walk", "run", "jump", "dance")
    assert len(read.clips) == 18


def test_other_processes_draw_the_same_bytes(made, motion, tmp_path):
    write_bodies(tmp_path / "bodies.npz")
    for clip in planned(motion)[::7]:
        assert dataset.make_clip(tmp_path, clip) == (made / clip.path).stat().st_size
        assert (tmp_path / clip.path).read_bytes() == (made / clip.path).read_bytes()


def test_only_what_is_missing_is_drawn_again(made, motion, capsys):
    gone = made / "clips" / "jump" / "0003.mp4"
    content = gone.read_bytes()
    gone.unlink()
    table = (made / "manifest.csv").read_bytes()
    assert main(["synth", str(made), *arguments(motion)]) == 0
    assert gone.read_bytes() == content
    assert (made / "manifest.csv").read_bytes() == table
    assert "1 clips of 18, 17 kept" in capsys.readouterr().err


def test_a_longer_set_keeps_the_clips_of_a_shorter_one(made, motion):
    longer = planned(motion, clips=7)
    assert len(dataset.missing(made, longer, False)) == len(longer) - 18
    splits = {clip.path: clip.split for clip in longer}
    assert all(splits[clip.path] == clip.split for clip in planned(motion))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"seed": 3}, "was made with seed "),
        ({"seconds": 1.0}, "was made with seconds 0.5, not 1.0"),
    ],
)
def test_clips_of_other_parameters_are_not_mixed_in(made, motion, change, said):
    wanted = planned(motion, **change)
    with pytest.raises(UsageError, match=said) as raised:
        dataset.missing(made, wanted, replace=False)
    assert "0000.mp4" in str(raised.value) and "--force" in str(raised.value)
    assert dataset.missing(made, wanted, replace=True) == wanted


def test_other_captures_make_another_set(made, tmp_path):
    other = small_set(tmp_path / "other")
    table = other / "clips.csv"
    table.write_text(table.read_text().replace("a_walk,walk", "a_walk,jog"))
    with pytest.raises(UsageError, match="was made with captures "):
        dataset.missing(made, planned(other), replace=False)


def test_a_clip_of_the_drawn_set_is_not_overwritten(motion, tmp_path, capsys):
    foreign = tmp_path / "clips" / "walk" / "0000.mp4"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"mine")
    write_bodies(tmp_path / "bodies.npz")
    assert main(["synth", str(tmp_path), *arguments(motion)]) == 2
    assert "0000.mp4: was not made by this command with --bodies" in capsys.readouterr().err
    assert foreign.read_bytes() == b"mine"


def test_photographs_become_the_background(motion, tmp_path):
    album = tmp_path / "album"
    album.mkdir()
    for number in range(4):
        cv2.imwrite(str(album / f"{number}.png"), np.full((300, 400, 3), 60 * number, np.uint8))
    clips = planned(motion, photographs=album)
    used = {}
    for clip in clips:
        used.setdefault(clip.photograph.sha256, set()).add(clip.split)
    assert all(len(splits) == 1 for splits in used.values())
    out = tmp_path / "set"
    write_bodies(tmp_path / "bodies.npz")
    out.mkdir()
    (tmp_path / "bodies.npz").rename(out / "bodies.npz")
    dataset.make_clip(out, clips[0])
    with av.open(str(out / clips[0].path)) as container:
        comment = json.loads(container.metadata["comment"])
    assert comment["photograph"] == clips[0].photograph.sha256
    assert comment["choices"]["place"] == "photograph"


def test_mistakes_are_named(motion, tmp_path, capsys):
    def refusal(*given):
        assert main(["synth", str(tmp_path / "set"), *given]) == 2
        return capsys.readouterr().err

    assert "has no captured motion" in refusal("--bodies", str(tmp_path))
    assert "--pictures does not go with --bodies" in refusal(
        "--bodies", str(motion), "--pictures", "40"
    )
    assert "--seconds needs --bodies" in refusal("--seconds", "3")
    assert "--size needs --bodies" in refusal("--size", "128x96")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "bodies.npz").write_bytes(b"torn")
    assert main(["synth", str(broken), *arguments(motion)]) == 2
    assert "bodies.npz: is not a file of bodies" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["synth", str(tmp_path / "set"), "--seconds", "0"])
    assert "0 is not a number of seconds from 0.5 to 60" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()


def test_encoders_that_are_not_there_are_named(motion, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"libx264", "mpeg4", "mjpeg"})
    with pytest.raises(UsageError, match="this PyAV has no libx265"):
        planned(motion)
