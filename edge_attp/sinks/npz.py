"""Writes the arrays of pictures to an .npz file, one picture at a time.

`numpy.load()` reads the file. It knows pictures and zip archives, nothing else; a long video needs
no more memory than one picture does.
"""

import zipfile
from typing import Any, List, Tuple

import numpy as np

from edge_attp.bitstream import Picture
from edge_attp.errors import SourceError

__all__ = ["NpzSink"]

NO_PTS = -(2**63)
COLUMNS = ("decode_index", "poc", "pts", "kind", "is_reference", "is_random_access", "damaged")


class NpzSink:
    """A context manager: add() pictures; leaving it writes one array for each of COLUMNS.

    Picture N (its decode_index) becomes N/mv, N/reference, N/mode, N/flow and, if the picture has a
    residual, N/y, N/u and N/v, with the shapes and dtypes of Picture. pts is NO_PTS where a picture
    has none. Raises SourceError if the file cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._rows: List[Tuple[Any, ...]] = []
        try:
            self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        except OSError as error:
            raise SourceError(f"{path} cannot be written: {error.strerror}") from error

    def __enter__(self) -> "NpzSink":
        return self

    def __exit__(self, *_: Any) -> None:
        for name, values in zip(COLUMNS, zip(*self._rows)):
            self._write(name, values)
        self._zip.close()

    def add(self, picture: Picture) -> None:
        """Writes one picture's arrays."""
        motion, prefix = picture.motion, f"{picture.decode_index}/"
        for name in ("mv", "reference", "mode"):
            self._write(prefix + name, getattr(motion, name))
        self._write(prefix + "flow", motion.flow())
        if picture.residual is not None:
            for name in ("y", "u", "v"):
                self._write(prefix + name, getattr(picture.residual, name))
        pts = NO_PTS if picture.pts is None else picture.pts
        self._rows.append(
            (picture.decode_index, picture.poc, pts, picture.kind)
            + (picture.is_reference, picture.is_random_access, picture.integrity != "ok")
        )

    def _write(self, name: str, values: Any) -> None:
        with self._zip.open(name + ".npy", "w", force_zip64=True) as entry:
            np.lib.format.write_array(entry, np.ascontiguousarray(values), allow_pickle=False)
