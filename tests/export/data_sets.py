"""Small folders of videos for the tests of `prepare`, named like data sets, drawn as tests need."""

from rigs.media import SCENES, encode


def touch(folder, *paths):
    """Empty files instead of videos, for code that only reads names."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def film(path, scene="moving", pictures=14, seed=0, size=(64, 48), **coding):
    """A video of a few pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = SCENES[scene](*size, pictures, seed=seed)
    return encode(drawn, path, container=path.suffix[1:], **coding)


def table(folder, *lines, name="set.csv"):
    """A CSV file with these lines."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
