"""The one strict reader of settings: the service's configuration, training recipes, model.json.

Their users declare each key as a `Key` in a `Table`, and read a `Document` through it. Whatever is wrong
raises the error that the user of the document chose, in one line of one form:

    main.toml:12: stream 'door': every: got "often", expected "picture", "gop" or a whole number above 0
    pack/model.json:31: input.rgb.std: got [1, 0, 1], expected three numbers above 0
    recipe.toml:7: train.sede: unknown key; did you mean "seed"?

What relates several keys is the business of each user, who tells of it with Document.fault().
"""

from edge_attp.strict.document import (
    REQUIRED,
    Document,
    Key,
    Path,
    Table,
    flat,
    read_json,
    read_toml,
)
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
    fitting,
    list_of,
    matching,
    number,
    optional,
    path_to,
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
    "WHOLE",
    "choice",
    "converted",
    "fitting",
    "flat",
    "list_of",
    "matching",
    "number",
    "optional",
    "path_to",
    "read_json",
    "read_toml",
    "shown",
    "whole",
]
