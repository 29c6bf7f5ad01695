"""TensorRT 11: every network is typed, so the precision is that of the graph."""

from edge_attp.engine.foreign import TrtConfig, TrtNetwork
from edge_attp.engine.tensorrt_v10 import Api10
from edge_attp.errors import ModelError

__all__ = ["Api11"]


class Api11(Api10):
    """No flag for explicit batch, none for FP16."""

    def network_flags(self) -> int:
        return 0

    def check_precision(self, file: str, precision: str, is_typed: bool) -> None:
        super().check_precision(file, precision, is_typed)
        if precision == "fp16" and not is_typed:
            raise ModelError(
                f"{file}: TensorRT {self.version} computes in 16 bits only where the graph says so: export the "
                "pack with --precision fp16-typed, or build it with --precision fp32"
            )

    def allow_half(self, config: TrtConfig, network: TrtNetwork, wide: str) -> bool:
        return True  # the graph itself says what stays in 32 bits
