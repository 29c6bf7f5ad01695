"""Write data/: the scoring node alone as a graph, and what PyTorch scores with the untrained pack's weights.

Run it after an intended change of the graphs or of the untrained pack: `python tests/export/make_data.py`.
"""

import json
import sys
from pathlib import Path

import torch
from fixed_inputs import CLASSES, DATA, FACTORS, PROJECTIONS, pictures

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "export"), str(REPOSITORY)]


def scoring_model():
    """Return a model that is nothing but the node and its function body."""
    from onnx import TensorProto, helper

    from edge_attp_export.onnx_graphs import GraphWriter
    from edge_attp_export.scoring import scoring_function, scoring_node

    writer = GraphWriter()
    names = ["appearance", "motion_maps", "residual_maps", "classifier"]
    writer.nodes.append(scoring_node(names, "scores", FACTORS))
    shapes = [("N", FACTORS * PROJECTIONS, "K")] * 3 + [(PROJECTIONS, CLASSES)]
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in zip(names, shapes)
    ]
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ("N", CLASSES))
    return writer.model("scoring", tensors, [scores], [scoring_function(PROJECTIONS, 13)])


def untrained_model():
    """Return the PyTorch model behind data/untrained."""
    from edge_attp_export.architecture import Architecture
    from edge_attp_export.attp import ATTP
    from edge_attp_export.initialise import initialise

    model = ATTP(Architecture("mobilenet_v2", 10, 0.15, 5, 64))
    initialise(model, 0)
    return model


def untrained_scores():
    """Return what PyTorch scores for the fixed pictures, (N, classes)."""
    with torch.no_grad():
        return untrained_model()(*(torch.from_numpy(array) for array in pictures())).numpy()


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    (DATA / "scoring.onnx").write_bytes(scoring_model().SerializeToString(deterministic=True))
    rows = [[round(float(score), 5) for score in row] for row in untrained_scores()]
    text = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    (DATA / "untrained_scores.json").write_text(f"[\n{text}\n]\n")
