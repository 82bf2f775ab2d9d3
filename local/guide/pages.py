"""Renders Markdown as the inner HTML of pages. A link to another page begins with `@`, where its server puts the stage.

CommonMark without HTML of its own, so that a page holds no script and no style: https://markdown-it-py.readthedocs.io
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

import orjson
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from local.guide.errors import errors_page
from local.guide.find import find_page, slug
from local.guide.parameters import parameters_page
from local.guide.reference import reference

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "docs" / "guide"
FOLDER = ROOT / "functions" / "console" / "guide"
OPENAPI = ROOT / "functions" / "models" / "openapi.json"
# A page with so many sections lists them at its top, and a table with so many columns scrolls by itself.
SECTIONS_LISTED = 4
COLUMNS_WIDE = 5
PAGE = re.compile(r"([\w-]+)\.md(#.*)?")


@cache
def pages() -> dict[str, str]:
    """Returns the HTML of every page by the name of its file."""
    return {f"{name}.html": rendered(text) for name, text in written().items()}


@cache
def written() -> dict[str, str]:
    """Returns the Markdown of every page by its name: those of `docs/guide`, and those that are made from code."""
    document = orjson.loads(OPENAPI.read_bytes())
    texts = {path.stem: path.read_text() for path in sorted(SOURCES.glob("*.md"))}
    texts |= {"reference": reference(document), "errors": errors_page(), "parameters": parameters_page()}
    return texts | {"find": find_page(texts, document)}


def rendered(text: str) -> str:
    """Renders one page: headings have ids and are listed at the top, and each link leads to where a page is served."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    sections: list[tuple[str, str]] = []
    taken: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            name = tokens[place + 1].content
            token.attrSet("id", _own_id(slug(name), taken))
            if token.tag == "h2":
                sections.append((str(token.attrGet("id")), name))
        for child in token.children or ():
            _lead(child)
        if token.type == "fence":
            # The rest of the info string is for the tests that run the block.
            token.info = token.info.partition(" ")[0]
    markdown.add_render_rule("table_open", _open_table)
    markdown.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    if len(sections) < SECTIONS_LISTED:
        return html
    listed = "".join(f'<li><a href="#{each}">{escape(name.replace("`", ""))}</a></li>' for each, name in sections)
    contents = f'<nav class="contents" aria-label="On this page"><ul>{listed}</ul></nav>\n'
    return html.replace("</h1>\n", f"</h1>\n{contents}", 1)


def _open_table(_: RendererHTML, tokens: Sequence[Token], place: int, *_rest: object) -> str:
    """Opens a table that scrolls by itself where it is wide; the keyboard reaches it, the heading above names it."""
    heading = next((tokens[n + 1].content for n in range(place, -1, -1) if tokens[n].type == "heading_open"), "Table")
    row = next(n for n in range(place, len(tokens)) if tokens[n].type == "tr_close")
    wide = sum(token.type == "th_open" for token in tokens[place:row]) >= COLUMNS_WIDE
    label = f' tabindex="0" role="region" aria-label="{escape(heading.replace("`", ""))}"' if wide else ""
    return f'<div class="{"wide" if wide else "narrow"}"{label}>\n<table>\n'


def _own_id(wanted: str, taken: dict[str, int]) -> str:
    """Returns an id that no heading above has, as GitHub counts them."""
    taken[wanted] = taken.get(wanted, -1) + 1
    return f"{wanted}-{taken[wanted]}" if taken[wanted] else wanted


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
