"""The engine cache: built engines on disk, each under all that it depends on.

An entry is one file: a line of JSON that describes it, then its bytes. It is written under a
temporary name and renamed, so a reader finds a whole entry or none, and what does not fit its own
description or the wanted key is never handed out. Nothing here knows what an engine is.
"""

import hashlib
import json
import os
import re
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Type

from edge_attp.errors import EdgeAttpError, EngineError

__all__ = ["EngineCache", "EngineKey", "Found", "Stale", "default_folder", "file_sha256"]
__all__ += ["remove_files", "stale_files"]

_FORMAT = "edge-attp-engine"
_VERSION = 1
_MOST_HEADER = 4096  # bytes
MACHINE = ("tensorrt", "gpu", "plugin")  # what of a key is the same for all engines of one machine
LEFT_BEHIND_S = 3600.0  # no build writes for so long
# Names that path(), timing_path() and _write() give.
_OURS = re.compile(
    r"(.+-[0-9a-f]{12}-trt.+-plugin[0-9a-z]+-b\d+\.engine|timing-trt.+\.cache)(\.\d+\.writing)?$"
)


class EngineKey(NamedTuple):
    """All that a built engine depends on.

    graph: sha256 of the ONNX file. gpu: architecture and number of multiprocessors ("sm_62x2"), since
    kernels are chosen by their time on them. precision: "fp16" or "fp32". plugin: sha256 of the plugin
    library, or "none". batch: the largest.
    """

    graph: str
    tensorrt: str
    gpu: str
    precision: str
    plugin: str
    batch: int


class Found(NamedTuple):
    """An entry that may be used."""

    path: str
    key: EngineKey
    data: bytes


def default_folder() -> str:
    """$EDGE_ATTP_CACHE, else edge-attp in $XDG_CACHE_HOME, else ~/.cache/edge-attp."""
    own = os.environ.get("EDGE_ATTP_CACHE")
    if own:
        return own
    shared = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(shared, "edge-attp")


def file_sha256(path: str, error: Type[EdgeAttpError] = EngineError) -> str:
    """Raises `error` if the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except OSError as reason:
        raise error(f"{path}: cannot be read: {reason.strerror}") from None
    return digest.hexdigest()


class EngineCache:
    """The entries in one folder, which is made when the first one is stored."""

    def __init__(self, folder: Optional[str] = None) -> None:
        self.folder = folder or default_folder()

    def path(self, name: str, key: EngineKey) -> str:
        """Where the engine of the graph called `name` is kept; the file name is for people."""
        parts = (name, key.graph[:12], "trt" + key.tensorrt, key.gpu, key.precision)
        last = ("plugin" + key.plugin[:8], f"b{key.batch}")
        return os.path.join(self.folder, "-".join(parts + last) + ".engine")

    def timing_path(self, key: EngineKey) -> str:
        """Where the times of kernels, which all engines of one device share, are kept."""
        return os.path.join(self.folder, f"timing-trt{key.tensorrt}-{key.gpu}.cache")

    def load(self, path: str, key: Dict[str, Any]) -> bytes:
        """The bytes of an entry. EngineError if it is missing, damaged, or of another key."""
        header, data = _split(path, _read(path))
        for name, wanted in key.items():
            if header["key"].get(name) != wanted:
                raise EngineError(
                    "{}: made for {} {}, here it is {}".format(
                        path, name, header["key"].get(name), wanted
                    )
                )
        if hashlib.sha256(data).hexdigest() != header["sha256"]:
            raise EngineError(f"{path}: cut short or damaged")
        return data

    def fault(self, path: str, key: EngineKey) -> Optional[str]:
        """Why the entry cannot be used, None if it can."""
        try:
            self.load(path, dict(key._asdict()))
        except EngineError as error:
            return str(error)
        return None

    def store(self, path: str, key: Dict[str, Any], data: bytes) -> None:
        """Writes an entry, whole or not at all. EngineError where that fails."""
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "key": key,
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        try:
            os.makedirs(self.folder, exist_ok=True)
            _write(path, json.dumps(header, sort_keys=True).encode() + b"\n" + data)
        except OSError as error:
            raise EngineError(f"{path}: cannot be written: {error.strerror}") from None

    def find(self, name: str, key: EngineKey, precisions: Tuple[str, ...]) -> Found:
        """The engine to run: of the first of `precisions` that is there, and of the smallest batch that
        is not below that of `key`, else of the largest.

        The precision of `key` does not count. EngineError says what is there instead.
        """
        wanted = dict(key._asdict())
        del wanted["precision"], wanted["batch"]
        faults: List[str] = []
        entries = [entry for entry in self._entries(name, key) if entry[1].precision in precisions]
        entries.sort(key=lambda entry: _preference(entry[1], key.batch, precisions))
        for path, own in entries:
            try:
                return Found(path, own, self.load(path, wanted))
            except EngineError as error:
                faults.append(str(error))
        raise EngineError(
            "no engine for this graph, device and software in {}{}".format(
                self.folder, "".join(f" ({fault})" for fault in faults[:1])
            )
        )

    def files(self) -> List[str]:
        """Paths of all that bears a name of ours, half written files too, in alphabetical order."""
        names = sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else []
        return [os.path.join(self.folder, name) for name in names if _OURS.match(name)]

    def key_of(self, path: str) -> EngineKey:
        """What an entry says that it was made for. EngineError if it does not say so."""
        try:
            own = EngineKey(**_split(path, _read(path, _MOST_HEADER))[0]["key"])
            return own._replace(batch=int(own.batch))
        except (TypeError, ValueError):
            raise EngineError(f"{path}: its key makes no sense") from None

    def _entries(self, name: str, key: EngineKey) -> List[Tuple[str, EngineKey]]:
        """What is there of one graph, as far as its header can be read."""
        begin = os.path.join(self.folder, f"{name}-{key.graph[:12]}-")
        found = []
        for path in self.files():
            if path.startswith(begin) and path.endswith(".engine"):
                try:
                    found.append((path, self.key_of(path)))
                except EngineError:
                    continue
        return found


def _preference(own: EngineKey, batch: int, precisions: Tuple[str, ...]) -> Any:
    is_small = own.batch < batch
    return precisions.index(own.precision), is_small, -own.batch if is_small else own.batch


def _read(path: str, size: int = -1) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror}") from None


def _split(path: str, data: bytes) -> Tuple[Dict[str, Any], bytes]:
    """The checked header of an entry, and what follows it."""
    line, _, engine = data.partition(b"\n")
    try:
        header = json.loads(line.decode())
        good = header["format"] == _FORMAT and header["version"] == _VERSION
        good = good and isinstance(header["key"], dict) and isinstance(header["sha256"], str)
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise EngineError(f"{path}: not an engine that this version of edge-attp wrote")
    return header, engine


def _write(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.writing"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


class Stale(NamedTuple):
    """A file that no key of this machine names."""

    path: str
    reason: str
    size_bytes: int


def stale_files(cache: EngineCache, here: EngineKey) -> List[Stale]:
    """here: any key of this machine. Engines of other packs are not stale: who runs them is not known."""
    found = []
    for path in cache.files():
        reason = _stale_reason(cache, path, here)
        if reason is not None:
            found.append(Stale(path, reason, os.path.getsize(path)))
    return found


def remove_files(files: List[Stale]) -> None:
    """EngineError names the first file that cannot be removed."""
    for file in files:
        try:
            os.unlink(file.path)
        except OSError as error:
            raise EngineError(f"{file.path}: cannot be removed: {error.strerror}") from None


def _stale_reason(cache: EngineCache, path: str, here: EngineKey) -> Optional[str]:
    if path.endswith(".writing"):
        is_old = time.time() - os.path.getmtime(path) > LEFT_BEHIND_S
        return "left behind by a build" if is_old else None
    if path.endswith(".cache"):
        return None if path == cache.timing_path(here) else "kernel times of another machine"
    try:
        own = cache.key_of(path)
    except EngineError:
        return "not an engine that this version of edge-attp wrote"
    for field in MACHINE:
        made_for, wanted = getattr(own, field), getattr(here, field)
        if made_for != wanted:
            return f"made for {field} {made_for}, here it is {wanted}"
    return None
