"""The features of the key pictures, and which two of them a picture is scored with: eq. (7)."""

from typing import Optional

import numpy as np

__all__ = ["GopState"]


class GopState:
    """Keeps U'(I) of the current key picture and of its neighbour.

    A GOP is a key picture and the pictures that follow it in decoding order. f_TP is linear in the
    key picture's features, so f_TTP(t) = f_TP(I_t + I_{t+dt}, MV_t, R_t): one addition per GOP.

    In test, dt is +1 for the first GOP and -1 for all others. The first GOP's pictures therefore wait
    for the second key picture (`is_ready` is False). Where none comes, or a live source must not
    wait, the same key picture is taken twice: f_TTP = 2 f_TP, and the factor 2 vanishes in the l2
    normalisation that follows.
    """

    def __init__(self, wait: bool = True) -> None:
        self._wait = wait
        self._number = -1
        self._features: Optional[np.ndarray] = None
        self._previous: Optional[np.ndarray] = None
        self._sum: Optional[np.ndarray] = None

    def take_features(self, gop: int, features: np.ndarray) -> None:
        """Takes the features U'(I) of the key picture that begins a GOP: any shape, copied to float32. gop: its
        number; features of the same GOP as before replace those, as where a region is cut anew.

        Until fuse_features() is called for pictures of the new GOP, those of the first one that waited
        get the right sum too: I_0 + I_1 serves GOP 0 (dt = +1) and GOP 1 (dt = -1).
        """
        if gop != self._number:
            self._number, self._previous = gop, self._features
        self._features, self._sum = np.array(features, np.float32), None
        if self._previous is not None:
            self._sum = self._previous + self._features
        elif not self._wait:
            self.stop_waiting()

    def stop_waiting(self) -> None:
        """Scores the first GOP with its own key picture alone, if it still waits for the second one."""
        if self._sum is None and self._features is not None:
            self._sum = self._features + self._features

    @property
    def has_key(self) -> bool:
        """Whether there has been a key picture."""
        return self._features is not None

    @property
    def is_ready(self) -> bool:
        """Pictures of the current GOP can be scored."""
        return self._sum is not None

    def fuse_features(self, out: np.ndarray) -> None:
        """Writes U'(I_t) + U'(I_{t+dt}) into out, of the features' shape. RuntimeError before is_ready."""
        if self._sum is None:
            raise RuntimeError("the neighbour of the first key picture is not known yet")
        out[...] = self._sum
