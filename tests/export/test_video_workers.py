"""Videos in the workers of PyTorch's DataLoader, with every start method."""

import multiprocessing

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from edge_attp.bitstream import CompressedVideo
from edge_attp.errors import EdgeAttpError
from rigs import media

pytestmark = [pytest.mark.needs_av, pytest.mark.needs_torch]

METHODS = [
    pytest.param(method, marks=[pytest.mark.slow] * (method == "forkserver"))
    for method in ("fork", "spawn", "forkserver")
    if method in multiprocessing.get_all_start_methods()
]
PICTURES = 12


def clip(clips, codec):
    encoder, options = {"h264": ("libx264", media.x264), "hevc": ("libx265", media.x265)}[codec]
    options = options(keyint=6, bframes=2)
    return clips.path(
        media.Clip("moving", 64, 48, PICTURES, codec=encoder, container="mp4", options=options)
    )


def flows(video):
    return torch.stack([torch.from_numpy(picture.motion.flow()) for picture in video])


class Videos(Dataset):
    """Items are flows: of paths, opened on access, then of open videos."""

    def __init__(self, paths, videos):
        self._paths, self._videos = paths, videos

    def __len__(self):
        return len(self._paths) + len(self._videos)

    def __getitem__(self, index):
        if index < len(self._paths):
            with CompressedVideo(self._paths[index], threads=2) as video:
                return flows(video)
        return flows(self._videos[index - len(self._paths)])


def loaded(dataset, method):
    """Loads with one worker, because starting Python and PyTorch takes long."""
    context = multiprocessing.get_context(method)
    loader = DataLoader(
        dataset, batch_size=None, num_workers=1, multiprocessing_context=context, timeout=60
    )
    return list(loader)


@pytest.fixture
def paths(clips):
    return [clip(clips, codec) for codec in ("h264", "hevc")]


@pytest.mark.parametrize("method", METHODS)
def test_workers_open_videos_while_the_parent_reads(paths, method):
    """Workers open paths, and open videos again that are sent to them."""
    expected = [Videos(paths, [])[number] for number in range(2)]
    videos = [CompressedVideo(path, threads=2) for path in paths]
    begun = [iter(video) for video in videos]
    first = [next(pictures) for pictures in begun]
    sent = videos if method != "fork" else []
    found = loaded(Videos(paths, sent), method)
    assert len(found) == 2 + len(sent)
    for number, tensor in enumerate(found):
        assert (tensor == expected[number % 2]).all()
    for picture, pictures, whole in zip(first, begun, expected):
        assert (flows([picture, *pictures]) == whole).all()


def test_videos_that_were_open_before_a_fork_are_refused(paths):
    for path in paths:
        video = CompressedVideo(path, threads=2)
        pictures = iter(video)
        first = next(pictures)
        with pytest.raises(EdgeAttpError, match="before this process was forked.*open it again"):
            loaded(Videos([], [video]), "fork")
        assert len([first, *pictures]) == PICTURES
