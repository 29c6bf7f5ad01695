"""Arrays are read-only views into native memory that stay valid as long as they are referenced. Needs no PyAV."""

import gc
import io
import resource

import numpy as np
import pytest

from edge_attp.bitstream import CompressedVideo

VIEWS = ("mv", "reference", "mode")
PLANES = ("y", "u", "v")


def all_views(picture):
    views = {name: getattr(picture.motion, name) for name in VIEWS}
    views.update({name: getattr(picture.residual, name) for name in PLANES})
    return views


def test_types_and_write_protection(written):
    with CompressedVideo(io.BytesIO(written.stream())) as video:
        picture = next(iter(video))
        views = all_views(picture)
        types = {name: view.dtype.name for name, view in views.items()}
        assert types == {
            "mv": "int16",
            "reference": "int32",
            "mode": "uint8",
            "y": "int16",
            "u": "int16",
            "v": "int16",
        }
        for view in views.values():
            assert not view.flags.owndata
            with pytest.raises(ValueError):
                view[...] = 0
            with pytest.raises(ValueError):
                view.flags.writeable = True


def test_flow_is_a_new_array_of_the_callers(written):
    with CompressedVideo(io.BytesIO(written.stream())) as video:
        motion = next(iter(video)).motion
        flow = motion.flow()
        flow += 1
        assert not motion.flow().any()


def test_asking_twice_gives_the_same_object(written):
    with CompressedVideo(io.BytesIO(written.stream())) as video:
        picture = next(iter(video))
        assert picture.motion is picture.motion
        assert picture.residual is picture.residual
        assert all(a is b for a, b in zip(all_views(picture).values(), all_views(picture).values()))


def test_views_outlive_picture_iteration_and_video(written):
    video = CompressedVideo(io.BytesIO(written.stream(gops=8)))
    pictures = iter(video)
    picture = next(pictures)
    views = all_views(picture)
    kept = {name: view.copy() for name, view in views.items()}
    del picture
    for other in pictures:  # would reuse the memory if it were free
        all_views(other)
    del other, pictures
    video.close()
    del video
    gc.collect()
    for name, view in views.items():
        np.testing.assert_array_equal(view, kept[name])


def test_a_picture_can_be_asked_after_the_video_is_gone(written):
    with CompressedVideo(io.BytesIO(written.stream(gops=1))) as video:
        pictures = list(video)
    del video
    gc.collect()
    assert (pictures[3].motion.mv[0] == (6, -4)).all()
    assert pictures[3].motion.flow().any()
    assert pictures[0].residual.y.any()


def test_no_reference_cycles(written):
    """Memory returns at once, not only when the cycle collector runs."""
    gc.collect()
    gc.disable()
    try:
        with CompressedVideo(io.BytesIO(written.stream())) as video:
            for picture in video:
                all_views(picture), picture.motion.weights
        del picture, video
        assert gc.collect() == 0
    finally:
        gc.enable()


def resident_kib():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize() // 1024


def test_memory_is_flat(written):
    """Ten times as many pictures take no more memory (640x640, 2.4 MB of arrays each, 650 MB in all)."""
    gop = written.stream(gops=1, gop=15, columns=40, rows=40)

    def most_kib(times):
        most = 0
        with CompressedVideo(io.BytesIO(gop * times)) as video:
            for picture in video:
                all_views(picture)
                most = max(most, resident_kib())
        return most

    warm = most_kib(2)
    stream_kib = 18 * len(gop) // 1024
    assert most_kib(20) - warm < stream_kib + 32768
