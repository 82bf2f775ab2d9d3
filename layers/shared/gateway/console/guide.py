"""Serves the documents for users at `/docs`, without a key and without a cookie: pages that `make docs` has written.

Each is the same for every reader, so that it may be kept for some minutes, and is made and compressed once a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from gzip import compress
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from gateway.console.visit import Answer

if TYPE_CHECKING:
    from gateway.console.render import Renderer
    from gateway.http.request import Request

# The pages by the groups of the menu, in its order.
GROUPS = {
    "Start": {"index": "Quickstart", "migration": "Moving here"},
    "Guides": {
        "chat": "Text and streams",
        "tools": "Tools and JSON",
        "thinking": "Thinking",
        "routing": "Routing and fallbacks",
        "cache": "Cache and feedback",
        "media": "Vectors, pictures, sound",
        "video": "Video and 3D",
        "agents": "Agents and tasks",
        "realtime": "Realtime",
        "webhooks": "Webhooks",
    },
    "Account": {
        "organizations": "Keys, people, teams",
        "money": "Money",
        "limits": "Errors and limits",
        "privacy": "Privacy",
    },
    "Reference": {
        "reference": "All endpoints",
        "parameters": "What each model takes",
        "errors": "All errors",
        "find": "A to Z",
    },
    "Your own": {"self-hosting": "Self-hosting"},
}
MENU = {name: title for group in GROUPS.values() for name, title in group.items()}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


VARY = "Accept, Accept-Encoding"
KEPT = {"Cache-Control": "public, max-age=300", "Content-Security-Policy": POLICY, "Vary": VARY}
NO_PAGE = """<h1>There is no such page</h1>
<p>The menu has all pages; <a href="@/docs/find">A to Z</a> finds a word.</p>
"""
# The pages of one process, under a stage and a domain of one's own.
PAGES_KEPT = 2 * (len(MENU) + 1)


class Document(Struct, frozen=True):
    """A page as it is sent. Its tag is weak, because one tag stands for both codings."""

    body: bytes
    gzipped: bytes
    etag: str


def guide_page(renderer: Renderer, request: Request) -> Answer:
    """Returns the document of a path; a name is one of the menu, never a path of files."""
    name = request.path.removeprefix("/docs").strip("/") or "index"
    if name not in MENU or request.method not in {"GET", "HEAD"}:
        missing = _document(renderer, request.base_path, "")
        return Answer(missing.body, 404, {**KEPT, "Cache-Control": "no-store"})
    document = _document(renderer, request.base_path, name)
    headers = {**KEPT, "ETag": document.etag}
    if _names(request.headers.get("if-none-match", ""), document.etag):
        return Answer(status=304, headers=headers)
    if _takes_gzip(request.headers):
        return Answer(document.gzipped, headers={**headers, "Content-Encoding": "gzip"})
    return Answer(document.body, headers=headers)


@lru_cache(PAGES_KEPT)
def _document(renderer: Renderer, stage: str, name: str) -> Document:
    """Makes the page of that name; without a name, the page that tells of none."""
    html = (renderer.folder / "guide" / f"{name}.html").read_text() if name else NO_PAGE
    names = list(MENU)
    body = renderer.guide(
        stage=stage,
        title=MENU.get(name, "No such page"),
        here=_path(name),
        menu=[(group, [(_path(each), text) for each, text in found.items()]) for group, found in GROUPS.items()],
        onward=next(((_path(each), MENU[each]) for each in names[names.index(name) + 1 :]), None) if name else None,
        html=html.replace('href="@/', f'href="{stage}/'),
    )
    return Document(body, compress(body, mtime=0), f'W/"{sha256(body).hexdigest()[:32]}"')


def _path(name: str) -> str:
    return "/docs" if name == "index" else f"/docs/{name}"


def _names(tags: str, etag: str) -> bool:
    """True if an If-None-Match names the tag, by the weak comparison of RFC 9110 section 13.1.2."""
    opaque = etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") in {opaque, "*"} for tag in tags.split(","))


def _takes_gzip(headers: Mapping[str, str]) -> bool:
    """True for a browser that takes gzip.

    API Gateway decodes the base64 of an answer where Accept begins with a binary media type of the API, as a browser's
    does with text/html: other clients get the page as it is.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html
    """
    wanted = headers.get("accept", "").partition(",")[0].partition(";")[0].strip().lower()
    return wanted == "text/html" and any(_is_gzip(each) for each in headers.get("accept-encoding", "").split(","))


def _is_gzip(coding: str) -> bool:
    name, _, weight = coding.replace(" ", "").lower().partition(";q=")
    return name == "gzip" and weight.strip("0.") != "" if weight else name == "gzip"
