"""The engine cache: built engines on disk, each stored under everything that it depends on.

An entry is one file: a line of JSON that describes it, then its bytes. It is written under a temporary name and
renamed, so a reader finds a whole entry or none. An entry that does not match its own description or the wanted
key is never returned. Nothing here knows what an engine is.
"""

import hashlib
import json
import os
import re
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, Type

from edge_attp.errors import EdgeAttpError, EngineError

__all__ = ["EngineCache", "EngineKey", "Found", "Stale", "default_folder", "file_sha256"]
__all__ += ["remove_files", "stale_files"]

_FORMAT = "edge-attp-engine"
_VERSION = 1
_MOST_HEADER = 4096  # bytes
MACHINE = ("tensorrt", "gpu", "plugin")  # fields that all engines of one machine share
LEFT_BEHIND_S = 3600.0  # no build takes this long to write
# Names that engine_path(), timing_path() and _write() give.
_OURS = re.compile(
    r"(.+-[0-9a-f]{12}-trt.+-plugin[0-9a-z]+-b\d+\.engine|timing-trt.+\.cache)(\.\d+\.writing)?$"
)


class EngineKey(NamedTuple):
    """Everything that a built engine depends on.

    graph: sha256 of the ONNX file. gpu: architecture and number of multiprocessors ("sm_62x2"), because kernels
    are chosen by the time they take there. precision: "fp16" or "fp32". plugin: sha256 of the plugin library,
    or "none". batch: the largest one.
    """

    graph: str
    tensorrt: str
    gpu: str
    precision: str
    plugin: str
    batch: int


class Found(NamedTuple):
    """A usable entry."""

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
    """The sha256 of a file in hexadecimal digits. Raises `error` if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except OSError as reason:
        raise error(f"{path}: cannot be read: {reason.strerror}") from None
    return digest.hexdigest()


class EngineCache:
    """The entries in one folder, which is created when the first one is stored."""

    def __init__(self, folder: Optional[str] = None) -> None:
        self.folder = folder or default_folder()

    def engine_path(self, name: str, key: EngineKey) -> str:
        """Where the engine of the graph called `name` is stored; the file name is for people to read."""
        parts = (name, key.graph[:12], "trt" + key.tensorrt, key.gpu, key.precision)
        last = ("plugin" + key.plugin[:8], f"b{key.batch}")
        return os.path.join(self.folder, "-".join(parts + last) + ".engine")

    def timing_path(self, key: EngineKey) -> str:
        """Where the times of kernels are stored, which all engines of one device share."""
        return os.path.join(self.folder, f"timing-trt{key.tensorrt}-{key.gpu}.cache")

    def load_entry(self, path: str, key: Mapping[str, object]) -> bytes:
        """The bytes of an entry. EngineError if it is missing, damaged, or of another key."""
        header, data = _split(path, _read(path))
        for name, wanted in key.items():
            if header["key"].get(name) != wanted:
                made_for = header["key"].get(name)
                raise EngineError(f"{path}: built for {name} {made_for}, but here it is {wanted}")
        if hashlib.sha256(data).hexdigest() != header["sha256"]:
            raise EngineError(f"{path}: is cut short or damaged")
        return data

    def fault(self, path: str, key: EngineKey) -> Optional[str]:
        """Why the entry cannot be used, None if it can."""
        try:
            self.load_entry(path, key._asdict())
        except EngineError as error:
            return str(error)
        return None

    def store_entry(self, path: str, key: Mapping[str, object], data: bytes) -> None:
        """Writes an entry, whole or not at all. EngineError if that fails."""
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "key": dict(key),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        try:
            os.makedirs(self.folder, exist_ok=True)
            _write(path, json.dumps(header, sort_keys=True).encode() + b"\n" + data)
        except OSError as error:
            raise EngineError(f"{path}: cannot be written: {error.strerror}") from None

    def find_engine(self, name: str, key: EngineKey, precisions: Tuple[str, ...]) -> Found:
        """The engine to run: the first of `precisions` that exists and, of these, the smallest batch that is not
        below that of `key`, else the largest batch.

        The precision of `key` is ignored. EngineError says what was found instead.
        """
        wanted = dict(key._asdict())
        del wanted["precision"], wanted["batch"]
        faults: List[str] = []
        entries = [entry for entry in self._entries(name, key) if entry[1].precision in precisions]
        entries.sort(key=lambda entry: _preference(entry[1], key.batch, precisions))
        for path, own in entries:
            try:
                return Found(path, own, self.load_entry(path, wanted))
            except EngineError as error:
                faults.append(str(error))
        reason = f" ({faults[0]})" if faults else ""
        raise EngineError(f"no engine for this graph, device and software in {self.folder}{reason}")

    def list_files(self) -> List[str]:
        """Paths of all files that this class named, half-written ones included, in alphabetical order."""
        names = sorted(os.listdir(self.folder)) if os.path.isdir(self.folder) else []
        return [os.path.join(self.folder, name) for name in names if _OURS.match(name)]

    def read_key(self, path: str) -> EngineKey:
        """The key in the header of an entry. EngineError if it has none."""
        try:
            own = EngineKey(**_split(path, _read(path, _MOST_HEADER))[0]["key"])
            return own._replace(batch=int(own.batch))
        except (TypeError, ValueError):
            raise EngineError(f"{path}: its key is invalid") from None

    def _entries(self, name: str, key: EngineKey) -> List[Tuple[str, EngineKey]]:
        """The entries of one graph whose headers can be read."""
        begin = os.path.join(self.folder, f"{name}-{key.graph[:12]}-")
        found = []
        for path in self.list_files():
            if path.startswith(begin) and path.endswith(".engine"):
                try:
                    found.append((path, self.read_key(path)))
                except EngineError:
                    continue
        return found


def _preference(own: EngineKey, batch: int, precisions: Tuple[str, ...]) -> Tuple[int, bool, int]:
    is_small = own.batch < batch
    return precisions.index(own.precision), is_small, -own.batch if is_small else own.batch


def _read(path: str, size: int = -1) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror}") from None


def _split(path: str, data: bytes) -> Tuple[Dict[str, Any], bytes]:
    """The checked header of an entry, which is JSON, and what follows it."""
    line, _, engine = data.partition(b"\n")
    try:
        header = json.loads(line.decode())
        good = header["format"] == _FORMAT and header["version"] == _VERSION
        good = good and isinstance(header["key"], dict) and isinstance(header["sha256"], str)
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise EngineError(f"{path}: is not an engine that this version of edge-attp wrote")
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
    """A file that no engine of this machine uses."""

    path: str
    reason: str
    size_bytes: int


def stale_files(cache: EngineCache, here: EngineKey) -> List[Stale]:
    """Files that this machine cannot use. here: any key of it. Engines of other packs do not count: somebody may run
    them."""
    found = []
    for path in cache.list_files():
        reason = _stale_reason(cache, path, here)
        if reason is not None:
            found.append(Stale(path, reason, os.path.getsize(path)))
    return found


def remove_files(files: List[Stale]) -> None:
    """Removes files. EngineError names the first one that cannot be removed."""
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
        own = cache.read_key(path)
    except EngineError:
        return "not an engine that this version of edge-attp wrote"
    for field in MACHINE:
        made_for, wanted = getattr(own, field), getattr(here, field)
        if made_for != wanted:
            return f"built for {field} {made_for}, but here it is {wanted}"
    return None
