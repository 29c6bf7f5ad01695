"""PyTorch checkpoints into an ATTP model: a backbone for all three networks, or the whole."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from edge_attp.errors import ModelError

from .attp import ATTP
from .litenet import StateDict, load_exactly


def load_checkpoint(model: ATTP, path: Path) -> bool:
    """Load a state dictionary; return whether it was a whole model (True) or a backbone (False).

    A backbone checkpoint has torchvision's names (`features.0.0.weight`) and goes into LiteNet_I,
    LiteNet_MV and LiteNet_R; pooling and classifier keep what they have. Raises ModelError with
    file and reason.
    """
    state = _read(path)
    try:
        if any(key.startswith("features.") for key in state):
            for net in (model.litenet_i, model.litenet_mv, model.litenet_r):
                net.load_backbone(state)
            return False
        load_exactly(model, state)
        return True
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


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
