"""What FFmpeg shows of a file, and when: the track that it chooses, without what edit lists hide."""

from typing import NamedTuple, Optional, Tuple

from truth.access_units import best_video


class Playback(NamedTuple):
    """times_s: from the first picture on, in display order, None where the file has no times or they are in disorder;
    rotation_deg: clockwise."""

    pictures: int
    times_s: Optional[Tuple[float, ...]]
    rotation_deg: int


def played(path):
    import av

    with av.open(str(path)) as container:
        stream = best_video(container)
        stream.codec_context.thread_count = 1
        frames = [
            (frame.time, frame.rotation)
            for packet in container.demux(stream)
            for frame in stream.codec_context.decode(packet)
        ]
    times_s = [time_s for time_s, _ in frames]
    return Playback(len(frames), _from_zero(times_s), -frames[0][1] % 360)


def _from_zero(times_s):
    if None in times_s or any(one >= other for one, other in zip(times_s, times_s[1:])):
        return None
    return tuple(time_s - times_s[0] for time_s in times_s)
