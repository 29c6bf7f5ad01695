"""FFmpeg's messages while it decodes: a witness that complains about a stream proves nothing about it."""

from contextlib import contextmanager

# Features that work but that FFmpeg's developers had no stream for.
_HARMLESS = ("not tested yet", "not yet tested")


@contextmanager
def ffmpeg_messages():
    """A list that holds, after the block, the warnings and errors that FFmpeg gave in this thread."""
    import av

    level = av.logging.get_level()
    av.logging.set_level(av.logging.WARNING)
    messages = []
    try:
        with av.logging.Capture(local=True) as log:
            yield messages
        messages += [
            text.strip()
            for severity, _, text in log
            if severity <= av.logging.WARNING and not any(words in text for words in _HARMLESS)
        ]
    finally:
        av.logging.set_level(level)
