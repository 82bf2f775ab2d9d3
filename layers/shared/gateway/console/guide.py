"""Serves the documents for users at `/docs`, without a key and without a cookie: pages that `make docs` has written.

Each is the same for every reader, so that it may be kept for some minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.console.visit import Answer

if TYPE_CHECKING:
    from gateway.console.render import Renderer
    from gateway.http.request import Request

# Beside the pages of each name in `docs/guide`, in the order of the menu.
MENU = {
    "index": "Quickstart",
    "chat": "Text",
    "media": "Media",
    "agents": "Agents",
    "realtime": "Realtime",
    "cache": "Cache",
    "limits": "Errors and limits",
    "money": "Money",
    "privacy": "Privacy",
    "migration": "Moving here",
    "self-hosting": "Self-hosting",
    "reference": "All endpoints",
}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def guide_page(renderer: Renderer, request: Request) -> Answer | None:
    """Returns the document of a path, or None where there is none; a name is one of the menu, never a path of files."""
    name = request.path.removeprefix("/docs").strip("/") or "index"
    if name not in MENU or request.method not in {"GET", "HEAD"}:
        return None
    html = (renderer.folder / "guide" / f"{name}.html").read_text()
    stage = request.base_path
    body = renderer.guide(
        stage=stage,
        title=MENU[name],
        here=_path(name),
        menu=[(_path(each), text) for each, text in MENU.items()],
        html=html.replace('href="@/', f'href="{stage}/'),
    )
    return Answer(body, headers={"Cache-Control": "public, max-age=300", "Content-Security-Policy": POLICY})


def _path(name: str) -> str:
    return "/docs" if name == "index" else f"/docs/{name}"
