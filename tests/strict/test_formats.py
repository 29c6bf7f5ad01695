"""The line of every key, against documents written so that each value is its own line number."""

import pytest

from edge_attp.errors import UsageError
from edge_attp.strict import formats

# Every value that is a number says which line its key stands on.
PLAIN = """\
a = 1 # a comment with = and [brackets]
  "b c" = 2
'd.e' = 3
"quote \\" and \\u00e9" = 4
f.g = 5
f . "h i" = 6

[table]
a = 9
[table.inner]   # [not.this]
a = 11
[ table . "other.one" ]
a = 13
"""
STRINGS = '''\
a = """
[not] = a table
b = 100
"""
c = 5
d = "a \\" b = 1"
e = 7
f = \'\'\'
'' [[nor]] = this
\'\'\'
g = 11
h = \'single \\\'
i = 13
j = """ends in a quote""""
k = 15
l = """escaped \\""" still in"""
m = 17
n = ""
o = 19
'''
ARRAYS = """\
[[stream]]
name = 2
[stream.more]
x = 4
[[stream]]
name = 6
list = [
  7, # a comment, with "quotes"
  [ 'a', { x = 9, y.z = 9 } ],
  2026-11-22T10:00:00Z,
]
after = 12
[[stream.part]]
x = 14
[[stream.part]]
x = 16
[other]
inline = { a = 18, b = [ { c = 18 } ], "d" = "}" }
date = 2026-11-22 10:00:00
float = 20.0
"""


def numbers(value, path=()):
    """(path, number) of every number but those that are list elements, whose lines differ."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, path + (key,))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers(inner, path + (index,))
    elif isinstance(value, (int, float)) and not isinstance(path[-1], int):
        yield path, int(value)


@pytest.mark.parametrize("text", [PLAIN, STRINGS, ARRAYS], ids=["plain", "strings", "arrays"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_each_key_has_its_line(text, ending):
    text = text.replace("\n", ending)
    found = formats.find_toml_lines(text)
    expected = dict(numbers(formats.parse_toml(text, "x.toml", UsageError)))
    assert len(expected) > 6
    assert {path: found[path] for path in expected} == expected


def test_nesting_without_end_is_refused():
    with pytest.raises(UsageError, match="nested too deeply"):
        formats.parse_toml("a = " + "[" * 100000, "x.toml", UsageError)


def test_tables_and_elements_have_lines_too():
    found = formats.find_toml_lines(ARRAYS)
    assert found[("stream", 0)] == 1
    assert found[("stream", 0, "more")] == 3
    assert found[("stream", 1, "part", 1)] == 15
    assert found[("stream", 1, "list", 0)] == 8
    assert found[("stream", 1, "list", 1)] == 9
    assert found[("other",)] == 17


def test_a_key_that_only_looks_like_one_is_not_found():
    assert ("b",) not in formats.find_toml_lines(STRINGS)
    assert ("nor", 0) not in formats.find_toml_lines(STRINGS)


@pytest.mark.parametrize(
    "text, line", [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("[x\n", 1), ('a = """\n\n', 3)]
)
def test_what_is_no_toml_is_refused_with_its_line(text, line):
    with pytest.raises(UsageError, match=rf"^x\.toml:{line}: not valid TOML: "):
        formats.parse_toml(text, "x.toml", UsageError)
