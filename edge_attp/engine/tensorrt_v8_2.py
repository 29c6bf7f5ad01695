"""TensorRT before 8.5 (JetPack 4 has 8.2): tensors are bindings with numbers."""

from typing import Dict, List, Sequence

from edge_attp.engine.foreign import TrtConfig, TrtContext, TrtEngine
from edge_attp.engine.tensorrt_api import Tensor, TensorRtApi

__all__ = ["Api8_2"]


class Api8_2(TensorRtApi):
    """Bindings, execute_async_v2, one limit for the workspace."""

    def limit_workspace(self, config: TrtConfig, size: int) -> None:
        config.max_workspace_size = size

    def tensors(self, engine: TrtEngine) -> List[Tensor]:
        return [
            self.float_tensor(
                engine.get_binding_name(index),
                engine.binding_is_input(index),
                engine.get_binding_shape(index),
                engine.get_binding_dtype(index),
            )
            for index in range(engine.num_bindings)
        ]

    def largest_shape(self, engine: TrtEngine, name: str) -> Sequence[int]:
        return engine.get_profile_shape(0, name)[2]  # least, best, most

    def set_batch(self, engine: TrtEngine, context: TrtContext, batch: int) -> bool:
        return all(
            context.set_binding_shape(
                engine.get_binding_index(tensor.name), (batch,) + tensor.shape
            )
            for tensor in self.tensors(engine)
            if tensor.is_input
        )

    def enqueue(self, context: TrtContext, addresses: Dict[str, int], stream: int) -> bool:
        bindings = list(addresses.values())
        return bool(context.execute_async_v2(bindings=bindings, stream_handle=stream))
