"""Checks on pictures of real videos that a pack computes what its PyTorch model computes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch

from edge_attp.engine import Graph, load_pack, open_backend
from edge_attp.errors import ModelError

from .attp import ATTP
from .video_samples import Samples

Times = List[float]


class Tolerance(NamedTuple):
    """The largest allowed differences of what the appearance graph gives (U'x, or scores of key pictures) and of
    the scores, in standard deviations of PyTorch's values.

    top1: the least share of pictures whose best label must stay the same.
    """

    appearance: float
    scores: float
    top1: float


# The effect of rounding alone at the worst position in MobileNetV2 on real videos, with some margin:
# with ImageNet weights and a random classifier, fp32 differs by 1e-4 and 5e-4, fp16 by 0.2 and 0.5. A
# mistake in a graph differs by more; `evaluate` measures what a coarser precision costs in accuracy.
# In 8 bits, single positions of U'x differ widely and mean little: the scores count.
TOLERANCES = {
    "fp32": Tolerance(2e-3, 1e-2, 0.97),
    "fp16": Tolerance(0.5, 1.0, 0.8),
    "fp16-typed": Tolerance(0.5, 1.0, 0.8),
    "int8": Tolerance(np.inf, 3.0, 0.8),
}


class Parity(NamedTuple):
    """Largest differences as in Tolerance, the share of equal best labels, and the times of the graphs.

    appearance_ms, motion_ms: median of one run of one picture on `engine`. appearance, appearance_ms: None for a
    pack without that graph. appearance_is: what the graph gives.
    """

    pictures: int
    appearance: Optional[float]
    scores: float
    top1: float
    appearance_ms: Optional[float]
    motion_ms: float
    engine: str
    appearance_is: str = "U'x"

    def __str__(self) -> str:
        compared = f"the scores differ by at most {self.scores:.2g} of their spread"
        if self.appearance is not None:
            compared = (
                f"{self.appearance_is} differs by at most {self.appearance:.2g} of its spread, the scores by at "
                f"most {self.scores:.2g} of theirs"
            )
        return (
            f"PyTorch and ONNX Runtime on {self.pictures} P and B pictures: {compared}; {self.top1:.1%} of "
            "the best labels are the same"
        )


def measure(model: ATTP, folder: Path, samples: Samples) -> Parity:
    """Run `samples` through the model, and through the pack in `folder` the way `edge_attp` does."""
    ux, scores = _in_pytorch(model, samples)
    pack, backend = load_pack(str(folder)), open_backend("onnxruntime")
    graphs = {name: backend.load_graph(path) for name, path in pack.graphs.items()}
    for name, graph in graphs.items():
        graph.check_tensors(pack.inputs(name), pack.outputs(name))
    inputs = {"flow": samples.flow, "residual": samples.residual}
    appearance = appearance_ms = None
    if ux is not None:
        keys, key_times = _run(graphs["appearance"], {"rgb": samples.keys}, "appearance")
        inputs["appearance"] = keys[samples.here] + keys[samples.neighbour]
        appearance, appearance_ms = _largest(keys, ux), _median_ms(key_times)
    found, times = _run(graphs["motion"], inputs, "scores")
    return Parity(
        len(scores),
        appearance,
        _largest(found, scores),
        float((found.argmax(1) == scores.argmax(1)).mean()),
        appearance_ms,
        _median_ms(times),
        backend.describe(),
        "U'x" if pack.trilinear else "appearance",
    )


def check(parity: Parity, precision: str) -> None:
    """Raise ModelError if the pack differs by more than its precision explains."""
    allowed = TOLERANCES[precision]
    for what, found, most in (
        (f"{parity.appearance_is} differs", parity.appearance, allowed.appearance),
        ("the scores differ", parity.scores, allowed.scores),
    ):
        if found is not None and not found <= most:  # NaN, too
            raise ModelError(
                f"the pack differs from the model: {what} by {found:.2g} of their spread; {precision} "
                f"allows {most:g}"
            )
    if parity.top1 < allowed.top1:
        raise ModelError(
            f"the pack differs from the model: {parity.top1:.1%} of the best labels are the same; "
            f"{precision} requires {allowed.top1:.0%}"
        )


def _in_pytorch(model: ATTP, samples: Samples) -> Tuple[Optional[np.ndarray], np.ndarray]:
    """What the model makes of the key pictures, None if it looks at none, and the scores; one picture at a time, as
    the device runs them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # for one picture at a time, threads on a busy machine only wait
    flow, residual = torch.from_numpy(samples.flow), torch.from_numpy(samples.residual)
    inputs, ux = [flow, residual], None
    with torch.no_grad():
        if "I" in model.architecture.networks:
            ux = torch.cat([model.appearance(key[None]) for key in torch.from_numpy(samples.keys)])
            inputs.append(ux[samples.here] + ux[samples.neighbour])
        scores = [model.motion(*(x[None] for x in one)) for one in zip(*inputs)]
    torch.set_num_threads(threads)
    return None if ux is None else ux.numpy(), torch.cat(scores).numpy()


def _median_ms(times: Times) -> float:
    return 1e3 * float(np.median(times))


def _run(graph: Graph, inputs: Dict[str, np.ndarray], output: str) -> Tuple[np.ndarray, Times]:
    """The output for each picture, and seconds; the first picture runs twice, as a warm-up."""
    buffers, results, times = graph.allocate_buffers(), [], []
    count = len(next(iter(inputs.values())))
    for index in [0, *range(count)]:
        for name, values in inputs.items():
            buffers.inputs[name][0] = values[index]
        begin = time.perf_counter()
        graph.run_batch([buffers])
        times.append(time.perf_counter() - begin)
        results.append(buffers.outputs[output][0].copy())
    return np.stack(results[1:]), times[1:]


def _largest(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference in standard deviations of what is expected."""
    spread = float(expected.std())
    if spread == 0:
        raise ModelError(
            "the model gives the same output for every picture: nothing can be compared"
        )
    return float(np.abs(found - expected).max()) / spread
