"""The playground: its page, and the key by which the page's script calls the API as any client does."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit
from gateway.http.request import JSON_TYPE

playground = Pages()


@playground.on("GET", "/playground")
async def show_playground(visit: Visit) -> Answer:
    """Shows the form; answers stream into it."""
    models = (await visit.get("/v1/models", by_key=True))["data"]
    by_kind: dict[str, list[Any]] = {}
    for model in models:
        by_kind.setdefault(model["kind"], []).append(model["id"])
    return visit.page("playground", by_kind=by_kind, chosen=visit.request.query.get("model", ""))


@playground.on("POST", "/playground/key")
async def playground_key(visit: Visit) -> Answer:
    """Hands the page the short-lived key of the console."""
    body = orjson.dumps({"key": await visit.key(), "base": f"{visit.request.base_path}/v1"})
    return Answer(body, headers={"Content-Type": JSON_TYPE})
