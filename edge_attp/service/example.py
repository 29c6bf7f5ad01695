"""The commented example of a configuration (`edge-attp serve --example`), made from the schema."""

import json
import textwrap

from edge_attp.service.schema import SINK, SINKS, STREAM, TABLES, Keys
from edge_attp.strict import REQUIRED, Key

__all__ = ["example"]

_WIDTH = 100
_HEAD = """\
# Configuration of `edge-attp serve`. What is commented out shows the default, or an example where
# there is none. `edge-attp serve --check-config --config FILE` says what is wrong and what would run.
"""
_STREAM = """
# One [[stream]] for each camera.
[[stream]]
"""
_SINK = """
# One [[sink]] for each place that events go to; this one is on, the others below are examples.
[[sink]]
type = "%s"
"""


def example() -> str:
    """TOML text that the strict reader takes."""
    first, *others = SINKS
    parts = [_HEAD, _STREAM + _keys(STREAM)]
    parts += [_SINK % first + _keys(dict(_common(), **SINKS[first]))]
    parts += [_off_sink(kind) for kind in others]
    parts += [f"\n[{name}]\n{_keys(table)}" for name, table in TABLES.items()]
    return "".join(parts)


def _off_sink(kind: str) -> str:
    return f'\n#[[sink]]\n#type = "{kind}"\n{_keys(SINKS[kind], is_off=True)}'


def _common() -> Keys:
    return {name: key for name, key in SINK.items() if name != "type"}


def _keys(table: Keys, is_off: bool = False) -> str:
    return "".join(_line(name, key, is_off) for name, key in table.items())


def _line(name: str, key: Key, is_off: bool) -> str:
    """One key with what it is for behind it, or above it where that would be too long."""
    mark = "#" if is_off or key.default is not REQUIRED else ""
    value = key.example if key.default in (REQUIRED, None) else key.default
    written = f"{mark}{name} = {json.dumps(value)}"
    line = f"{written!s:36} # {key.help}"
    if len(line) <= _WIDTH:
        return line + "\n"
    above = textwrap.wrap(key.help, _WIDTH, initial_indent="# ", subsequent_indent="# ")
    return "\n".join(above + [written]) + "\n"
