"""PyTorch checkpoints into an ATTP model: a backbone for all of its networks, or the whole."""

from __future__ import annotations

import pickle
from pathlib import Path, PurePosixPath
from typing import Union
from urllib.parse import urlsplit

import torch

from edge_attp.errors import ModelError

from .attp import ATTP
from .litenet import StateDict, load_exactly


def load_checkpoint(model: ATTP, source: Union[str, Path]) -> bool:
    """Load a state dictionary; return whether it was a whole model (True) or a backbone (False).

    source: a file, or a URL, which is fetched once and kept in PyTorch's hub folder. A backbone
    checkpoint has torchvision's names (`features.0.0.weight`) and goes into every network, first
    layers fitted to their channels; pooling and classifiers keep what they have. Raises ModelError
    with file and reason.
    """
    path = _fetched(str(source)) if "://" in str(source) else Path(source)
    state = _read(path)
    try:
        if any(key.startswith("features.") for key in state):
            for _, net in model.networks():
                net.load_backbone(state)
            return False
        load_exactly(model, state)
        return True
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _fetched(url: str) -> Path:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / PurePosixPath(urlsplit(url).path).name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            torch.hub.download_url_to_file(url, str(path))
    except (OSError, ValueError) as error:
        raise ModelError(f"{url}: cannot be fetched: {error}") from error
    return path


def _read(path: Path) -> StateDict:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ModelError(f"{path}: not a PyTorch checkpoint of plain tensors") from error
    if not isinstance(state, dict) or not all(torch.is_tensor(value) for value in state.values()):
        raise ModelError(f"{path}: holds no state dictionary (parameter names and tensors)")
    return state
