"""Paths of the repository and of the real streams, which are not part of it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FIGHT_TTP = str(ROOT / "engines" / "packs" / "fight-ttp")  # all networks, whole pictures
SHARED_MEDIA = Path(os.environ.get("EDGE_ATTP_MEDIA", str(ROOT.parent / "shared" / "media")))
