"""edge_attp: action recognition in compressed video, without decoding it.

This file holds the version and nothing else, so that importing any part of the package stays cheap.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
