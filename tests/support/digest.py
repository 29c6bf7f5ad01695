"""A picture as a short string: two pictures with the same digest are the same, byte for byte.

Run as a script, `digest.py FILE...` reads each file as a hostile one and prints one JSON line for it. The tests run
that in a process of its own, so that a crash, a hang or a memory bomb is a result and not the end of the test run.
"""

import hashlib
import json
import sys


def digest(picture, threads_only=False):
    """Hash of all arrays. References count as POC, so that it is the same after pictures before it were lost.

    threads_only: references count as decode_index, and so does everything else that one decoder run determines.
    """
    motion, residual = picture.motion, picture.residual
    arrays = [motion.mv, motion.mode, motion.reference if threads_only else motion.reference != -1]
    if motion.weights is not None:
        weights = motion.weights
        arrays += [weights.weight, weights.offset, weights.cb_weight, weights.cb_offset]
        arrays += [weights.cr_weight, weights.cr_offset]
    if residual is not None:
        arrays += [residual.y, residual.u, residual.v]
    if threads_only:
        arrays.append(motion.flow())
    value = hashlib.sha1(repr((picture.kind, picture.poc, picture.is_reference)).encode())
    for array in arrays:
        value.update(repr((array.shape, str(array.dtype))).encode())
        value.update(array.tobytes())
    return value.hexdigest()


def summary(path, **options):
    """What came out of one file.

    {"pictures": [[digest, integrity, damage, is_random_access], ...], "error": [class, message] or None}
    """
    from edge_attp.bitstream import CompressedVideo
    from edge_attp.errors import EdgeAttpError

    pictures, error = [], None
    try:
        with CompressedVideo(path, **options) as video:
            for picture in video:
                pictures.append(
                    [
                        digest(picture),
                        picture.integrity,
                        picture.damage,
                        bool(picture.is_random_access),
                    ]
                )
    except EdgeAttpError as problem:
        error = [type(problem).__name__, str(problem)]
    return {"pictures": pictures, "error": error}


def main(paths):
    """Prints which file is next before it is opened: after a crash the last line names the culprit.

    Each file is read twice, with one thread and with three, which must not make a difference.
    """
    for path in paths:
        print(json.dumps({"file": path}), flush=True)
        result = summary(path)
        result["same_with_threads"] = summary(path, threads=3) == result
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
