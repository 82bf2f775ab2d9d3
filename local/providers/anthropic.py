"""Simulates Anthropic's Messages wire: blocks, verified thinking signatures, usage by token class.

Source: https://docs.claude.com/en/api/messages and .../build-with-claude/streaming; fields and order as recorded.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson

from local.providers import answers, anthropic_checks, anthropic_prompt, block_cache, seals, searches, tokens
from local.providers.answers import Draft, Ended, ModelRequest, Tool, ToolChoice
from local.providers.anthropic_checks import REDACTED, SIGNATURE
from local.providers.anthropic_prompt import parts
from local.providers.block_cache import Block, Cost
from local.providers.faults import without_directives
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Frame, FrameKind, Headers, Reply, Wire, json_reply, route, sse

API_KEY = "sim-anthropic-key-0001"
PREFIX = "/anthropic"

_MODELS = re.compile(r"claude-[a-z0-9.@-]+")
_LISTED = (
    "claude-opus-4-7",
    "claude-opus-4-5-20251101",
    "claude-sonnet-4-6",
    "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5-20251001",
)
_TOKENS_PER_CHUNK = 3
_EFFORT_TOKENS = {"low": 64, "medium": 128, "high": 256, "xhigh": 512, "max": 512}
_ENABLED_TOKENS = 128
_MEDIA = {"image": "image", "document": "document"}
_CHOICES = {"auto": "auto", "any": "required", "tool": "required", "none": "none"}
_CLIENT_TOOLS = re.compile(r"(bash|text_editor|computer|memory)_\d+")
_CLIENT_SCHEMA: Json = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
_SERVER_TOOLS = re.compile(r"(web_search|web_fetch)_\d+")
_STOP_REASONS = {
    Ended.STOP: "end_turn",
    Ended.STOP_SEQUENCE: "stop_sequence",
    Ended.LENGTH: "max_tokens",
    Ended.CALLS: "tool_use",
    Ended.REFUSED: "refusal",
}


def wire() -> Wire:
    """Builds the wire: the Messages API, token counting and the model list."""
    return Wire(
        row="anthropic",
        prefix=PREFIX,
        routes=(
            route("POST", "/v1/messages", _create),
            route("POST", "/v1/messages/count_tokens", _count),
            route("GET", "/v1/models", _list_models),
            route("GET", "/v1/models/(?P<model>.+)", _get_model),
        ),
        authorize=_authorize,
        question=question,
        model=lambda call: str(call.body.get("model", "")),
        refusal=anthropic_checks.refusal,
        error_frame=_error_frame,
        garbage_frame=lambda _: b'event: content_block_delta\ndata: {"type":"content_block_del\n\n',
        headers=_headers,
        stamped=lambda call, body: body | {"request_id": _request_id(call)},
    )


def vertex_wire(prefix: str, access_token: str) -> Wire:
    """Builds the wire as Vertex AI has it: the model is in the path, and the version in the body.

    Source: https://docs.claude.com/en/api/claude-on-vertex-ai
    """

    def as_own(call: Call) -> Call:
        if call.body.get("anthropic_version") != "vertex-2023-10-16" or "model" in call.body:
            raise anthropic_checks.invalid("anthropic_version: Field required")
        own = {name: value for name, value in call.body.items() if name != "anthropic_version"}
        headers = {**call.headers, "anthropic-version": "2023-06-01"}
        # A snapshot's date stands behind an `@` there.
        return replace(call, body={**own, "model": call.params["model"].replace("@", "-")}, headers=headers)

    def authorize(call: Call) -> None:
        if call.headers.get("authorization") != f"Bearer {access_token}":
            raise anthropic_checks.refusal(401, "Request had invalid authentication credentials.")

    place = "/v1/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/(?P<model>[^/:]+)"
    own = wire()
    return replace(
        own,
        row="vertex",
        prefix=prefix,
        routes=tuple(
            route("POST", f"{place}:{verb}", lambda call: _create(as_own(call)))
            for verb in ("rawPredict", "streamRawPredict")
        ),
        authorize=authorize,
        model=lambda call: call.params.get("model", ""),
    )


def question(body: Json) -> str:
    """Returns the text of the last user message that has any."""
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            text = _text_of(message.get("content"))
            if text:
                return text
    return ""


def _text_of(content: JsonValue) -> str:
    return "\n".join(str(part["text"]) for part in parts(content) if part.get("type") == "text" and "text" in part)


def _request_id(call: Call) -> str:
    return call.unique_id("req_", 24)


def _headers(call: Call) -> Headers:
    return (
        ("request-id", _request_id(call)),
        ("anthropic-organization-id", "00000000-0000-4000-8000-000000000001"),
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", "3999"),
        ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:00Z"),
    )


def _error_frame(call: Call) -> bytes:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    return sse({"type": "error", "error": error, "request_id": _request_id(call)}, "error")


def _authorize(call: Call) -> None:
    bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
    key = call.headers.get("x-api-key") or bearer
    if not key:
        raise anthropic_checks.refusal(401, "x-api-key header is required")
    if key != API_KEY:
        raise anthropic_checks.refusal(401, "invalid x-api-key")
    if "anthropic-version" not in call.headers:
        raise anthropic_checks.invalid("anthropic-version: header is required")


def _check(call: Call, *, counting: bool) -> list[Block]:
    model = call.body.get("model")
    if not isinstance(model, str) or not model:
        raise anthropic_checks.invalid("model: Field required")
    if not _MODELS.fullmatch(model):
        raise anthropic_checks.refusal(404, f"model: {model}")
    anthropic_checks.check(call.body, dict(call.headers), counting=counting)
    prompt = anthropic_prompt.blocks(call.body)
    anthropic_checks.check_cache_marks(model, prompt)
    return prompt


@dataclass(frozen=True, slots=True)
class _Turn:
    """One parsed request with its answer and the tokens of both."""

    call: Call
    draft: Draft
    cost: Cost


def _create(call: Call) -> Reply:
    prompt = _check(call, counting=False)
    cost = block_cache.cost(call.body["model"], prompt, call.memory, call.now_s)
    turn = _Turn(call, answers.compose(_ask(call.body), call.shape), _reported(call, cost))
    message = _message(turn)
    if call.body.get("stream"):
        headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
        return Reply(200, headers, _frames(call, message))
    return json_reply(message)


def _reported(call: Call, cost: Cost) -> Cost:
    shape = call.shape
    return Cost(
        cost.uncached if shape.prompt_tokens is None else shape.prompt_tokens,
        cost.read if shape.cached is None else shape.cached,
        cost.written_5m if shape.cache_write is None else shape.cache_write,
        cost.written_1h if shape.cache_write_1h is None else shape.cache_write_1h,
    )


def _ask(body: Json) -> ModelRequest:
    messages: list[Json] = body["messages"]
    last_user = max((i for i, m in enumerate(messages) if m["role"] == "user" and _text_of(m["content"])), default=-1)
    since = messages[last_user + 1 :]
    choice = body.get("tool_choice") or {"type": "auto"}
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    return ModelRequest(
        model=body["model"],
        question=question(body),
        results=tuple(_results(messages[-1])),
        rounds_done=sum(1 for m in since if any(p["type"] == "tool_use" for p in parts(m["content"]))),
        tools=tuple(_tools(body)),
        choice=ToolChoice(_CHOICES[choice["type"]], (choice["name"],) if choice["type"] == "tool" else None),
        parallel=not choice.get("disable_parallel_tool_use"),
        schema=wanted.get("schema"),
        media=tuple(_media(messages)),
        reasoning_tokens=_thinking_tokens(body),
        max_tokens=body["max_tokens"],
        stops=tuple(body.get("stop_sequences") or ()),
        announces_calls=True,
    )


def _results(message: Json) -> Iterator[str]:
    for part in parts(message["content"]):
        if part["type"] == "tool_result":
            yield _text_of(part.get("content"))


def _tools(body: Json) -> Iterator[Tool]:
    for tool in body.get("tools") or ():
        kind = tool.get("type")
        if kind in {None, "custom"}:
            yield Tool(tool["name"], tool["input_schema"])
        elif _CLIENT_TOOLS.fullmatch(kind):
            yield Tool(tool["name"], _CLIENT_SCHEMA)


def _media(messages: list[Json]) -> Iterator[str]:
    for message in messages:
        for part in parts(message["content"]):
            inner = parts(part.get("content")) if part["type"] == "tool_result" else [part]
            yield from (_MEDIA[each["type"]] for each in inner if each["type"] in _MEDIA)


def _thinking_tokens(body: Json) -> int:
    kind = (body.get("thinking") or {}).get("type", "disabled")
    if kind == "disabled":
        return 0
    effort = (body.get("output_config") or {}).get("effort") or "high"
    return _ENABLED_TOKENS if kind == "enabled" else _EFFORT_TOKENS.get(effort, _EFFORT_TOKENS["high"])


def _message(turn: _Turn) -> Json:
    call, draft = turn.call, turn.draft
    message: Json = {
        "model": call.body["model"],
        "id": call.unique_id("msg_", 24),
        "type": "message",
        "role": "assistant",
        "content": _content(turn),
        "stop_reason": _STOP_REASONS[draft.ended],
        "stop_sequence": draft.stop_sequence,
        "stop_details": _refusal_details() if draft.ended is Ended.REFUSED else None,
        "usage": _usage(turn),
    }
    if call.shape.no_usage:
        message["usage"] = None
    return message


def _refusal_details() -> Json:
    return {"type": "refusal", "category": None, "explanation": None}


def _usage(turn: _Turn) -> Json:
    cost, draft = turn.cost, turn.draft
    used = [name for name, failed in _uses(turn) if not failed]
    usage: Json = {
        "input_tokens": cost.uncached + len(used) * searches.FOUND_TOKENS,
        "cache_creation_input_tokens": cost.written_5m + cost.written_1h,
        "cache_read_input_tokens": cost.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": cost.written_5m,
            "ephemeral_1h_input_tokens": cost.written_1h,
        },
        "output_tokens": draft.output_tokens(),
        "service_tier": "standard",
        "inference_geo": "not_available",
    }
    if draft.reasoning_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": draft.reasoning_tokens}
    if used:
        counts = Counter(used)
        usage["server_tool_use"] = {f"{name}_requests": counts[name] for name in ("web_search", "web_fetch")}
    return usage


def _uses(turn: _Turn) -> list[tuple[str, bool]]:
    """The server's tools that the model uses, each with whether that is over its bound; none before a caller's."""
    draft, body = turn.draft, turn.call.body
    offered = [tool for tool in body.get("tools") or () if _SERVER_TOOLS.fullmatch(str(tool.get("type")))]
    if (
        not offered
        or draft.calls
        or draft.ended is Ended.REFUSED
        or (body.get("tool_choice") or {}).get("type") == "none"
    ):
        return []
    name, most = offered[0]["name"], offered[0].get("max_uses")
    wanted = searches.wanted(turn.call.shape)
    # A model that is told of its bound stops there.
    return [(name, most is not None and place >= most) for place in range(min(wanted, (most or wanted) + 1))]


def _used(turn: _Turn) -> Iterator[Json]:
    for place, (name, failed) in enumerate(_uses(turn)):
        identity = turn.call.stable_id("srvtoolu_", place)
        asked = searches.query(without_directives(question(turn.call.body)), place)
        given = {"query": asked} if name == "web_search" else {"url": searches.SOURCE["url"]}
        found: JsonValue = _found(name)
        if failed:
            found = {"type": f"{name}_tool_result_error", "error_code": "max_uses_exceeded"}
        yield {"type": "server_tool_use", "id": identity, "name": name, "input": given}
        yield {"type": f"{name}_tool_result", "tool_use_id": identity, "content": found}


def _found(name: str) -> JsonValue:
    if name == "web_search":
        sealed = seals.seal("anthropic search result", "", searches.SOURCE["url"])
        return [{"type": "web_search_result", **searches.SOURCE, "encrypted_content": sealed, "page_age": None}]
    page = {"type": "text", "media_type": "text/plain", "data": "A simulated page."}
    document = {"type": "document", "source": page, "title": searches.SOURCE["title"]}
    return {"type": "web_fetch_result", "url": searches.SOURCE["url"], "content": document, "retrieved_at": None}


def _content(turn: _Turn) -> list[Json]:
    draft = turn.draft
    content: list[Json] = []
    if draft.reasoning:
        content.append(_thought(turn.call, draft.reasoning))
    content += _used(turn)
    if draft.text:
        content.append({"type": "text", "text": draft.text})
    for index, each in enumerate(draft.calls):
        content.append(
            {
                "type": "tool_use",
                "id": turn.call.stable_id("toolu_", index),
                "name": each.name,
                "input": _whole_arguments(each.arguments),
            }
        )
    return content


def _thought(call: Call, reasoning: str) -> Json:
    if call.shape.redacted:
        return {"type": "redacted_thinking", "data": seals.seal(REDACTED, "", reasoning)}
    display = (call.body.get("thinking") or {}).get("display")
    hidden = display == "omitted" or (display is None and anthropic_checks.hides_thinking(call.body["model"]))
    shown = "" if hidden else reasoning
    return {"type": "thinking", "thinking": shown, "signature": seals.seal(SIGNATURE, shown, reasoning)}


def _whole_arguments(arguments: str) -> Json:
    """Parses the arguments of a call; a call cut short by `max_tokens` has no readable input."""
    try:
        return dict(orjson.loads(arguments))
    except orjson.JSONDecodeError:
        return {}


def _frames(call: Call, message: Json) -> Iterator[Frame]:
    usage = message["usage"] or {"input_tokens": 0, "output_tokens": 0}
    so_far = _without(usage, "output_tokens_details") | {"output_tokens": 1}
    opening: Json = {"content": [], "stop_reason": None, "stop_sequence": None, "stop_details": None, "usage": so_far}
    yield _event(FrameKind.STRUCTURE, "message_start", {"message": message | opening})
    for index, block in enumerate(message["content"]):
        empty, deltas = _streamed(block, call.shape.chunks)
        yield _event(FrameKind.STRUCTURE, "content_block_start", {"index": index, "content_block": block | empty})
        if index == 0:
            yield _event(FrameKind.STRUCTURE, "ping", {})
        for delta in deltas:
            yield _event(FrameKind.CONTENT, "content_block_delta", {"index": index, "delta": delta})
        yield _event(FrameKind.STRUCTURE, "content_block_stop", {"index": index})
    ended = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
    closing: Json = {"delta": ended}
    if message["usage"]:
        closing["usage"] = _without(usage, "cache_creation", "service_tier", "inference_geo")
    yield _event(FrameKind.CLOSING, "message_delta", closing)
    yield _event(FrameKind.DONE, "message_stop", {})


def _without(usage: Json, *names: str) -> Json:
    return {name: value for name, value in usage.items() if name not in names}


def _event(kind: FrameKind, name: str, members: Json) -> Frame:
    return Frame(kind, sse({"type": name} | members, name))


def _streamed(block: Json, chunks: int | None) -> tuple[Json, Iterator[Json]]:
    """Splits a block into its start event and the deltas that fill it."""
    if block["type"] == "text":
        pieces = tokens.cut(block["text"], _TOKENS_PER_CHUNK, chunks)
        return {"text": ""}, ({"type": "text_delta", "text": piece} for piece in pieces)
    if block["type"] == "thinking":
        return {"thinking": "", "signature": ""}, _thinking_deltas(block)
    if block["type"] in {"tool_use", "server_tool_use"}:
        arguments = orjson.dumps(block["input"]).decode() if block["input"] else ""
        pieces = ["", *tokens.cut(arguments, _TOKENS_PER_CHUNK)]
        return {"input": {}}, ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return {}, iter(())


def _thinking_deltas(block: Json) -> Iterator[Json]:
    thinking = ({"type": "thinking_delta", "thinking": p} for p in tokens.cut(block["thinking"], _TOKENS_PER_CHUNK))
    return itertools.chain(thinking, [{"type": "signature_delta", "signature": block["signature"]}])


def _count(call: Call) -> Reply:
    return json_reply({"input_tokens": block_cache.count(_check(call, counting=True))})


def _list_models(_call: Call) -> Reply:
    data = [_model(name) for name in _LISTED]
    return json_reply({"data": data, "has_more": False, "first_id": _LISTED[0], "last_id": _LISTED[-1]})


def _get_model(call: Call) -> Reply:
    model = call.params["model"]
    if not _MODELS.fullmatch(model):
        raise anthropic_checks.refusal(404, f"model: {model}")
    return json_reply(_model(model))


def _model(name: str) -> Json:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": 200_000,
        "max_tokens": 64_000,
    }
