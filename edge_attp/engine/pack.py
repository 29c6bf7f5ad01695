"""Model packs: folders with model.json and one or two graphs, read strictly. Nothing here runs a graph.

`motion` scores a P or B picture. `appearance` looks at key pictures; a pack without it needs none.
"""

import os
from typing import Any, Dict, Mapping, NamedTuple, Optional, Tuple

from edge_attp.engine.backend import Shapes
from edge_attp.engine.engine_cache import file_sha256
from edge_attp.errors import ModelError
from edge_attp.strict import (
    BOOLEAN,
    COUNT,
    SHARE,
    TEXT,
    Document,
    Key,
    Kind,
    Table,
    Unfit,
    choice,
    converted,
    list_of,
    matching,
    number,
    read_json,
    restricted,
)

__all__ = [
    "InputSpec",
    "Normalisation",
    "Pack",
    "Trilinear",
    "default_pack",
    "in_steps",
    "load_pack",
    "read_input",
]

FORMAT_VERSION = 1
DEFAULT_PACK = "fight"
WHOLE, REGION = VIEWS = ("whole", "region")
SIGNED, ENERGY = RESIDUALS = ("signed", "energy")
JsonObject = Optional[Mapping[str, object]]


class Normalisation(NamedTuple):
    """(value - mean) / std, for each channel."""

    mean: Tuple[float, ...]
    std: Tuple[float, ...]


class InputSpec(NamedTuple):
    """How pictures become network inputs; sizes are (width, height) in pixels. See edge_attp.tensors.

    flow_scale: for flow in pixels of `resize`. flow_step, residual_step: the flow and the residual have one sample
    for so many pixels of `resize` and `crop`, each way: see in_steps(). residual_kind: one of RESIDUALS, "signed" for
    the three channels of fill_residual() or "energy" for the one of fill_energy(). memory: flow and energy are means
    over about so many pictures, see tensors.MotionMemory; 0: they are those of one picture. speed_memory: the flow has
    two more channels, the means of |x| and |y| over so many pictures; 0: it has not. region_scale, region_least: the
    window of a region is enlarged so many times, and to so large a share of the picture's shorter side at least.
    """

    resize: Tuple[int, int]
    crop: Tuple[int, int]
    rgb: Normalisation
    flow_scale: float
    residual: Normalisation
    flow_step: int = 1
    residual_step: int = 1
    residual_kind: str = SIGNED
    memory: float = 0.0
    speed_memory: float = 0.0
    region_scale: float = 1.0
    region_least: float = 0.0

    def shapes(self, graph: str) -> Shapes:
        """Names and shapes, without the batch dimension, of what a graph sees of pictures."""
        crop = self.crop[::-1]
        if graph == "appearance":
            return {"rgb": (3,) + crop}
        return {
            "flow": (4 if self.speed_memory else 2,) + in_steps(crop, self.flow_step),
            "residual": (len(self.residual.mean),) + in_steps(crop, self.residual_step),
        }


def in_steps(size: Tuple[int, int], step: int) -> Tuple[int, int]:
    """`size` in samples that are `step` pixels wide and high."""
    return (size[0] // step, size[1] // step)


class Trilinear(NamedTuple):
    """Sizes of eq. (4)-(6): d factors, D projections, c channels, K positions."""

    factors: int
    projections: int
    channels: int
    positions: int


class Pack(NamedTuple):
    """One model pack. view: what it was trained on, one of VIEWS. background: labels that say that nothing of interest
    happens; what is idle gets the first of them. thresholds: by label, the probability, above 0 and at most 1, from
    which on an event starts unless the user says otherwise. graphs: paths of the ONNX files, by name. trilinear: None
    where the appearance graph does not give a projected map but half the scores of its own. precision: as `edge-attp
    export` calls it. training and accuracy: objects of model.json for people to read, or None."""

    folder: str
    name: str
    trained: bool
    backbone: str
    precision: str
    labels: Tuple[str, ...]
    input: InputSpec
    trilinear: Optional[Trilinear]
    graphs: Dict[str, str]
    training: JsonObject
    accuracy: JsonObject
    view: str = WHOLE
    background: Tuple[str, ...] = ()
    thresholds: Mapping[str, float] = {}

    @property
    def has_appearance(self) -> bool:
        """Whether it looks at key pictures."""
        return "appearance" in self.graphs

    def inputs(self, graph: str) -> Shapes:
        """Names and shapes, without the batch dimension, of the inputs that a graph must have."""
        shapes = self.input.shapes(graph)
        if graph == "motion" and self.has_appearance:
            shapes["appearance"] = self._appearance()
        return shapes

    def outputs(self, graph: str) -> Shapes:
        """Names and shapes, without the batch dimension, of the outputs that a graph must have."""
        if graph == "appearance":
            return {"appearance": self._appearance()}
        return {"scores": (len(self.labels),)}

    def _appearance(self) -> Tuple[int, int]:
        sizes = self.trilinear
        if sizes is None:
            return (len(self.labels), 1)
        return (sizes.factors * sizes.projections, sizes.positions)


def _different(labels: Tuple[str, ...]) -> Tuple[str, ...]:
    if len(set(labels)) < len(labels):
        raise Unfit
    return labels


def _read_object(value: object, _folder: str) -> Optional[Mapping[str, object]]:
    if value is not None and not isinstance(value, dict):
        raise Unfit
    return value


_GREATEST = 1e30  # so that what is computed with it stays finite in 32 bits
_ABOVE_0 = number(above=0, high=_GREATEST)
_SIZE = list_of(COUNT, "[width, height], whole numbers above 0", 2, 2)
_FILE_NAME = matching("a file name without folders", r"[^/]+\Z")
_STEP = Key(COUNT, 1)
_OBJECT = Kind("an object or null", _read_object)
_THRESHOLDS = restricted(
    _OBJECT, "an object with a probability for each label", lambda value: value is not None
)
_PART = Key(_OBJECT, None)  # of which the keys are read apart


def _normalisation(channels: int) -> Table:
    many = {1: "a list of one number", 3: "three numbers"}[channels]
    mean = list_of(number(-_GREATEST, _GREATEST), many, channels, channels)
    return {
        "mean": Key(mean),
        "std": Key(list_of(_ABOVE_0, many + " above 0", channels, channels)),
    }


_INPUT: Table = {
    "resize": Key(_SIZE),
    "crop": Key(_SIZE),
    "rgb": _normalisation(3),
    "flow": {"scale": Key(_ABOVE_0), "step": _STEP},
    "memory": Key(number(0, 1000), 0.0),
    "speed_memory": Key(number(0, 1000), 0.0),
    "region": {"scale": Key(number(1, 10), 1.0), "least": Key(number(0, 1), 0.0)},
}
_RESIDUAL: Dict[str, Table] = {
    kind: dict(_normalisation(channels), step=_STEP, kind=Key(choice(*RESIDUALS), SIGNED))
    for kind, channels in ((SIGNED, 3), (ENERGY, 1))
}
_GRAPH: Table = {
    "file": Key(_FILE_NAME),
    "sha256": Key(Kind("64 hexadecimal digits", TEXT.read)),
}
_TRILINEAR: Table = {name: Key(COUNT) for name in Trilinear._fields}
_VERSION = choice(FORMAT_VERSION)
_MODEL: Table = {
    "format_version": Key(_VERSION),
    "name": Key(TEXT),
    "trained": Key(BOOLEAN),
    "backbone": Key(TEXT),
    "width": Key(_ABOVE_0, 1.0),
    "precision": Key(TEXT, "fp32"),
    "modalities": Key(TEXT, "TTP"),
    "labels": Key(converted(list_of(TEXT, "a list of two or more different texts", 2), _different)),
    "input": dict(_INPUT, residual=_PART),
    "trilinear": _PART,
    "graphs": {"appearance": _PART, "motion": _GRAPH},
    "view": Key(choice(*VIEWS), WHOLE),
    "background": Key(list_of(TEXT, "a list of labels", 0), ()),
    "thresholds": Key(_THRESHOLDS, {}),
    "training": Key(_OBJECT),
    "accuracy": Key(_OBJECT),
}


def default_pack() -> str:
    """Folder of the default pack: the one installed with the package, else the one in the repository."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = (
        os.path.join(package, "packs", DEFAULT_PACK),
        os.path.join(os.path.dirname(package), "engines", "packs", DEFAULT_PACK),
    )
    for folder in places:
        if os.path.isfile(os.path.join(folder, "model.json")):
            return folder
    raise ModelError(f"the default pack is not installed ({places[0]}): name one with --model")


def load_pack(folder: str) -> Pack:
    """Reads and checks a pack, including the sha256 of each graph. ModelError if anything is wrong."""
    path = os.path.join(folder, "model.json")
    if not os.path.isfile(path):
        raise ModelError(f"{folder}: is no model pack: a pack is a folder with model.json")
    document = read_json(path, ModelError)
    document.read_required(("format_version",), _VERSION)  # other versions have other keys
    values = document.read_table(_MODEL)
    del values["format_version"], values["width"], values["modalities"]
    for index, label in enumerate(values["background"]):
        if label not in values["labels"]:
            expected = "one of the labels: " + ", ".join(values["labels"])
            raise document.unexpected(("background", index), label, expected)
    if set(values["background"]) == set(values["labels"]):
        raise document.fault(
            ("background",), "names all labels, so that nothing could be recognised"
        )
    made = {
        "thresholds": _thresholds(document, values),
        "input": _input(document, values["input"]),
        "trilinear": _trilinear(document, values),
        "graphs": _graphs(document, folder, values["graphs"]),
    }
    return Pack(folder=folder, **dict(values, **made))


def read_input(file: str, values: object) -> InputSpec:
    """Reads the object `input` of model.json, as load_pack() does; errors name `file`."""
    document = Document(file, {"input": values}, ModelError)
    return _input(document, document.read_table({"input": _MODEL["input"]})["input"])


def _input(document: Document, values: Dict[str, Any]) -> InputSpec:
    resize, crop = values["resize"], values["crop"]
    said = (values["residual"] or {}).get("kind")
    kind = ENERGY if said == ENERGY else SIGNED
    values["residual"] = residual = document.read_table(_RESIDUAL[kind], ("input", "residual"))
    if crop[0] > resize[0] or crop[1] > resize[1]:
        expected = "[width, height], not larger than input.resize"
        raise document.unexpected(("input", "crop"), crop, expected)
    for name in ("flow", "residual"):
        step = values[name]["step"]
        if any(side % step for side in resize + crop):
            expected = "a divisor of both sides of input.resize and input.crop"
            raise document.unexpected(("input", name, "step"), step, expected)
    _check_memory(document, values, kind)
    return InputSpec(
        resize,
        crop,
        Normalisation(**values["rgb"]),
        values["flow"]["scale"],
        Normalisation(residual["mean"], residual["std"]),
        values["flow"]["step"],
        residual["step"],
        residual["kind"],
        values["memory"],
        values["speed_memory"],
        values["region"]["scale"],
        values["region"]["least"],
    )


def _thresholds(document: Document, values: Dict[str, Any]) -> Dict[str, float]:
    background = values["background"]
    known = [label for label in values["labels"] if label not in background]
    for label in values["thresholds"]:
        if label not in known:
            what = "is a background label" if label in background else "is no label"
            message = "{}; a threshold is for one of {}".format(what, ", ".join(known))
            raise document.fault(("thresholds", label), message)
    return {
        label: document.read_required(("thresholds", label), SHARE)
        for label in values["thresholds"]
    }


def _check_memory(document: Document, values: Dict[str, Any], kind: str) -> None:
    """Means are of flow and energy on one grid; speed is known of means alone."""
    steps = values["flow"]["step"], values["residual"]["step"]
    if values["memory"] and (kind != ENERGY or steps[0] != steps[1]):
        told = (
            'needs input.residual of kind "energy", and one step for input.flow and input.residual'
        )
        raise document.fault(("input", "memory"), told)
    if values["speed_memory"] and not values["memory"]:
        raise document.fault(("input", "speed_memory"), "needs input.memory")


def _trilinear(document: Document, values: Dict[str, Any]) -> Optional[Trilinear]:
    if values["trilinear"] is None:
        return None
    if values["graphs"]["appearance"] is None:
        told = "projects key pictures, which only graphs.appearance sees: add that, or remove this"
        raise document.fault(("trilinear",), told)
    return Trilinear(**document.read_table(_TRILINEAR, ("trilinear",)))


def _graphs(document: Document, folder: str, values: Dict[str, Any]) -> Dict[str, str]:
    if values["appearance"] is not None:
        values["appearance"] = document.read_table(_GRAPH, ("graphs", "appearance"))
    return {name: _graph(folder, entry) for name, entry in values.items() if entry is not None}


def _graph(folder: str, entry: Dict[str, Any]) -> str:
    """The path of a graph, whose sha256 must be the one in model.json."""
    file, meant = entry["file"], entry["sha256"]
    path = os.path.join(folder, file)
    found = file_sha256(path, ModelError)
    if found != meant.lower():
        raise ModelError(
            f"{path}: is not the file that this pack was made with: its sha256 is {found}, model.json says "
            f"{meant}; it is damaged, or was replaced"
        )
    return path
