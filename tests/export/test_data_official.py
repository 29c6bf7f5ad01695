"""The official lists of UCF-101 and HMDB-51: invented ones with every mistake, and the counts of the real ones."""

from collections import Counter, defaultdict

import pytest
from data_sets import table, touch

from edge_attp.errors import UsageError
from edge_attp_export.data.official import read_hmdb51, read_ucf101
from edge_attp_export.data.prepared import ClipEntry
from rigs.paths import ROOT

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

LISTS = ROOT.parent / "shared" / "data" / "splits"
real_lists = pytest.mark.skipif(not LISTS.is_dir(), reason=f"the lists are not in {LISTS}")


@pytest.fixture
def ucf(tmp_path):
    """Lists of two classes and two splits."""
    lists = tmp_path / "lists"
    lists.mkdir()
    table(lists, "1 Run\r", "2 Archery\r", name="classInd.txt")
    table(
        lists,
        "Run/v_Run_g01_c01.avi 1\r",
        "Archery/v_Archery_g01_c01.avi 2",
        name="trainlist01.txt",
    )
    table(lists, "Run/v_Run_g02_c01.avi\r", name="testlist01.txt")
    table(lists, "Run/v_Run_g02_c01.avi 1", name="trainlist02.txt")
    table(lists, "Run/v_Run_g01_c01.avi", name="testlist02.txt")
    return lists


@pytest.fixture
def hmdb(tmp_path):
    """Lists of two classes and two splits."""
    lists = tmp_path / "lists"
    lists.mkdir()
    lines = ["Film_A_(1)_run_f_cm_np1_ba_med_0.avi 1 ", "Film_A_(1)_run_u_nm_np1_ba_med_1.avi 2 "]
    table(lists, *lines, "B_run_f_cm_np1_ba_med_0.avi 0 ", name="run_test_split1.txt")
    table(lists, "Film_A_(1)_run_f_cm_np1_ba_med_0.avi 2", name="run_test_split2.txt")
    table(lists, "C_wave_f_cm_np1_ba_med_2.avi 1", name="wave_test_split1.txt")
    return lists


def test_ucf101(tmp_path, ucf):
    clips = ["Run/v_Run_g01_c01.avi", "Run/v_Run_g02_c01.mp4", "Archery/v_Archery_g01_c01.avi"]
    source = touch(tmp_path / "UCF-101", *clips, "Run/v_Run_g09_c01.avi")
    dataset = read_ucf101(source, ucf)
    assert dataset.labels == ("Run", "Archery") and dataset.notes == ()
    found = {clip.entry.name: clip for clip in dataset.clips}
    assert found["Run/v_Run_g01_c01"].entry == ClipEntry(
        "Run/v_Run_g01_c01", "Run", {"1": "train", "2": "test"}, "Run/g01"
    )
    assert found["Run/v_Run_g02_c01"].path == source / "Run/v_Run_g02_c01.mp4"
    assert found["Archery/v_Archery_g01_c01"].entry.splits == {"1": "train"}
    assert len(found) == 3


def test_hmdb51(tmp_path, hmdb):
    lines = [line for path in sorted(hmdb.iterdir()) for line in path.read_text().splitlines()]
    files = {line.split()[0] for line in lines}
    source = touch(tmp_path / "hmdb", *(f"{name.split('_')[-7]}/{name}" for name in files))
    dataset = read_hmdb51(source, hmdb)
    assert dataset.labels == ("run", "wave")
    found = {clip.entry.name: clip.entry for clip in dataset.clips}
    both = found["run/Film_A_(1)_run_f_cm_np1_ba_med_0"]
    assert both.splits == {"1": "train", "2": "test"}
    other = found["run/Film_A_(1)_run_u_nm_np1_ba_med_1"]
    assert other.splits == {"1": "test"} and other.group == both.group == "run/Film_A_(1)"
    assert found["wave/C_wave_f_cm_np1_ba_med_2"].group == "wave/C"
    assert len(found) == 3  # the unused clip is none of them


def test_clips_that_are_missing_are_counted_and_the_first_named(tmp_path, ucf):
    source = touch(tmp_path / "UCF-101", "Run/v_Run_g02_c01.avi")
    dataset = read_ucf101(source, ucf)
    assert [clip.entry.name for clip in dataset.clips] == ["Run/v_Run_g02_c01"]
    assert "2 clips of the lists are missing: " in dataset.notes[0]
    assert "v_Run_g01_c01" in dataset.notes[0] and "v_Archery_g01_c01" in dataset.notes[0]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match="all 3 clips of the lists are missing"):
        read_ucf101(empty, ucf)


def test_the_same_clip_in_two_containers_is_named(tmp_path, ucf):
    source = touch(tmp_path / "UCF-101", "Run/v_Run_g02_c01.avi", "Run/v_Run_g02_c01.mp4")
    with pytest.raises(UsageError, match="c01.mp4: the same clip as .*c01.avi"):
        read_ucf101(source, ucf)


@pytest.mark.parametrize(
    "file, line, said",
    [
        ("classInd.txt", "2 Run", r"classInd.txt:1: '2 Run': expected '1 <class>'"),
        ("testlist01.txt", "Swim/v_Swim_g01_c01.avi", r"testlist01.txt:1: .* expected <class>/v_"),
        ("testlist01.txt", "Run/run.avi", r"testlist01.txt:1: 'Run/run.avi': expected <class>/v_"),
        ("testlist01.txt", "Run/v_Run_g01_c01.avi", "v_Run_g01_c01 occurs twice in split 1"),
    ],
)
def test_mistakes_in_the_lists_of_ucf101_are_named(tmp_path, ucf, file, line, said):
    table(ucf, line, name=file)
    with pytest.raises(UsageError, match=said):
        read_ucf101(tmp_path, ucf)


@pytest.mark.parametrize("line", ["clip.avi 3", "clip.avi"])
def test_mistakes_in_the_lists_of_hmdb51_are_named(tmp_path, hmdb, line):
    table(hmdb, "a_run_0.avi 1", line, name="run_test_split1.txt")
    with pytest.raises(UsageError, match=f"split1.txt:2: '{line}': expected a file name and 0, 1"):
        read_hmdb51(tmp_path, hmdb)


def test_lists_that_are_not_there_are_named(tmp_path, ucf):
    with pytest.raises(UsageError, match="--splits .*nowhere: is not a folder"):
        read_hmdb51(tmp_path, tmp_path / "nowhere")
    with pytest.raises(UsageError, match="has no lists named <class>_test_splitN.txt"):
        read_hmdb51(tmp_path, ucf)
    (ucf / "classInd.txt").unlink()
    with pytest.raises(UsageError, match="classInd.txt: cannot be read"):
        read_ucf101(tmp_path, ucf)


def counts(dataset):
    return Counter(item for clip in dataset.clips for item in clip.entry.splits.items())


def parted_groups(dataset):
    """Groups with clips on both sides of a split."""
    sides = defaultdict(set)
    for clip in dataset.clips:
        for number, split in clip.entry.splits.items():
            sides[number, clip.entry.group].add(split)
    return [key for key, found in sides.items() if len(found) > 1]


def listed(lists, pattern, label):
    """Empty videos for every clip of the lists."""
    for path in sorted(lists.glob(pattern)):
        for line in path.read_text().splitlines():
            if line.strip():
                yield label(path.name, line.split()[0])


@real_lists
def test_the_real_lists_of_ucf101(tmp_path):
    lists = LISTS / "ucf101_splits"
    source = touch(tmp_path, *set(listed(lists, "t*list*.txt", lambda _, clip: clip)))
    dataset = read_ucf101(source, lists)
    assert len(dataset.labels) == 101 and len(dataset.clips) == 13320 and dataset.notes == ()
    assert counts(dataset) == {
        ("1", "train"): 9537,
        ("1", "test"): 3783,
        ("2", "train"): 9586,
        ("2", "test"): 3734,
        ("3", "train"): 9624,
        ("3", "test"): 3696,
    }
    assert parted_groups(dataset) == []


@real_lists
def test_the_real_lists_of_hmdb51(tmp_path):
    lists = LISTS / "hmdb51_splits"

    def path(name, clip):
        return f"{name.split('_test_split')[0]}/{clip}"

    dataset = read_hmdb51(touch(tmp_path, *set(listed(lists, "*.txt", path))), lists)
    assert len(dataset.labels) == 51 and dataset.notes == ()
    assert len(dataset.clips) == 6371  # of 6766: the others are in no split
    assert counts(dataset) == {
        (number, split): count
        for number in "123"
        for split, count in (("train", 3570), ("test", 1530))
    }
    assert parted_groups(dataset) == [("2", "pour/How_to")]  # two films of one title
