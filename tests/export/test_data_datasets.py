"""Clips, labels, splits and groups of folders and CSV files; mistakes in them are named."""

import json
from collections import Counter

import pytest
from data_sets import table, touch

from edge_attp.errors import UsageError
from edge_attp_export.data.datasets import SourceClip, divided, read_csv, read_folder
from edge_attp_export.data.prepared import ClipEntry

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]


def entries(dataset):
    return {clip.entry.name: clip.entry for clip in dataset.clips}


def splits(dataset):
    return {name: entry.splits["1"] for name, entry in entries(dataset).items()}


def test_the_folder_above_is_the_label(tmp_path):
    touch(tmp_path, "walk/a.mp4", "run/deep/er/b.avi", "run/notes.txt", "run/c.d.MKV")
    dataset = read_folder(tmp_path)
    found = entries(dataset)
    assert dataset.labels == ("run", "walk")
    labels = {name: entry.label for name, entry in found.items()}
    assert labels == {"walk/a": "walk", "run/deep/er/b": "run", "run/c.d": "run"}
    assert all(entry.group == name for name, entry in found.items())
    assert dataset.clips[-1] == SourceClip(tmp_path / "walk/a.mp4", found["walk/a"])


def test_folders_of_splits_are_known(tmp_path):
    touch(tmp_path, "train/walk/a.mp4", "train/run/a.mp4", "val/walk/b.mp4", "test/run/b.mp4")
    dataset = read_folder(tmp_path)
    assert dataset.labels == ("run", "walk") and dataset.notes == ()
    assert splits(dataset) == {
        "train/walk/a": "train",
        "train/run/a": "train",
        "val/walk/b": "val",
        "test/run/b": "test",
    }


def test_a_split_is_made_where_there_is_none_and_said(tmp_path):
    names = [f"{label}/{number}.mp4" for label in ("walk", "run") for number in range(10)]
    dataset = read_folder(touch(tmp_path, *names))
    made = splits(dataset)
    for label in ("walk", "run"):
        shares = Counter(split for name, split in made.items() if name.startswith(label))
        assert shares == {"train": 6, "val": 2, "test": 2}
    assert "one was made from the file names: train 12, val 4, test 4" in dataset.notes[0]
    assert splits(read_folder(tmp_path)) == made
    # At random: not the first ones by name.
    assert [split for name, split in made.items() if name.startswith("run")][:6] != ["train"] * 6


def test_a_made_split_never_parts_a_group():
    clips = [
        SourceClip(None, ClipEntry(f"{label}{k}", label, {}, f"film {k % 20}"))
        for label in ("fight", "none")
        for k in range(60)
    ]
    by_group = {}
    for _, entry in divided(clips):
        by_group.setdefault(entry.group, set()).add(entry.splits["1"])
    assert all(len(found) == 1 for found in by_group.values())
    shares = Counter(next(iter(found)) for found in by_group.values())
    assert shares == {"train": 12, "val": 4, "test": 4}


@pytest.mark.parametrize("column", ["group", "source_group"])
def test_a_csv_file_tells_labels_splits_and_groups(tmp_path, column):
    touch(tmp_path, "v/a.mp4", "v/b.mp4")
    lines = [f"label,path,{column},split,more", "one,v/a.mp4,film 1,train,x", "two,v/b.mp4,,test,y"]
    dataset = read_csv(table(tmp_path, *lines))
    assert entries(dataset) == {
        "v/a": ClipEntry("v/a", "one", {"1": "train"}, "film 1"),
        "v/b": ClipEntry("v/b", "two", {"1": "test"}, "v/b"),
    }
    assert dataset.mirror == {} and dataset.notes == ()
    assert [clip.path for clip in dataset.clips] == [tmp_path / "v/a.mp4", tmp_path / "v/b.mp4"]


def test_spreadsheets_begin_with_a_byte_order_mark(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    path = table(tmp_path, "\ufeffpath,label", "a.mp4,ä", "b.mp4,b")
    assert read_csv(path).labels == ("b", "ä")


def test_names_stay_inside_the_prepared_folder(tmp_path):
    lists = tmp_path / "lists"
    lists.mkdir()
    touch(tmp_path, "videos/a.mp4", "b.mp4")
    path = table(lists, "path,label", "../videos/a.mp4,one", f"{tmp_path}/b.mp4,two")
    names = set(entries(read_csv(path)))
    assert names == {"videos/a", (tmp_path / "b").relative_to("/").as_posix()}


def test_a_synthetic_set_brings_the_order_of_its_labels_and_its_mirror(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    lines = ["path,label,split", "a.mp4,walk left,train", "b.mp4,walk right,val", "c.mp4,b,test"]
    path = table(tmp_path, *lines)
    mirror = {"walk left": "walk right", "walk right": "walk left"}
    content = {"labels": ["walk right", "walk left", "b"], "mirror": mirror}
    (tmp_path / "synth.json").write_text(json.dumps(content))
    dataset = read_csv(path)
    assert dataset.labels == ("walk right", "walk left", "b")
    assert dataset.mirror == mirror
    (tmp_path / "synth.json").write_text(json.dumps({"labels": ["b"], "mirror": {}}))
    with pytest.raises(UsageError, match="labels missing from synth.json: walk left, walk right"):
        read_csv(path)
    (tmp_path / "synth.json").write_text("[]")
    with pytest.raises(UsageError, match="synth.json: not what `synth` writes"):
        read_csv(path)


@pytest.mark.parametrize(
    "lines, said",
    [
        (["path,class", "a.mp4,x"], "set.csv:1: no column 'label'; columns are: path, class"),
        (["path,label"], "has a header but no rows"),
        (["path,label", "a.mp4"], "set.csv:2: no label"),
        (["path,label", "a.mp4,x", ",y"], "set.csv:3: no path"),
        (
            ["path,label,split", "a.mp4,x,train", "b.mp4,y,dev"],
            "set.csv:3: split 'dev': expected one of train, val, test",
        ),
        (["path,label", "a.mp4,x", "c.mp4,y"], "1 of 2 files are missing: .*c.mp4"),
        (
            ["path,label", "a.mp4,x", "b.mp4,x"],
            "all clips are 'x'; a model needs at least two labels",
        ),
        (["path,label", "a.mp4,x", "./a.mp4,y"], "would have the same name"),
        (["path,label", "a.mp4,x", "a.avi,y"], "a.avi and .*a.mp4 would have the same name"),
    ],
)
def test_mistakes_in_a_csv_file_are_named(tmp_path, lines, said):
    touch(tmp_path, "a.mp4", "b.mp4", "a.avi")
    with pytest.raises(UsageError, match=said):
        read_csv(table(tmp_path, *lines))


def test_what_is_no_csv_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="none.csv: cannot be read: No such file"):
        read_csv(tmp_path / "none.csv")
    (tmp_path / "set.csv").write_bytes(b"path,label\n\xff\xfe,x\n")
    with pytest.raises(UsageError, match="is not a CSV file in UTF-8"):
        read_csv(tmp_path / "set.csv")
    (tmp_path / "set.csv").write_bytes(b"")
    with pytest.raises(UsageError, match="no column 'path'; columns are: none"):
        read_csv(tmp_path / "set.csv")


@pytest.mark.parametrize(
    "paths, said",
    [
        (["walk/notes.txt"], "contains no videos"),
        (["a.mp4", "walk/b.mp4"], "a.mp4: is not in a folder .*<label>"),
        (["train/a.mp4"], "a.mp4: is not in a folder .*<split>/<label>"),
        (["train/walk/a.mp4", "more/run/b.mp4"], "folder 'more': expected one of train, val, test"),
        (["walk/a.mp4", "walk/b.mp4"], "all clips are 'walk'"),
        (["walk/a.mp4", "walk/a.avi", "run/b.mp4"], "a.mp4 and .*a.avi would have the same name"),
    ],
)
def test_mistakes_in_a_folder_are_named(tmp_path, paths, said):
    with pytest.raises(UsageError, match=said):
        read_folder(touch(tmp_path, *paths))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere: is neither a folder of videos nor a CSV file"):
        read_folder(tmp_path / "nowhere")
