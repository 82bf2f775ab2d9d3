"""Simulates OpenAI's moderations: a text is flagged for each category that it names.

https://platform.openai.com/docs/api-reference/moderations/object
"""

from __future__ import annotations

import functools

from local.providers import openai_shapes
from local.providers.json_value import Json
from local.providers.openai_chat import OPENAI
from local.providers.wire import Call, Reply, Wire, json_reply, route

MODELS = ("omni-moderation-latest", "omni-moderation-2024-09-26")
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def wire() -> Wire:
    """Builds the moderations endpoint beside the chat wire of the same row."""
    return Wire(
        row=OPENAI.row,
        prefix=OPENAI.prefix,
        routes=(route("POST", "/moderations", _create),),
        authorize=functools.partial(openai_shapes.authorize, OPENAI),
        question=lambda body: str(body.get("input", "")),
        model=lambda call: str(call.body.get("model", "")),
        refusal=openai_shapes.refusal,
        headers=openai_shapes.headers,
    )


def _create(call: Call) -> Reply:
    model, given = call.body.get("model", MODELS[0]), call.body.get("input")
    if model not in MODELS:
        raise openai_shapes.refusal(404, f"The model `{model}` does not exist.", "model_not_found", "model")
    if not given:
        raise openai_shapes.refusal(400, "Input cannot be empty.", "invalid_value", "input")
    results = [_judged([given])] if isinstance(given, str) else _results(given)
    return json_reply({"id": call.unique_id("modr-"), "model": "omni-moderation-2024-09-26", "results": results})


def _results(given: list[str | Json]) -> list[Json]:
    """Builds one result for each text of a list, and one for all parts of an input of several kinds."""
    texts = [one for one in given if isinstance(one, str)]
    parts = [str(one.get("text", "")) for one in given if isinstance(one, dict)]
    return [_judged(parts)] if parts else [_judged([text]) for text in texts]


def _judged(texts: list[str]) -> Json:
    said = " ".join(texts).lower()
    flags = {category: category.partition("/")[0] in said for category in CATEGORIES}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {category: 0.97 if flag else 0.0001 for category, flag in flags.items()},
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }
