"""The strict reader of settings: the service's configuration, training recipes, model.json.

Callers declare each key as a `Key` in a `Table` and read a `Document` through it. Every fault raises the
error class that the caller chose, as one line of one form:

    main.toml:12: stream 'door': every: got "often", expected "picture", "gop" or a whole number above 0
    pack/model.json:31: input.rgb.std: got [1, 0, 1], expected three numbers above 0
    recipe.toml:7: train.sede: unknown key; did you mean "seed"?

Rules that relate several keys belong to the caller, who reports them with Document.fault().
"""

from edge_attp.strict.document import (
    REQUIRED,
    Document,
    Key,
    Path,
    Table,
    Values,
    flat,
    read_json,
    read_toml,
)
from edge_attp.strict.formats import parse_toml_value
from edge_attp.strict.kinds import (
    BOOLEAN,
    BYTES,
    COUNT,
    FILE,
    FOLDER,
    LOCATION,
    PATH,
    PAUSE,
    SECONDS,
    SHARE,
    TEXT,
    WHOLE,
    Kind,
    Unfit,
    choice,
    converted,
    list_of,
    matching,
    number,
    optional,
    path_to,
    restricted,
    shown,
    whole,
)

__all__ = [
    "BOOLEAN",
    "BYTES",
    "COUNT",
    "Document",
    "FILE",
    "FOLDER",
    "Key",
    "Kind",
    "LOCATION",
    "PATH",
    "PAUSE",
    "Path",
    "REQUIRED",
    "SECONDS",
    "SHARE",
    "TEXT",
    "Table",
    "Unfit",
    "Values",
    "WHOLE",
    "choice",
    "converted",
    "flat",
    "list_of",
    "matching",
    "number",
    "optional",
    "parse_toml_value",
    "path_to",
    "read_json",
    "read_toml",
    "restricted",
    "shown",
    "whole",
]
