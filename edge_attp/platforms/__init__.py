"""Facts about the machine, and what can be computed about a TX2 without one.

`detect` says what this machine is; `tx2` holds the facts of the target and judges its settings; `roofline`
estimates from the `layers` of an ONNX file how long a graph takes there. Nothing here changes a setting or runs
a graph.
"""

from edge_attp.platforms.board import Board, Frequency, detect

__all__ = ["Board", "Frequency", "detect"]
