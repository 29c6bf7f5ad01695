"""The cache holds the parser's output, and optical flow on the same grid."""

import av
import numpy as np
import pytest
from data_sets import film

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import CorruptStream, UsageError
from edge_attp_export.b_frames import network_flow
from edge_attp_export.data.cache import Clip as Cached
from edge_attp_export.data.extract import Extraction, extract
from edge_attp_export.data.transcode import Encoder, transcode
from edge_attp_export.optical_flow import on_motion_grid
from rigs.media import Clip, encode, x264

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_cv2, pytest.mark.needs_torch]

WIDTH, HEIGHT = 98, 78  # no multiples of 4
NO_FLOW = Extraction(None)


def copy_of(folder, codec="h264", **encoder):
    source = film(folder / "a.mkv", "moving", 27, size=(98, 78))
    target = folder / f"{codec}.mp4"
    transcode(source, target, Encoder(codec, width=WIDTH, height=HEIGHT, **encoder))
    return target


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return copy_of(tmp_path_factory.mktemp("video"))


def extracted(video, folder, extraction=NO_FLOW, name="a"):
    path = folder / f"{name}.clip"
    made = extract(video, path, extraction, name)
    clip = Cached(path)
    assert made.pictures == len(clip.pictures) and made.size_bytes == path.stat().st_size
    return clip


def assert_is_what_the_parser_gives(clip, path):
    with CompressedVideo(str(path)) as parsed:
        assert (clip.width, clip.height, clip.bit_depth) == (WIDTH, HEIGHT, 8)
        keys = index = 0
        for picture in parsed:
            if picture.is_random_access:
                np.testing.assert_array_equal(clip.key(keys), parsed.decode_key(picture))
                keys += 1
                continue
            entry = (picture.kind, keys - 1, picture.decode_index)
            assert clip.pictures[index] == entry
            np.testing.assert_array_equal(clip.flow(index), network_flow(picture))
            np.testing.assert_array_equal(clip.flow(index, True), network_flow(picture, "as-p"))
            for kept, given in zip(clip.residual(index), "yuv"):
                np.testing.assert_array_equal(kept, getattr(picture.residual, given))
            index += 1
    assert (clip.gops, len(clip.pictures)) == (keys, index) == (3, 24)


def test_the_cache_is_what_the_parser_gave(video, tmp_path):
    clip = extracted(video, tmp_path)
    assert_is_what_the_parser_gives(clip, video)
    differ = [bool((clip.flow(k) != clip.flow(k, True)).any()) for k in range(24)]
    assert sum(differ) > 12  # so it matters which is which
    with pytest.raises(UsageError, match="has no optical flow"):
        clip.optical_flow(0)


def test_hevc_too(tmp_path):
    path = copy_of(tmp_path, "hevc")
    assert_is_what_the_parser_gives(extracted(path, tmp_path), path)


def test_residuals_beyond_8_bits_are_kept(tmp_path):
    """Alternating checkerboards: the residual is nearly as large as samples can be."""
    board = (np.indices((HEIGHT, WIDTH)).sum(axis=0) // 2 % 2 * 255).astype(np.uint8)
    grey = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    source = tmp_path / "boards.mkv"
    encode([(b, grey, grey) for b in (board, 255 - board) * 14][:27], source, container="mkv")
    transcode(source, tmp_path / "b.mp4", Encoder(crf=1, width=WIDTH, height=HEIGHT))
    clip = extracted(tmp_path / "b.mp4", tmp_path)
    assert max(int(abs(clip.residual(k).y).max()) for k in range(24)) > 127
    assert_is_what_the_parser_gives(clip, tmp_path / "b.mp4")


@pytest.mark.parametrize("b_pictures", [0, 3])
def test_optical_flow_is_that_from_the_picture_shown_before(clips, tmp_path, b_pictures):
    """A pan by (3, -2) pixels per picture, in every picture type, in the units of the vectors."""
    pan = Clip("pan", 192, 160, 14, velocity=(3, -2), options=x264(qp=6, keyint=1))
    path = tmp_path / "pan.mp4"
    transcode(clips.path(pan), path, Encoder(crf=10, width=192, height=160, b_pictures=b_pictures))
    clip = extracted(path, tmp_path, Extraction("dis"))
    assert {entry.kind for entry in clip.pictures} == ({"P", "B"} if b_pictures else {"P"})
    for index in range(len(clip.pictures)):
        flow = clip.optical_flow(index)
        assert flow.shape == (2, 40, 48) == clip.flow(index).shape
        middle = np.median(flow[:, 8:-8, 8:-8], axis=(1, 2))
        np.testing.assert_allclose(middle, (3, -2), atol=0.1)
        vectors = np.median(clip.flow(index)[:, 8:-8, 8:-8], axis=(1, 2))
        np.testing.assert_allclose(vectors, (3, -2), atol=0.3)


def test_the_grid_of_the_vectors_takes_the_mean_of_what_is_there():
    flow = np.arange(2 * 6 * 9, dtype=np.float32).reshape(2, 6, 9)
    grid = on_motion_grid(flow)
    assert grid.shape == (2, 2, 3) and grid.dtype == np.float32
    np.testing.assert_allclose(grid[:, 0, 0], flow[:, :4, :4].mean(axis=(1, 2)))
    np.testing.assert_allclose(grid[:, 1, 1], flow[:, 4:, 4:8].mean(axis=(1, 2)))
    np.testing.assert_allclose(grid[:, 1, 2], flow[:, 4:, 8:].mean(axis=(1, 2)))


def test_some_pictures_of_each_gop_by_lot(video, tmp_path):
    everything = extracted(video, tmp_path, Extraction("farneback"), "all")
    some = extracted(video, tmp_path, Extraction("farneback", 2), "some")
    again = extracted(video, tmp_path, Extraction("farneback", 2), "some")
    other = extracted(video, tmp_path, Extraction("farneback", 2), "other")
    assert [entry.gop for entry in some.pictures] == [0, 0, 1, 1, 2, 2]
    assert some.pictures == again.pictures != other.pictures
    places = {entry.decode_index: k for k, entry in enumerate(everything.pictures)}
    for index, entry in enumerate(some.pictures):
        place = places[entry.decode_index]
        assert everything.pictures[place] == entry
        for read in (Cached.flow, Cached.optical_flow, Cached.residual):
            np.testing.assert_equal(read(some, index), read(everything, place))


def test_a_damaged_copy_is_no_training_data(video, tmp_path):
    content = bytearray(video.read_bytes())
    with av.open(str(video)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][1]
        begin = packet.pos + packet.size // 2
    content[begin : begin + 12] = b"\xff" * 12
    (tmp_path / "torn.mp4").write_bytes(content)
    with pytest.raises(CorruptStream, match="torn.mp4: picture [0-9]+ is damaged"):
        extract(tmp_path / "torn.mp4", tmp_path / "torn.clip", NO_FLOW, "torn")
    assert not list(tmp_path.glob("torn.clip*"))
