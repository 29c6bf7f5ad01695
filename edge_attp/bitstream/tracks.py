"""Chooses which of a container's video tracks is read; nothing else decides this."""

from typing import List, Optional, Tuple

from edge_attp.bitstream import pyav
from edge_attp.bitstream.pyav import InputContainer, Stream
from edge_attp.errors import SourceError, UnsupportedStream
from edge_attp.types import VideoTrack


def choose_track(container: InputContainer, wanted: Optional[int], name: str) -> int:
    """Number of the video track to read, counted from 0: `wanted`, or the one that FFmpeg calls the best.
    Cover pictures and thumbnails are never chosen by default.

    SourceError: there is no such track, or none at all. UnsupportedStream: a still image in tiles.
    """
    streams = list(container.streams.video)
    if wanted is not None:
        if not 0 <= wanted < len(streams):
            raise SourceError(
                f"{name}: has no video track {wanted}: {_describe_all(list_tracks(container))}"
            )
        return wanted
    videos = [stream for stream in streams if not pyav.is_cover_art(stream)]
    if not videos:
        raise SourceError(f"{name}: has no video stream ({_describe_kinds(container)})")
    moving = [stream for stream in videos if stream.frames != 1]
    tiles = [stream for stream in videos if pyav.is_tile(stream)]
    if tiles and not moving:
        raise UnsupportedStream(
            f"{name}: is a still image made of {len(tiles)} tiles (HEIC), not a video"
        )
    return streams.index(_best(container, moving or videos))


def _best(container: InputContainer, candidates: List[Stream]) -> Stream:
    best = pyav.find_best_video(container)
    return best if best in candidates else max(candidates, key=_rank)


def _rank(stream: Stream) -> Tuple[bool, int]:
    """Where FFmpeg makes no choice: by disposition, then by bit rate."""
    context = stream.codec_context
    bit_rate = 0 if context is None else context.bit_rate or 0
    return pyav.is_default(stream), bit_rate


def list_tracks(container: InputContainer) -> List[VideoTrack]:
    """All video tracks of a container, in its order."""
    return [_track(stream) for stream in container.streams.video]


def _track(stream: Stream) -> VideoTrack:
    context = stream.codec_context
    codec = "unknown" if context is None else pyav.codec_name(context)
    width, height = (0, 0) if context is None else (context.width, context.height)
    is_default, is_cover = pyav.is_default(stream), pyav.is_cover_art(stream)
    return VideoTrack(codec, width, height, stream.frames, is_default, is_cover)


def describe_track(track: VideoTrack) -> str:
    """For people: "h264 96x64, default"."""
    parts = [f"{track.codec} {track.width}x{track.height}"]
    parts += ["1 picture"] * (track.pictures == 1)
    parts += ["cover picture"] * track.is_cover
    parts += ["default"] * track.is_default
    return ", ".join(parts)


def _describe_all(tracks: List[VideoTrack]) -> str:
    """For people: "it has 0 (mjpeg 32x32, 1 picture) and 1 (h264 96x64, default)"."""
    if not tracks:
        return "it has none"
    return "it has " + " and ".join(
        f"{number} ({describe_track(track)})" for number, track in enumerate(tracks)
    )


def _describe_kinds(container: InputContainer) -> str:
    kinds = sorted({stream.type or "unknown" for stream in container.streams})
    return f"only {', '.join(kinds)} in it" if kinds else "no streams in it at all"
