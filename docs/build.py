"""Builds the documentation as HTML: the Markdown pages of this repository, and the reference of the public API.

    python docs/build.py build/docs

The reference comes from docstrings by pdoc. Pages begin with README.md and go where its links go; the tree of the
output is that of the repository, so that relative links hold. Any warning is an error, and so is a dead link.
"""

import importlib
import inspect
import os
import re
import shutil
import sys
import warnings
from pathlib import Path

import markdown2
import pdoc
import pdoc.render
from markupsafe import Markup

ROOT = Path(__file__).resolve().parent.parent
# What promises to stay. Only the names in their __all__ are public.
PUBLIC = ("bitstream", "engine", "errors", "pipeline", "recognition", "regions", "sinks", "types")
START = Path("README.md")
PAGE = """
{% extends "frame.html.jinja2" %}
{% block title %}{{ title }}{% endblock %}
{% block nav %}
  <p><a href="{{ up }}index.html">edge-attp</a></p>
  <h2>Pages</h2><ul>{% for name in pages %}<li><a href="{{ up }}{{ name }}.html">{{ name }}</a></li>{% endfor %}</ul>
  <h2>Reference</h2><ul>{% for name in public %}
    <li><a href="{{ up }}edge_attp/{{ name }}.html">edge_attp.{{ name }}</a></li>{% endfor %}</ul>
{% endblock %}
{% block content %}<main class="pdoc"><section class="module-info"><div class="docstring">
{{ body }}
</div></section></main>{% endblock %}
"""
EXTRAS = {
    "code-friendly": None,
    "cuddled-lists": None,
    "fenced-code-blocks": {"cssclass": "pdoc-code codehilite"},
    "header-ids": None,
    "tables": None,
}
_HREF = re.compile(r'(?<=href=")(?![a-z]+:|#)([^"#]+)|(?<=src=")(?![a-z]+:)([^"]+)')


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/build.py FOLDER")
    output = Path(sys.argv[1])
    warnings.simplefilter("error")
    shutil.rmtree(str(output), ignore_errors=True)
    pdoc.render.configure(logo_link="../index.html", footer_text="edge-attp")
    for name in PUBLIC:
        silence_records(importlib.import_module(f"edge_attp.{name}"))
    specs = [f"edge_attp.{name}" for name in PUBLIC] + [r"!edge_attp\.\w+\."]
    pdoc.pdoc(*specs, output_directory=output)
    write_pages(output)
    shutil.copyfile(str(output / "README.html"), str(output / "index.html"))


def silence_records(module):
    """Takes away what Python says of every NamedTuple: "Alias for field number 0"."""
    for record in vars(module).values():
        if inspect.isclass(record) and issubclass(record, tuple):
            record.__new__.__doc__ = None
            for field in record._fields:
                vars(record)[field].__doc__ = None


def write_pages(output):
    """Every page that can be reached from START, and the files that pages link to."""
    bodies = {}
    waiting, files = [START], set()
    while waiting:
        page = waiting.pop()
        if page not in bodies:
            bodies[page], targets = render(page)
            waiting += [target for target in targets if target.suffix == ".md"]
            files |= {target for target in targets if target.suffix != ".md"}
    template = pdoc.render.env.from_string(PAGE)
    names = sorted(str(page.with_suffix("")) for page in bodies)
    for page, body in bodies.items():
        up = "../" * (len(page.parts) - 1)
        html = template.render(
            body=Markup(body), title=page.stem, up=up, pages=names, public=PUBLIC
        )
        path = output / page.with_suffix(".html")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html, encoding="utf-8")
    for file in files:
        copy(ROOT / file, output / file)


def render(page):
    """The page as HTML with links to HTML, and what it links to inside the repository."""
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = []

    def replace(match):
        target = Path(os.path.normpath(str(page.parent / match.group())))
        if not (ROOT / target).exists():
            sys.exit(f"{page}: dead link: {match.group()}")
        targets.append(target)
        return re.sub(r"\.md$", ".html", match.group())

    html = str(markdown2.markdown(text, extras=EXTRAS))
    return _HREF.sub(replace, html), targets


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(str(source), str(target), dirs_exist_ok=True)
    else:
        shutil.copyfile(str(source), str(target))


if __name__ == "__main__":
    main()
