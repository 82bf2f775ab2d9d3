"""Renders Markdown as the inner HTML of pages. A link to another page begins with `@`, where its server puts the stage.

CommonMark without HTML of its own, so that a page holds no script and no style: https://markdown-it-py.readthedocs.io
"""

from __future__ import annotations

import re
from pathlib import Path

import orjson
from markdown_it import MarkdownIt
from markdown_it.token import Token

from local.guide.reference import reference

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "guide"
FOLDER = ROOT / "functions" / "console" / "guide"
OPENAPI = ROOT / "functions" / "models" / "openapi.json"
PAGE = re.compile(r"([\w-]+)\.md(#.*)?")


def pages() -> dict[str, str]:
    """Returns the HTML of every page by the name of its file."""
    texts = {path.stem: path.read_text() for path in sorted(SOURCES.glob("*.md"))}
    texts["reference"] = reference(orjson.loads(OPENAPI.read_bytes()))
    return {f"{name}.html": rendered(text) for name, text in texts.items()}


def rendered(text: str) -> str:
    """Renders one page; each heading has an id, and each link to a page leads to where it is served."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", slug(tokens[place + 1].content))
        for child in token.children or ():
            _lead(child)
        if token.type == "fence":
            # The rest of the info string is for the tests that run the block.
            token.info = token.info.partition(" ")[0]
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return html


def slug(heading: str) -> str:
    """Returns a heading's id, as GitHub makes it, so that one link works in both places."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _lead(token: Token) -> None:
    """Has a link to a page, or to a path of the gateway, begin with the mark that its server replaces."""
    if token.type != "link_open":
        return
    to = str(token.attrGet("href"))
    page = PAGE.fullmatch(to)
    if page is not None:
        name = "" if page[1] == "index" else f"/{page[1]}"
        token.attrSet("href", f"@/docs{name}{page[2] or ''}")
    elif to.startswith("/"):
        token.attrSet("href", f"@{to}")
