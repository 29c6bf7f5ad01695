"""Protocol and TypedDict for the type checker; at run time, stand-ins, since Python 3.6 has neither."""

from typing import TYPE_CHECKING

__all__ = ["Protocol", "TypedDict"]

if TYPE_CHECKING:
    from typing import Protocol, TypedDict
else:
    Protocol = object

    class TypedDict(dict):
        """A plain dict; `total` is read by the type checker alone."""

        def __init_subclass__(cls, total: bool = True) -> None:
            super().__init_subclass__()
