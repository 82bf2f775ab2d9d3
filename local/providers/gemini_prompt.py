"""Reads a Gemini request: what its candidates are to answer, and the tokens of its prompt."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain

import orjson

from local.providers import gemini_checks, schemas, tokens
from local.providers.answers import ModelRequest, Tool, ToolChoice
from local.providers.json_value import Json, JsonValue

THINKING_MODELS = re.compile(r"gemini-(2\.5|[3-9])")
_THOUGHT_TOKENS = 128
_LEVEL_TOKENS = {"minimal": 0, "low": 64, "medium": 128, "high": 256}
_MEDIA_TOKENS = {"IMAGE": 258, "AUDIO": 320, "VIDEO": 2580, "DOCUMENT": 258}
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}
_MEDIA_NAMES = {"IMAGE": "image", "AUDIO": "audio clip", "VIDEO": "video", "DOCUMENT": "document"}


def question(body: Json) -> str:
    """Returns the text of the last user turn that has any."""
    contents = body.get("contents")
    for content in reversed(contents if isinstance(contents, list) else []):
        if isinstance(content, dict) and content.get("role", "user") == "user":
            text = _text_of(content)
            if text:
                return text
    return ""


def _text_of(content: JsonValue) -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    visible = (part for part in parts or () if isinstance(part, dict) and not part.get("thought"))
    return "".join(str(part.get("text", "")) for part in visible)


def model_request(body: Json, model: str, variant: int) -> ModelRequest:
    """Returns what one candidate is to answer."""
    contents: list[Json] = body["contents"]
    config = body.get("generationConfig") or {}
    asked = max((i for i, c in enumerate(contents) if gemini_checks.turn_kind(c) == "user"), default=0)
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames")
    return ModelRequest(
        model=model,
        question=question(body),
        results=tuple(_results(contents[-1])),
        rounds_done=sum(1 for c in contents[asked:] if gemini_checks.turn_kind(c) == "calls"),
        tools=tuple(_tools(body)),
        choice=ToolChoice(_MODES.get(calling.get("mode", "AUTO"), "auto"), tuple(allowed) if allowed else None),
        schema=_schema(body),
        media=tuple(_MEDIA_NAMES[modality] for modality in _media(contents)),
        reasoning_tokens=_thought_tokens(model, config.get("thinkingConfig") or {}),
        max_tokens=config.get("maxOutputTokens"),
        stops=tuple(config.get("stopSequences") or ()),
        variant=variant,
    )


def _results(content: Json) -> Iterator[str]:
    for part in content["parts"]:
        if "functionResponse" in part:
            response = part["functionResponse"].get("response") or {}
            yield " ".join(v if isinstance(v, str) else orjson.dumps(v).decode() for v in response.values())


def _tools(body: Json) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        for declared in tool.get("functionDeclarations") or ():
            schema = declared.get("parametersJsonSchema") or declared.get("parameters")
            yield Tool(declared["name"], schema or {"type": "object"})


def _schema(body: Json) -> Json | None:
    config = body.get("generationConfig") or {}
    if config.get("responseMimeType") != "application/json":
        return None
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return schema or schemas.free_form(question(body))


def _thought_tokens(model: str, config: Json) -> int:
    if not THINKING_MODELS.match(model):
        return 0
    if "thinkingLevel" in config:
        return _LEVEL_TOKENS.get(str(config["thinkingLevel"]).lower(), _THOUGHT_TOKENS)
    budget = config.get("thinkingBudget", -1)
    return _THOUGHT_TOKENS if budget < 0 else min(budget, _THOUGHT_TOKENS)


def _modality(part: Json) -> str | None:
    data = part.get("inlineData") or part.get("fileData")
    if data is None:
        return None
    family = str(data.get("mimeType", "")).partition("/")[0].upper()
    return family if family in _MEDIA_TOKENS else "DOCUMENT"


def _media(contents: Sequence[Json]) -> Iterator[str]:
    for part in chain.from_iterable(content["parts"] for content in contents):
        modality = _modality(part)
        if modality:
            yield modality


def tokens_by_modality(body: Json) -> Iterator[tuple[str, str]]:
    """Yields the tokens of the prompt with their modality, in the order in which they are cached."""
    for name in ("tools", "systemInstruction"):
        if body.get(name):
            yield from (("TEXT", token) for token in tokens.split(orjson.dumps(body[name]).decode()))
    for content in body.get("contents") or ():
        yield "TEXT", f"<{content.get('role', 'user')}>"
        for part in content["parts"]:
            yield from _part_tokens(part)


def _part_tokens(part: Json) -> Iterator[tuple[str, str]]:
    modality = _modality(part)
    if modality:
        digest = hashlib.sha256(orjson.dumps(part)).hexdigest()
        yield from [(modality, f"<{digest}>")] * _MEDIA_TOKENS[modality]
        return
    bare = {name: value for name, value in part.items() if name != "thoughtSignature"}
    text = part["text"] if "text" in part else orjson.dumps(bare).decode()
    yield from (("TEXT", token) for token in tokens.split(text))
