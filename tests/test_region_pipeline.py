"""The pipeline where regions are scored, with stand-ins for source and finder and a model worked out by hand."""

import threading
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from doubles import tiny_pack
from doubles.fake_video import FakeVideo, Residual
from doubles.recorder import Recorder, Watcher, no_threads_left
from edge_attp.engine import load_pack, open_backend
from edge_attp.errors import UnsupportedStream
from edge_attp.pipeline import (
    EVERY_GOP,
    Job,
    Options,
    Session,
    Stream,
    networks,
    reader,
    scorer,
    views,
)
from edge_attp.recognition import Thresholds
from edge_attp.regions import Found
from edge_attp.types import Region

pytestmark = pytest.mark.needs_onnx

TILE, COLUMNS, ROWS = 16, 4, 2
TILES = COLUMNS * ROWS
BACKGROUND = "residual"


def tiles(unit, value):
    """An array of (rows, columns) with value(tile) in each tile, its samples `unit` luma samples wide."""
    numbers = np.array([value(tile) for tile in range(TILES)]).reshape(ROWS, COLUMNS)
    return np.kron(numbers, np.ones((TILE // unit, TILE // unit)))


def key_sample(index, tile):
    return 5 * index + 10 * tile + 5


def flow_px(index, tile):
    return 0.05 * index * (tile + 1)


def residual_sample(index, tile):
    return 2 * index + 3 * tile


class Motion:
    def __init__(self, index):
        plane = tiles(4, lambda tile: flow_px(index, tile)).astype(np.float32)
        self._flow = np.stack([plane, plane])

    def flow(self):
        return self._flow


class TiledVideo(FakeVideo):
    """Each tile of a picture has its own constant content. decoded: key pictures that were, by decode_index."""

    width, height = COLUMNS * TILE, ROWS * TILE

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.decoded = []

    def _pictures(self):
        for picture in super()._pictures():
            index = picture.decode_index
            picture.shape = self.height, self.width
            picture.motion = Motion(index)
            luma = tiles(1, lambda tile, index=index: residual_sample(index, tile)).astype(np.int16)
            chroma = np.zeros((self.height // 2, self.width // 2), np.int16)
            picture.residual = Residual(luma, chroma, chroma)
            yield picture

    def _rgb(self, picture):
        index = picture.decode_index
        self.decoded.append(index)
        plane = tiles(1, lambda tile: key_sample(index, tile)).astype(np.uint8)
        return np.repeat(plane[:, :, None], 3, axis=2)


def at(tile, number=0):
    """The region of a tile."""
    x, y = tile % COLUMNS * TILE, tile // COLUMNS * TILE
    return Region(number, x, y, TILE, (x + 1, y + 2, x + 3, y + 4), 0.25)


class FakeFinder:
    """Finds what the script says of each decode_index, nothing where it says nothing."""

    def __init__(self, script, *size, **options):
        self._script, self._most = script, options["max_regions"]
        self.size, self.seen = size, []

    def add_picture(self, picture):
        self.seen.append(picture.decode_index)
        return Found(tuple(self._script.get(picture.decode_index, ())[: self._most]), None)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "tiny"
    return load_pack(tiny_pack.write(folder, view="region", background=[BACKGROUND]))


@pytest.fixture
def run(monkeypatch, pack):
    """run(video, script, **options): a recorder of what a session made of it."""

    def run(video, script, observers=(), batch=1, pack=pack, **options):
        run.finders = []

        def new_finder(*size, **how):
            run.finders.append(FakeFinder(script, *size, **how))
            return run.finders[-1]

        monkeypatch.setattr(reader, "CompressedVideo", video.open)
        monkeypatch.setattr(views, "RegionFinder", new_finder)
        recorder = Recorder()
        run.session = Session(pack, pack and open_backend(threads=1), batch)
        job = Job("fake", lambda: [recorder], Options(**options), observers=observers)
        run.stream = run.session.submit(job)
        run.session.run()
        if run.stream.error is not None:
            raise run.stream.error
        return recorder

    yield run
    assert no_threads_left()


def scores(index, tile, key, key_tile, other=None, other_tile=None):
    """What the tiny model says of a tile of picture `index`, with the appearance of key_tile in key picture `key` and
    of other_tile in `other`, by default the same."""
    first = key_sample(key, key_tile)
    second = first if other is None else key_sample(other, other_tile)
    flow = flow_px(index, tile) * 10 / TILE
    return tiny_pack.expected((first, second), flow, residual_sample(index, tile))


def check(recorder, expected):
    """expected: {decode_index: scores of each region}; all other pictures have none."""
    found = {r.decode_index: r.regions for r in recorder.results if r.regions and not r.is_idle}
    assert sorted(found) == sorted(expected)
    for index, regions in expected.items():
        assert len(found[index]) == len(regions)
        for scored, values in zip(found[index], regions):
            np.testing.assert_allclose(scored.logits, values, rtol=1e-4, err_msg=str(index))


def idle(recorder):
    return [r.decode_index for r in recorder.results if r.is_idle]


def everywhere(pictures, *regions):
    return dict.fromkeys(range(pictures), regions)


def test_only_the_region_is_scored(run):
    recorder = run(TiledVideo("KPP"), everywhere(3, at(6)))
    check(recorder, {1: [scores(1, 6, 0, 6)], 2: [scores(2, 6, 0, 6)]})
    scored = recorder.results[1].decisive
    assert scored.region == at(6) and recorder.header.regions == 1
    assert run.finders[0].size == (64, 32, 8, Fraction(25)) and run.finders[0].seen == [0, 1, 2]


def test_the_pack_says_whether_regions_are_scored(run, pack):
    whole = pack._replace(view="whole")
    assert run(TiledVideo("KP"), everywhere(2, at(1))).results[1].decisive.region == at(1)
    assert (
        run(TiledVideo("KP"), everywhere(2, at(1)), pack=whole).results[1].decisive.region is None
    )
    assert not run.finders
    recorder = run(TiledVideo("KP"), everywhere(2, at(1)), pack=whole, regions=2)
    assert recorder.results[1].decisive.region == at(1)
    assert run(TiledVideo("KP"), everywhere(2, at(1)), regions=0).results[1].decisive.region is None


def test_where_nothing_moves_no_network_runs(run, monkeypatch):
    for name in ("start_appearance", "start_motion"):
        monkeypatch.setattr(networks.Networks, name, None)
    video = TiledVideo("KPBBKPBB")
    recorder = run(video, {})
    assert idle(recorder) == [1, 2, 3, 5, 6, 7] and video.decoded == []
    for result in recorder.results:
        if result.is_idle:
            assert result.decisive.region is None
            np.testing.assert_array_equal(result.decisive.probabilities, [0, 0, 1])
    verdict = recorder.verdict
    np.testing.assert_array_equal(verdict.scores.probabilities, [0, 0, 1])
    assert (verdict.pictures, verdict.scored, verdict.idle, verdict.gops) == (8, 0, 6, 0)
    assert (run.stream.status.scored, run.stream.status.idle) == (0, 6)
    assert run.stream.status.last_scored_s is not None


def test_without_a_background_label_idle_pictures_have_no_scores(run, pack):
    recorder = run(TiledVideo("KPP"), {}, pack=pack._replace(background=()))
    assert idle(recorder) == [1, 2] and recorder.verdict.scores is None
    assert all(result.decisive is None for result in recorder.results)


def test_the_verdict_is_the_mean_of_what_was_scored(run):
    recorder = run(TiledVideo("KPPKP"), {1: [at(2)], 4: [at(2)]})
    assert idle(recorder) == [2] and recorder.verdict.scored == 2
    mean = (scores(1, 2, 0, 2) + scores(4, 2, 3, 2, 0, 2)) / 2
    np.testing.assert_allclose(recorder.verdict.scores.logits, mean, rtol=1e-4)


def test_a_region_takes_its_own_appearance_of_the_previous_key_picture(run):
    """Region 7 is new in the second GOP, region 0 was in the first."""
    script = {1: [at(0)], 3: [at(0), at(5, 7)], 5: [at(5, 7)]}
    recorder = run(TiledVideo("KPKPKP"), script, regions=2)
    both = [scores(3, 0, 2, 0, 0, 0), scores(3, 5, 2, 5)]
    check(recorder, {1: [scores(1, 0, 0, 0)], 3: both[::-1], 5: [scores(5, 5, 4, 5, 2, 5)]})


def test_a_window_that_moves_gets_a_new_appearance(run):
    script = {1: [at(0)], 2: [at(1)], 4: [at(1)], 5: [at(2)]}
    recorder = run(TiledVideo("KPPKPP"), script)
    expected = {
        1: [scores(1, 0, 0, 0)],
        2: [scores(2, 1, 0, 1)],
        4: [scores(4, 1, 3, 1, 0, 1)],
        5: [scores(5, 2, 3, 2, 0, 1)],
    }
    check(recorder, expected)
    assert run.stream.status.clock.totals()["appearance"].runs == 4


def test_but_not_without_end(run):
    """After three more the appearance stays, until the next GOP."""
    script = {index: [at(index % TILES)] for index in range(12)}
    recorder = run(TiledVideo("KPPPPPPKPPP"), script)
    expected = {index: [scores(index, index, 0, min(index, 4))] for index in range(1, 7)}
    for index in (8, 9, 10):
        expected[index] = [scores(index, index % TILES, 7, index % TILES, 0, 4)]
    check(recorder, expected)
    assert run.stream.status.clock.totals()["appearance"].runs == 4 + 3


@pytest.mark.parametrize("pictures_away, is_known", [(25, True), (26, False)])
def test_a_region_that_was_away_for_long_is_new(run, pictures_away, is_known):
    pattern = "KPK" + "P" * (pictures_away - 1)
    last = len(pattern) - 1
    recorder = run(TiledVideo(pattern), {1: [at(3)], last: [at(3)]})
    other = (0, 3) if is_known else ()
    check(recorder, {1: [scores(1, 3, 0, 3)], last: [scores(last, 3, 2, 3, *other)]})


def test_a_region_is_not_forgotten_while_it_is_only_not_scored(run):
    recorder = run(TiledVideo("KPK" + "P" * 40), everywhere(50, at(3)), every=39)
    check(
        recorder,
        {
            1: [scores(1, 3, 0, 3)],
            3: [scores(3, 3, 2, 3, 0, 3)],
            42: [scores(42, 3, 2, 3, 0, 3)],
        },
    )


def test_states_of_regions_that_vanished_are_dropped(run, monkeypatch):
    alive, most = [0], [0]

    class Counted(views.GopState):
        def __init__(self, wait):
            super().__init__(wait)
            alive[0] += 1
            most[0] = max(most[0], alive[0])

        def __del__(self):
            alive[0] -= 1

    monkeypatch.setattr(views, "GopState", Counted)
    script = {index: [at(0, index)] for index in range(400)}
    recorder = run(TiledVideo("K" + "P" * 399), script, overlap=False)
    assert len(recorder.results) == 400 and most[0] < 60


def test_key_pictures_are_decoded_where_something_moves(run):
    script = {4: [at(0)], 5: [at(1)]}
    video = TiledVideo("KPKPPPKP")
    recorder = run(video, script)
    check(recorder, {4: [scores(4, 0, 2, 0)], 5: [scores(5, 1, 2, 1)]})
    assert video.decoded == [2]
    watched, watcher = TiledVideo("KPKPPPKP"), Watcher()
    assert same(run(watched, script, observers=[watcher]), recorder)
    assert watched.decoded == [0, 2, 6] and [index for index, _ in watcher.seen] == list(range(8))


def test_a_broken_key_picture_leaves_the_one_before(run):
    for observers in ([], [Watcher()]):
        video = TiledVideo("KPKPP", broken_keys=[2])
        recorder = run(video, everywhere(5, at(1)), observers=observers)
        check(recorder, {i: [scores(i, 1, 0, 1)] for i in (1, 3, 4)})


def test_without_any_key_picture_nothing_is_scored(run):
    recorder = run(TiledVideo("KPP", broken_keys=[0]), everywhere(3, at(1)))
    check(recorder, {})
    assert not idle(recorder) and recorder.verdict.scores is None


def test_damaged_pictures_and_those_before_a_key_picture_are_not_scored_but_seen(run):
    recorder = run(TiledVideo("PPKPDP"), everywhere(6, at(1)))
    check(recorder, {i: [scores(i, 1, 2, 1)] for i in (3, 5)})
    assert run.finders[0].seen == list(range(6)) and not idle(recorder)
    assert idle(run(TiledVideo("PPKPDP"), {})) == [3, 5]


@pytest.mark.parametrize("every, chosen", [(3, [1, 4, 7]), (EVERY_GOP, [1, 13])])
def test_sampling_still_parses_everything(run, every, chosen):
    video = TiledVideo("K" + "P" * chosen[-1])
    recorder = run(video, everywhere(20, at(4)), every=every)
    check(recorder, {i: [scores(i, 4, 0, 4)] for i in chosen})
    assert not video.sampled and run.finders[0].seen == list(range(chosen[-1] + 1))
    assert idle(run(TiledVideo("K" + "P" * chosen[-1]), {}, every=every)) == chosen


def test_the_limit_holds(run):
    recorder = run(TiledVideo("KPPPP"), everywhere(5, at(4)), limit=3)
    check(recorder, {i: [scores(i, 4, 0, 4)] for i in (1, 2)})
    assert run.finders[0].seen == [0, 1, 2]


def test_no_picture_waits_for_the_second_key_picture(run):
    recorder = run(TiledVideo("KPKP"), everywhere(4, at(0)), wait=True)
    check(recorder, {1: [scores(1, 0, 0, 0)], 3: [scores(3, 0, 2, 0, 0, 0)]})


def test_the_region_with_the_strongest_label_speaks_for_the_picture(run):
    """The background label, the residual's, rises with the tile as the others do, and faster."""
    recorder = run(TiledVideo("KPP"), everywhere(3, at(7, 1), at(0, 2), at(3, 3)), regions=3)
    for result in recorder.results[1:]:
        best = [scored.probabilities[:2].max() for scored in result.regions]
        assert best[0] == max(best) and result.decisive is result.regions[0]
        others = [scored.region.id for scored in result.regions[1:]]
        assert others == sorted(others) and len(result.regions) == 3


def test_events_say_where(run, pack):
    low = Thresholds(0.01, 0.01, 0.0)
    events = run(TiledVideo("KPP"), everywhere(3, at(6)), thresholds=low).events
    assert {event.box for event in events} == {at(6).box}
    whole = run(TiledVideo("KPP"), {}, thresholds=low, regions=0).events
    assert {event.box for event in whole} == {None}


def test_events_start_where_the_pack_says(run, pack):
    """0.6 is never reached; the user's word comes before the pack's."""
    script = {index: [at(6)] for index in range(1, 30)}
    video = "K" + "P" * 29
    peak = max(r.smoothed[0] for r in run(TiledVideo(video), script).results if r.regions)
    assert 0.3 < peak < 0.6

    def events(start, user=None):
        learned = pack._replace(thresholds={"appearance": start})
        found = run(TiledVideo(video), script, pack=learned, thresholds=Thresholds(start=user))
        assert found.header.thresholds == {"appearance": start}
        return [event.label for event in found.events].count("appearance")

    assert events(start=peak - 0.01) == 1 and events(start=peak + 0.01) == 0
    assert events(start=peak - 0.01, user=0.9) == 0 and events(start=0.9, user=peak - 0.01) == 1


def test_idle_pictures_end_events(run, pack):
    script = {index: [at(6)] for index in range(1, 10)}
    for one in (pack, pack._replace(background=())):
        thresholds = Thresholds(0.3, 0.2, 0.0)
        recorder = run(TiledVideo("K" + "P" * 60), script, thresholds=thresholds, pack=one)
        first = next(event for event in recorder.events if event.label == "appearance")
        assert 9 / 25 < first.end_s < 1.5


def same(one, other):
    assert len(one.results) == len(other.results)
    for first, second in zip(one.results, other.results):
        assert first.decode_index == second.decode_index and first.is_idle == second.is_idle
        assert len(first.regions) == len(second.regions)
        for left, right in zip(first.regions, second.regions):
            assert left.region == right.region
            np.testing.assert_allclose(left.logits, right.logits, rtol=1e-6)
    return True


BUSY_PATTERN = "KPBBPBBKPBBPBBPPPP"
BUSY = {
    index: [at((index + n) // 3 % TILES, n) for n in range(index % 4)]
    for index in range(len(BUSY_PATTERN))
}


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_results_do_not_depend_on_batch_and_threads(run, batch, overlap):
    expected = run(TiledVideo(BUSY_PATTERN), BUSY, regions=3)
    recorder = run(TiledVideo(BUSY_PATTERN), BUSY, regions=3, batch=batch, overlap=overlap)
    assert same(recorder, expected)
    assert idle(recorder) == [4, 8, 12, 16] and recorder.verdict.scored == 12
    assert run.stream.status.clock.totals()["motion"].runs == sum(
        len(BUSY[i]) for i, letter in enumerate(BUSY_PATTERN) if letter != "K"
    )


@pytest.mark.parametrize("batch", [1, 4])
def test_streams_side_by_side_give_what_each_gives_alone(run, monkeypatch, pack, batch):
    patterns = {"a": BUSY_PATTERN, "b": "KPPPPKPPPP", "c": "PKP", "d": "KK"}
    alone = {name: run(TiledVideo(p), BUSY, regions=2) for name, p in patterns.items()}
    videos = {name: TiledVideo(p) for name, p in patterns.items()}
    monkeypatch.setattr(
        reader, "CompressedVideo", lambda source, **o: videos[source].open(source, **o)
    )
    recorders = {name: Recorder() for name in patterns}
    session = Session(pack, open_backend(threads=1), batch)
    for name in patterns:
        session.submit(Job(name, lambda name=name: [recorders[name]], Options(regions=2)))
    session.run()
    for name, recorder in recorders.items():
        assert same(recorder, alone[name])


def test_buffers_come_back(run, monkeypatch):
    out, most, made, lock = Counter(), Counter(), [], threading.Lock()
    load = networks._load

    def counted(backend, pack, name, batch):
        pool = load(backend, pack, name, batch)
        take, give, allocate = pool.take_buffers, pool.return_buffers, pool.graph.allocate_buffers

        def taken():
            with lock:
                out[name] += 1
                most[name] = max(most[name], out[name])
            return take()

        def given(buffers):
            with lock:
                out[name] -= 1
            give(buffers)

        def allocated():
            with lock:
                made.append(name)
            return allocate()

        monkeypatch.setattr(pool, "take_buffers", taken)
        monkeypatch.setattr(pool, "return_buffers", given)
        monkeypatch.setattr(pool.graph, "allocate_buffers", allocated)
        return pool

    monkeypatch.setattr(networks, "_load", counted)
    regions = [at(0, 0), at(1, 1), at(2, 2)]
    run(TiledVideo("K" + "P" * 300), everywhere(400, *regions), regions=3)
    assert out["motion"] == out["appearance"] == 0
    # How often buffers are made depends on how the threads meet; how many are out at once does not.
    pictures = networks.QUEUED_PICTURES + scorer.LOOK_AHEAD + 2
    assert most["motion"] <= pictures * len(regions) and most["appearance"] <= pictures
    assert made.count("motion") < 300 and made.count("appearance") < 30


def test_a_stream_that_changes_its_size_gets_a_new_finder(run):
    class Changing(TiledVideo):
        def _pictures(self):
            for picture in super()._pictures():
                if picture.decode_index > 2:
                    picture.shape = self.height, self.width - TILE
                yield picture

    run(Changing("KPPPP"), {})
    assert [finder.size[:2] for finder in run.finders] == [(64, 32), (48, 32)]
    assert [finder.seen for finder in run.finders] == [[0, 1, 2], [3, 4]]


def test_tiny_pictures_are_refused(run):
    class Tiny(TiledVideo):
        def _pictures(self):
            for picture in super()._pictures():
                picture.shape = 12, 64
                yield picture

    with pytest.raises(UnsupportedStream, match="64x12: use --regions off"):
        run(Tiny("KP"), {})


def test_regions_are_a_stage_of_their_own(run):
    run(TiledVideo("KPP"), everywhere(3, at(0)))
    assert run.stream.status.clock.totals()["regions"].runs == 3


def test_without_a_pack_motion_is_the_answer(run):
    script = {1: [at(5)], 2: [at(5), at(0, 1)]}
    video = TiledVideo("KPPP", broken_keys=[0])
    recorder = run(video, script, pack=None, regions=2)
    assert recorder.header.labels == ("motion",) and video.decoded == []
    assert idle(recorder) == [3] and recorder.verdict.scored == 2
    width, height = 64, 32
    density = at(5).activity * width * height / (2 * 2)  # of the box, which is unusually small
    assert density > 1 and recorder.results[1].decisive.probabilities == pytest.approx([1.0])
    assert [scored.region.id for scored in recorder.results[2].regions] == [0, 1]
    assert recorder.results[3].decisive is None
    assert run.stream.status.scored == 2 and run.stream.status.idle == 1


@pytest.mark.parametrize("density", [1e-9, 0.02, 0.1, 0.3, 1.2])
def test_the_score_of_motion(run, density):
    region = at(0)._replace(box=(0, 0, 16, 16), activity=density * 16 * 16 / (64 * 32))
    recorder = run(TiledVideo("KP"), {1: [region]}, pack=None)
    expected = 1 - np.exp(-10 * density)
    assert recorder.results[1].decisive.probabilities == pytest.approx([expected], abs=2e-5)


def test_motion_becomes_events_that_end(run):
    region = at(2)._replace(box=(32, 0, 48, 16), activity=0.3 * 16 * 16 / (64 * 32))
    script = dict.fromkeys(range(1, 20), [region])
    (event,) = run(TiledVideo("K" + "P" * 80), script, pack=None).events
    assert event.label == "motion" and event.box == region.box
    assert event.start_s == pytest.approx(0.04) and 0.8 < event.end_s < 1.6


def test_a_quiet_stream_leaves_turns_to_others(run, monkeypatch, pack):
    """However many pictures of it are ready, a busy stream is asked between them."""
    asked, next_scoring = [], Stream.next_scoring

    def noted(self):
        asked.append((self.name, self.status.pictures))
        return next_scoring(self)

    monkeypatch.setattr(Stream, "next_scoring", noted)
    run(TiledVideo("K" + "P" * 300), {}, overlap=False)
    assert len(asked) > 300 / networks.QUEUED_PICTURES
