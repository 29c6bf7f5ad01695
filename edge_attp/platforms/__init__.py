"""Facts about the machine, and what can be worked out about a TX2 without one.

`detect` says what this machine is; `tx2` holds the facts of the target and judges its settings;
`roofline` estimates how long the graphs take there, from the `layers` of an ONNX file. Nothing here
changes a setting or runs a graph.
"""

from edge_attp.platforms.board import Board, Frequency, detect

__all__ = ["Board", "Frequency", "detect"]
