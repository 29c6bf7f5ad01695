"""edge_attp_export: PyTorch models for edge-attp, and the model packs made from them."""

__all__ = ["__version__"]

__version__ = "0.1.0"
