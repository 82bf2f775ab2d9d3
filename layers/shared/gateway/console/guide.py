"""Serves the documents for users at `/docs`, without a key and without a cookie: pages that `make docs` has written.

Each is the same for every reader, so that it may be kept for some minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def guide_page(renderer: Renderer, request: Request) -> Answer | None:
    """Returns the document of a path, or None where there is none; a name is one of the menu, never a path of files."""
    name = request.path.removeprefix("/docs").strip("/") or "index"
    if name not in MENU or request.method not in {"GET", "HEAD"}:
        return None
    html = (renderer.folder / "guide" / f"{name}.html").read_text()
    stage, names = request.base_path, list(MENU)
    body = renderer.guide(
        stage=stage,
        title=MENU[name],
        here=_path(name),
        menu=[(group, [(_path(each), text) for each, text in found.items()]) for group, found in GROUPS.items()],
        onward=next(((_path(each), MENU[each]) for each in names[names.index(name) + 1 :]), None),
        html=html.replace('href="@/', f'href="{stage}/'),
    )
    return Answer(body, headers={"Cache-Control": "public, max-age=300", "Content-Security-Policy": POLICY})


def _path(name: str) -> str:
    return "/docs" if name == "index" else f"/docs/{name}"
