"""Reads JSON text, and finds the line that each of its keys stands on, as toml_lines.py does."""

import json
import re
from collections import Counter
from typing import Any, Dict, List, Tuple, Type, Union

from edge_attp.errors import EdgeAttpError
from edge_attp.strict.toml_lines import Path

__all__ = ["lines", "parse"]

_TOKEN = re.compile(r'[{}\[\],:\n]|"(?:\\.|[^"\\])*"|[^\s{}\[\],:"]+')


def parse(text: str, name: str, error: Type[EdgeAttpError]) -> Any:
    """The values of JSON text. Raises `error`, which names `name` and where it can the line."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise error(f"{name}: is nested too deeply") from None
    except json.JSONDecodeError as reason:
        raise error(f"{name}:{reason.lineno}: not valid JSON: {reason.msg}") from None
    except ValueError as reason:
        raise error(f"{name}: not valid JSON: {reason}") from None


def lines(text: str) -> Dict[Path, int]:
    """The line, counted from 1, of every key and list element of valid JSON text."""
    found: Dict[Path, int] = {}
    path: List[Union[str, int]] = []  # its last part is "" before an object's first key
    line, is_key = 1, False
    for token in _TOKEN.findall(text):
        if token == "\n":
            line += 1
        elif token in "}]":
            path.pop()
            is_key = False
        elif token == ",":
            last = path[-1]
            is_key = isinstance(last, str)
            path[-1] = last + 1 if isinstance(last, int) else ""
        elif token != ":":
            path[-1:] = [json.loads(token)] if is_key else path[-1:]
            found.setdefault(tuple(path), line)
            path += [""] if token == "{" else [0] if token == "[" else []
            is_key = token == "{"
    return found


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = json.dumps(counts.most_common(1)[0][0])
        raise ValueError(f"the key {twice} stands twice in an object")
    return values
