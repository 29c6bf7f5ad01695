"""A picture as a short string: two pictures with the same digest are the same, byte for byte.

Run as a script, `digest.py FILE...` reads each file as a hostile one and prints one JSON line for it. The tests run
that in a process of its own, so that a crash, a hang or a memory bomb is a result and not the end of the test run.
"""

import hashlib
import json
import sys

import numpy as np


def digest(picture, order=None):
    """Hash of all arrays of a picture.

    order: POC by decode_index, of this picture's references. With it, references count as POC and flow() is left out,
    so that the digest is the same after earlier pictures were lost. Without it everything counts as it is.
    """
    motion, residual = picture.motion, picture.residual
    arrays = [motion.mv, motion.mode]
    arrays += (
        [motion.reference, motion.flow()] if order is None else [_as_poc(motion.reference, order)]
    )
    if motion.weights is not None:
        weights = motion.weights
        arrays += [weights.weight, weights.offset, weights.cb_weight, weights.cb_offset]
        arrays += [weights.cr_weight, weights.cr_offset]
    if residual is not None:
        arrays += [residual.y, residual.u, residual.v]
    value = hashlib.sha1(repr((picture.kind, picture.poc, picture.is_reference)).encode())
    for array in arrays:
        value.update(repr((array.shape, str(array.dtype))).encode())
        value.update(array.tobytes())
    return value.hexdigest()


def _as_poc(reference, order):
    """References as POC; those that are not used or were never received as numbers that no POC is."""
    out = np.full(reference.shape, -(1 << 40), np.int64)
    for index in np.unique(reference[reference != -1]):
        out[reference == index] = order.get(int(index), -(1 << 41))
    return out


def summary(path, **options):
    """What came out of one file.

    {"pictures": [[digest, integrity, damage, is_random_access], ...], "error": [class, message] or None}
    """
    from edge_attp.bitstream import CompressedVideo
    from edge_attp.errors import EdgeAttpError

    pictures, order, error = [], {}, None
    try:
        with CompressedVideo(path, **options) as video:
            for picture in video:
                order[picture.decode_index] = picture.poc
                value = digest(picture, order)
                pictures.append(
                    [value, picture.integrity, picture.damage, picture.is_random_access]
                )
    except EdgeAttpError as problem:
        error = [type(problem).__name__, str(problem)]
    return {"pictures": pictures, "error": error}


def main(paths):
    """Prints each file's name before opening it: after a crash the last line names the culprit.

    Each file is read twice, with one thread and with three, which must not make a difference.
    """
    for path in paths:
        print(json.dumps({"file": path}), flush=True)
        result = summary(path)
        result["same_with_threads"] = summary(path, threads=3) == result
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
