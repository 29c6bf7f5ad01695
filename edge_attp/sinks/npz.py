"""Writes the arrays of pictures to an .npz file, one picture at a time.

`numpy.load()` reads the file. Knows pictures and zip archives, nothing else; a long video needs no more
memory than one picture does.
"""

import zipfile
from typing import List, NamedTuple

import numpy as np

from edge_attp.bitstream import Picture
from edge_attp.errors import UsageError

__all__ = ["NpzWriter"]

NO_PTS = -(2**63)


class _Row(NamedTuple):
    """One picture in the arrays that hold a value for each: their names are these."""

    decode_index: int
    poc: int
    pts: int
    kind: str
    is_reference: bool
    is_random_access: bool
    damaged: bool


class NpzWriter:
    """A context manager: add_picture() writes a picture's arrays, leaving it those of the fields of _Row.

    Picture N (its decode_index) becomes N/mv, N/reference, N/mode, N/flow and, if the picture has a
    residual, N/y, N/u and N/v, with the shapes and dtypes of Picture. Each field becomes an array with a value
    for each picture, in which pts is NO_PTS where a picture has none. Raises UsageError if the file cannot be
    written.
    """

    def __init__(self, path: str) -> None:
        self._rows: List[_Row] = []
        try:
            self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {error.strerror}") from error

    def __enter__(self) -> "NpzWriter":
        return self

    def __exit__(self, *_: object) -> None:
        for name, values in zip(_Row._fields, zip(*self._rows)):
            self._write_array(name, np.array(values))
        self._zip.close()

    def add_picture(self, picture: Picture) -> None:
        """Writes one picture's arrays."""
        motion, residual, prefix = picture.motion, picture.residual, f"{picture.decode_index}/"
        for name in ("mv", "reference", "mode"):
            self._write_array(prefix + name, getattr(motion, name))
        self._write_array(prefix + "flow", motion.flow())
        if residual is not None:
            for name in ("y", "u", "v"):
                self._write_array(prefix + name, getattr(residual, name))
        self._rows.append(
            _Row(
                decode_index=picture.decode_index,
                poc=picture.poc,
                pts=NO_PTS if picture.pts is None else picture.pts,
                kind=picture.kind,
                is_reference=picture.is_reference,
                is_random_access=picture.is_random_access,
                damaged=picture.integrity != "ok",
            )
        )

    def _write_array(self, name: str, values: np.ndarray) -> None:
        with self._zip.open(name + ".npy", "w", force_zip64=True) as entry:
            np.lib.format.write_array(entry, np.ascontiguousarray(values), allow_pickle=False)
