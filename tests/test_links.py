"""Relative links and anchors in the Markdown files of this repository lead somewhere."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {"build", "dist", "node_modules"}
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.M | re.S)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.M)
_FENCED = re.compile(r"^```.*?^```$", re.M | re.S)


def pages():
    for folder, folders, files in os.walk(str(ROOT)):
        folders[:] = [name for name in folders if name not in NOT_OURS and name[0] != "."]
        for name in files:
            if name.endswith(".md"):
                yield str((Path(folder) / name).relative_to(ROOT))


def anchors(path):
    """What GitHub makes of the headings of a page."""
    found = set()
    for heading in _HEADING.findall(_FENCED.sub("", path.read_text(encoding="utf-8"))):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        repeats = sum(1 for other in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", other))
        found.add(f"{slug}-{repeats}" if repeats else slug)
    return found


def test_anchors(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `b`, c\n## [Same](x.md)\n```\n# no heading\n```\n## Same\n")
    assert anchors(page) == {"a-b-c", "same", "same-1"}


@pytest.mark.parametrize("page", sorted(pages()))
def test_links(page):
    dead = []
    for link in _LINK.findall(_CODE.sub("", (ROOT / page).read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead
