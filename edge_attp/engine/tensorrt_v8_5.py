"""TensorRT 8.5 and 8.6: tensors have names."""

from typing import Dict, List, Sequence

from edge_attp.engine.foreign import TrtContext, TrtEngine
from edge_attp.engine.tensorrt_api import Tensor, TensorRtApi

__all__ = ["Api8_5"]


class Api8_5(TensorRtApi):
    """Named tensors and execute_async_v3. Plugins still by dlopen: load_library of 8.6 returned None."""

    def tensors(self, engine: TrtEngine) -> List[Tensor]:
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        return [
            self.float_tensor(
                name,
                engine.get_tensor_mode(name) == self.module.TensorIOMode.INPUT,
                engine.get_tensor_shape(name),
                engine.get_tensor_dtype(name),
            )
            for name in names
        ]

    def largest_shape(self, engine: TrtEngine, name: str) -> Sequence[int]:
        return engine.get_tensor_profile_shape(name, 0)[2]  # least, best, most

    def set_batch(self, engine: TrtEngine, context: TrtContext, batch: int) -> bool:
        return all(
            context.set_input_shape(tensor.name, (batch,) + tensor.shape)
            for tensor in self.tensors(engine)
            if tensor.is_input
        )

    def enqueue(self, context: TrtContext, addresses: Dict[str, int], stream: int) -> bool:
        for name, address in addresses.items():
            if not context.set_tensor_address(name, address):
                return False
        return bool(context.execute_async_v3(stream_handle=stream))
