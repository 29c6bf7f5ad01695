"""Kinds, tables and the places of faults, independent of their users."""

import json
import math

import pytest

from edge_attp import strict
from edge_attp.errors import ModelError, UsageError
from edge_attp.strict import Document, Key, formats

TAKEN = [
    (strict.TEXT, "日本\u3000語", "日本\u3000語"),
    (strict.TEXT, "می\u200cخواهم", "می\u200cخواهم"),
    (strict.WHOLE, 0, 0),
    (strict.SECONDS, 1, 1.0),
    (strict.PAUSE, 0, 0.0),
    (strict.SHARE, 1, 1.0),
    (strict.choice(1, "a"), "a", "a"),
    (strict.optional(strict.TEXT), "", None),
    (strict.optional(strict.choice("a"), "x"), None, "x"),
    (strict.list_of(strict.SECONDS, "two", 2, 2), [1, 2], (1.0, 2.0)),
    (strict.converted(strict.WHOLE, str), 7, "7"),
    (strict.PATH, "a/b", "/here/a/b"),
    (strict.PATH, "/a", "/a"),
    (strict.LOCATION, "https://host/x", "https://host/x"),
    (strict.LOCATION, "x:/y", "/here/x:/y"),
]
REFUSED = [
    (strict.TEXT, ["", " \t", "a\nb", "a\u2028b", "a\x7f", "\ud800", 1, None, ["a"]]),
    (strict.WHOLE, [-1, 1.0, True, "1", 1 << 63, 10**400]),
    (strict.COUNT, [0, False]),
    (strict.whole(1, 9), [0, 10]),
    (strict.SECONDS, [0, -1, math.inf, math.nan, True, "1", 10**400]),
    (strict.PAUSE, [-0.1, -math.inf]),
    (strict.SHARE, [0, 1.01]),
    (strict.BOOLEAN, [0, 1, "true", None]),
    (strict.choice(1, "a"), [True, 1.0, "1", "b", ["a"], {}]),
    (strict.matching("letters", r"[a-z]+\Z"), ["", "a1", "a\n", 1]),
    (strict.list_of(strict.COUNT, "two", 2, 2), [[1], [1, 2, 3], [1, "2"], "12", {1: 2}]),
    (strict.PATH, ["", 1, "a\0b"]),
    (strict.FILE, ["none"]),
    (strict.FOLDER, ["none"]),
]


@pytest.mark.parametrize("kind, value, read", TAKEN)
def test_what_a_kind_takes(kind, value, read):
    found = kind.read(value, "/here")
    assert found == read and type(found) is type(read)


@pytest.mark.parametrize(
    "kind, value",
    [(kind, value) for kind, values in REFUSED for value in values],
    ids=[f"{kind.expected} {value!r:.20}" for kind, values in REFUSED for value in values],
)
def test_what_a_kind_refuses(kind, value):
    with pytest.raises(strict.Unfit):
        kind.read(value, "/here")


@pytest.mark.parametrize(
    "kind, expected",
    [
        (strict.WHOLE, "a whole number, 0 or more"),
        (strict.COUNT, "a whole number above 0"),
        (strict.whole(1, 65535, "a port"), "a port from 1 to 65535"),
        (strict.SHARE, "a number above 0 and at most 1"),
        (strict.number(0.1, 4), "a number from 0.1 to 4"),
        (strict.number(), "a number"),
        (strict.choice("tcp", "udp"), 'one of "tcp", "udp"'),
        (strict.choice(1), "1"),
        (strict.FOLDER, "the path of a folder"),
    ],
)
def test_what_a_kind_says(kind, expected):
    assert kind.expected == expected


@pytest.mark.parametrize(
    "value",
    ["x" * 99, list(range(99)), 1 << 20000, {"a": "ü"}, math.inf],
    ids=["text", "list", "digits", "table", "infinity"],
)
def test_shown_values_are_short_and_one_line(value):
    text = strict.shown(value)
    assert 0 < len(text) <= 60 and "\n" not in text


def test_the_error_is_the_one_that_was_asked_for(tmp_path):
    for error in (UsageError, ModelError):
        document = Document("some", {"a": {"b": 1}}, error)
        with pytest.raises(error, match="^some: a.b: got 1, expected a line of text$"):
            document.read_table({"a": {"b": Key(strict.TEXT)}})
        for read in (strict.read_toml, strict.read_json):
            with pytest.raises(error, match="none: cannot be read: No such file"):
                read(str(tmp_path / "none"), error)


@pytest.mark.parametrize("depth", list(range(300, 520, 7)) + [50000])
def test_nesting_at_the_limit_is_a_fault(tmp_path, depth):
    nested = "[" * depth + "]" * depth
    (tmp_path / "x.toml").write_text(f"a = {nested}\n")
    (tmp_path / "x.json").write_text(f'{{"a": {nested}}}')
    for read, name in ((strict.read_toml, "x.toml"), (strict.read_json, "x.json")):
        with pytest.raises(UsageError, match="a: got |is nested too deeply"):
            read(str(tmp_path / name), UsageError).read_table({"a": Key(strict.TEXT)})


def test_what_is_put_in_has_a_place_and_a_folder_of_its_own():
    table = {"a": {"b": Key(strict.PATH), "c": Key(strict.PATH, "d")}}
    document = Document("some", {"a": {"b": "x"}}, UsageError, "/file")
    document.override_value(("a", "b"), "y", "--set", "/here")
    assert document.read_table(table) == {"a": {"b": "/here/y", "c": "/file/d"}}
    document.override_value(("a", "c"), 3, "--set", "/here")
    with pytest.raises(UsageError, match="^--set: a.c: got 3, expected a path$"):
        document.read_table(table)


def test_the_nearest_key_is_looked_for_in_the_same_table_first():
    table = {"a": {"seed": Key(strict.WHOLE, 0)}, "b": {"sead": Key(strict.WHOLE, 0)}}
    with pytest.raises(UsageError, match='a.seet: unknown key; did you mean "seed"'):
        Document("some", {"a": {"seet": 1}}, UsageError).read_table(table)


JSON = """\
{ "a": 1, "b": [
2,
    [3, "}{\\"]["],
 {"c": 4, "d" :
4 , "": {}}
], "\\u0065": {
"f": [ ],
"g": null }}
"""


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_each_key_of_json_has_its_line(ending):
    assert formats.find_json_lines(JSON.replace("\n", ending)) == {
        (): 1,
        ("a",): 1,
        ("b",): 1,
        ("b", 0): 2,
        ("b", 1): 3,
        ("b", 1, 0): 3,
        ("b", 1, 1): 3,
        ("b", 2): 4,
        ("b", 2, "c"): 4,
        ("b", 2, "d"): 4,
        ("b", 2, ""): 5,
        ("e",): 6,
        ("e", "f"): 7,
        ("e", "g"): 8,
    }
    assert json.loads(JSON)["b"][2]["d"] == 4
