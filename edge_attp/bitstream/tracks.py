"""Which of the video tracks of a container is read: the one place that decides."""

from typing import Any, List, Optional

from edge_attp.bitstream import pyav
from edge_attp.errors import SourceError, UnsupportedStream
from edge_attp.types import VideoTrack


def chosen(opened: Any, wanted: Optional[int], name: str) -> int:
    """Number of the video track to read, counted from 0 among those of the container: `wanted`, or what
    FFmpeg calls the best one. Cover pictures and thumbnails are no choice of ours.

    SourceError: there is no such track, or none at all. UnsupportedStream: a still image in tiles.
    """
    streams = list(opened.streams.video)
    if wanted is not None:
        if not 0 <= wanted < len(streams):
            raise SourceError(f"{name}: has no video track {wanted}: {listed(tracks(opened))}")
        return wanted
    videos = [stream for stream in streams if not pyav.is_cover_art(stream)]
    if not videos:
        raise SourceError(f"{name}: has no video stream ({_kinds(opened)})")
    moving = [stream for stream in videos if stream.frames != 1]
    tiles = [stream for stream in videos if pyav.is_tile(stream)]
    if tiles and not moving:
        raise UnsupportedStream(
            f"{name}: is a still image made of {len(tiles)} tiles (HEIC), not a video"
        )
    return streams.index(_best(opened, moving or videos))


def _best(opened: Any, candidates: List[Any]) -> Any:
    best = pyav.best_video(opened)
    return best if best in candidates else max(candidates, key=_rank)


def _rank(stream: Any) -> Any:
    """For the largest one where FFmpeg's choice is none: by disposition, then by bits a second."""
    context = stream.codec_context
    bit_rate = 0 if context is None else context.bit_rate or 0
    return pyav.is_default(stream), bit_rate


def tracks(opened: Any) -> List[VideoTrack]:
    """All video tracks of a container, in its order."""
    return [_track(stream) for stream in opened.streams.video]


def _track(stream: Any) -> VideoTrack:
    context = stream.codec_context
    codec = "unknown" if context is None else pyav.codec_name(context)
    width, height = (0, 0) if context is None else (context.width, context.height)
    is_default, is_cover = pyav.is_default(stream), pyav.is_cover_art(stream)
    return VideoTrack(codec, width, height, stream.frames, is_default, is_cover)


def listed(found: List[VideoTrack]) -> str:
    """For people: "it has 0 (mjpeg 32x32, 1 picture) and 1 (h264 96x64, default)"."""
    if not found:
        return "it has none"
    return "it has " + " and ".join(
        f"{number} ({described(track)})" for number, track in enumerate(found)
    )


def described(track: VideoTrack) -> str:
    parts = [f"{track.codec} {track.width}x{track.height}"]
    parts += ["1 picture"] * (track.pictures == 1)
    parts += ["cover picture"] * track.is_cover
    parts += ["default"] * track.is_default
    return ", ".join(parts)


def _kinds(opened: Any) -> str:
    kinds = sorted({stream.type or "unknown" for stream in opened.streams})
    return "only {} in it".format(", ".join(kinds)) if kinds else "no streams in it at all"
