"""Model packs: a folder with model.json and two graphs, read strictly.

Whatever is wrong is named with file, key, value and what was expected. Nothing here runs a graph.
"""

import hashlib
import json
import os
from typing import Any, Callable, Dict, NamedTuple, Tuple

from edge_attp.errors import ModelError

__all__ = [
    "InputSpec",
    "Normalisation",
    "Pack",
    "Trilinear",
    "default_pack",
    "load_pack",
    "read_input",
]

FORMAT_VERSION = 1
DEFAULT_PACK = "fight"
GRAPHS = ("appearance", "motion")
Shapes = Dict[str, Tuple[int, ...]]


class Normalisation(NamedTuple):
    """(value - mean) / std, per channel."""

    mean: Tuple[float, float, float]
    std: Tuple[float, float, float]


class InputSpec(NamedTuple):
    """How pictures become network inputs; sizes are (width, height). See edge_attp.tensors."""

    resize: Tuple[int, int]
    crop: Tuple[int, int]
    rgb: Normalisation
    flow_scale: float
    residual: Normalisation


class Trilinear(NamedTuple):
    """Sizes of eq. (4)-(6): d factors, D projections, c channels, K positions."""

    factors: int
    projections: int
    channels: int
    positions: int


class Pack(NamedTuple):
    """One model pack. `graphs`: paths of the ONNX files; `precision`: as `edge-attp export` calls it."""

    folder: str
    name: str
    trained: bool
    backbone: str
    precision: str
    labels: Tuple[str, ...]
    input: InputSpec
    trilinear: Trilinear
    graphs: Dict[str, str]
    training: Any
    accuracy: Any

    def inputs(self, graph: str) -> Shapes:
        """Names and shapes of the inputs that a graph must have, without the batch dimension."""
        crop = self.input.crop[::-1]
        if graph == "appearance":
            return {"rgb": (3,) + crop}
        return {"flow": (2,) + crop, "residual": (3,) + crop, "appearance": self._projected()}

    def outputs(self, graph: str) -> Shapes:
        """Names and shapes of the outputs that a graph must have, without the batch dimension."""
        if graph == "appearance":
            return {"appearance": self._projected()}
        return {"scores": (len(self.labels),)}

    def _projected(self) -> Tuple[int, int]:
        sizes = self.trilinear
        return (sizes.factors * sizes.projections, sizes.positions)


def default_pack() -> str:
    """Folder of the default pack: the one installed with the package, else the source tree's."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = (
        os.path.join(package, "packs", DEFAULT_PACK),
        os.path.join(os.path.dirname(package), "engines", "packs", DEFAULT_PACK),
    )
    for folder in places:
        if os.path.isfile(os.path.join(folder, "model.json")):
            return folder
    raise ModelError("the default pack is not installed (%s): name one with --model" % places[0])


def load_pack(folder: str) -> Pack:
    """Reads and checks a pack, its graphs' sha256 included. ModelError if anything is wrong."""
    path = os.path.join(folder, "model.json")
    if not os.path.isdir(folder):
        raise ModelError("%s: no such folder; a model pack is a folder with model.json" % folder)
    top = _Section(path, "", _read_json(path))
    top.take(
        "format_version",
        lambda value: _is_count(value) and value == FORMAT_VERSION,
        str(FORMAT_VERSION),
    )
    top.take("width", _is_positive, "a number above 0", default=1.0)
    pack = Pack(
        folder=folder,
        name=top.take("name", _is_text, "a text that is not empty"),
        trained=top.take("trained", lambda value: isinstance(value, bool), "true or false"),
        backbone=top.take("backbone", _is_text, "a text that is not empty"),
        precision=top.take("precision", _is_text, "a text that is not empty", default="fp32"),
        labels=tuple(top.take("labels", _are_labels, "a list of two or more different texts")),
        input=_read_input(top.section("input")),
        trilinear=_read_trilinear(top.section("trilinear")),
        graphs=_read_graphs(top.section("graphs"), folder),
        training=top.take("training", _is_object_or_null, "an object or null"),
        accuracy=top.take("accuracy", _is_object_or_null, "an object or null"),
    )
    top.end()
    return pack


def read_input(file: str, values: Any) -> InputSpec:
    """Reads the object `input` of model.json, as load_pack() does it; `file` is what errors name."""
    return _read_input(_Section(file, "input.", values))


class _Section:
    """One object of model.json. Values are taken key by key; what is left at the end is an error."""

    def __init__(self, file: str, path: str, values: Any) -> None:
        self.file = file
        self._path = path
        if not isinstance(values, dict):
            raise self.wrong("", values, "an object")
        self._left = dict(values)

    def take(
        self, key: str, accept: Callable[[Any], bool], expected: str, default: Any = None
    ) -> Any:
        """The value of a key, refused unless accept(value); a key with a default may be missing."""
        if key not in self._left:
            if default is not None:
                return default
            raise ModelError(
                "%s: %s is missing; expected %s" % (self.file, self._path + key, expected)
            )
        value = self._left.pop(key)
        if not accept(value):
            raise self.wrong(key, value, expected)
        return value

    def section(self, key: str) -> "_Section":
        values = self.take(key, lambda value: isinstance(value, dict), "an object")
        return _Section(self.file, self._path + key + ".", values)

    def end(self) -> None:
        for key in sorted(self._left):
            raise self.wrong(key, self._left[key], "no such key")

    def wrong(self, key: str, value: Any, expected: str) -> ModelError:
        where = (self._path + key) or "the whole file"
        shown = json.dumps(value)
        if len(shown) > 60:
            shown = shown[:57] + "..."
        return ModelError("%s: %s is %s; expected %s" % (self.file, where, shown, expected))


def _read_json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise ModelError("%s: cannot be read: %s" % (path, error.strerror)) from None
    except ValueError as error:
        raise ModelError("%s: is not JSON: %s" % (path, error)) from None


def _read_input(section: _Section) -> InputSpec:
    resize = section.take("resize", _is_size, "[width, height], whole numbers above 0")
    crop = section.take(
        "crop",
        lambda value: _is_size(value) and value[0] <= resize[0] and value[1] <= resize[1],
        "[width, height], not larger than input.resize",
    )
    rgb = _read_normalisation(section.section("rgb"))
    flow = section.section("flow")
    scale = float(flow.take("scale", _is_positive, "a number above 0"))
    flow.end()
    residual = _read_normalisation(section.section("residual"))
    section.end()
    return InputSpec((resize[0], resize[1]), (crop[0], crop[1]), rgb, scale, residual)


def _read_normalisation(section: _Section) -> Normalisation:
    mean = section.take("mean", lambda value: _is_triple(value, _is_number), "three numbers")
    std = section.take(
        "std", lambda value: _is_triple(value, _is_positive), "three numbers above 0"
    )
    section.end()
    return Normalisation((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))


def _read_trilinear(section: _Section) -> Trilinear:
    sizes = [section.take(key, _is_count, "a whole number above 0") for key in Trilinear._fields]
    section.end()
    return Trilinear(*sizes)


def _read_graphs(section: _Section, folder: str) -> Dict[str, str]:
    graphs = {}
    for name in GRAPHS:
        entry = section.section(name)
        file = entry.take("file", _is_file_name, "a file name without folders")
        sha256 = entry.take("sha256", _is_text, "64 hexadecimal digits")
        entry.end()
        graphs[name] = os.path.join(folder, file)
        _check_sha256(entry, graphs[name], sha256)
    section.end()
    return graphs


def _check_sha256(entry: _Section, path: str, expected: str) -> None:
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                digest.update(block)
    except OSError as error:
        raise ModelError("%s: cannot be read: %s" % (path, error.strerror)) from None
    if digest.hexdigest() != expected.lower():
        raise entry.wrong(
            "sha256",
            expected,
            "%s, which is what %s has" % (digest.hexdigest(), os.path.basename(path)),
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_positive(value)


def _is_size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_count, value))


def _is_triple(value: Any, accept: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(map(accept, value))


def _are_labels(value: Any) -> bool:
    if not isinstance(value, list) or len(value) < 2 or not all(map(_is_text, value)):
        return False
    return len(set(value)) == len(value)


def _is_object_or_null(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_file_name(value: Any) -> bool:
    return _is_text(value) and os.path.basename(value) == value
