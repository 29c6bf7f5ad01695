"""The scoring kernel as a function of NumPy arrays, wherever it was built for."""

import ctypes

import numpy as np


class KernelLibrary:
    """Loads a library made of kernel_entry.cpp."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.score_maps.restype = ctypes.c_char_p

    def __call__(self, maps, classifier, factors, shape=None):
        """Scores (N, classes) float32 of three maps (N, d * D, K), all float16 or all float32.

        Raises ValueError with what the library says. shape: what it is told instead of the truth,
        (N, channels, K, rows of the classifier, classes).
        """
        maps = [np.ascontiguousarray(each) for each in maps]
        classifier = np.ascontiguousarray(classifier, np.float32)
        scores = np.full((len(maps[0]), classifier.shape[1]), np.nan, np.float32)
        sizes = shape or maps[0].shape + classifier.shape
        fault = self.library.score_maps(
            int(maps[0].dtype == np.float16),
            *[ctypes.c_void_p(each.ctypes.data) for each in (*maps, classifier, scores)],
            (ctypes.c_int64 * 5)(*sizes),
            factors,
        )
        if fault:
            raise ValueError(fault.decode())
        return scores
