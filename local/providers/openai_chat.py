"""Simulates OpenAI's Chat Completions wire, and the variants of other provider rows that speak it.

Source: https://platform.openai.com/docs/api-reference/chat; fields and order as recorded.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import orjson

from local.providers import answers, chat_sound, openai_checks, openai_shapes, openai_table, schemas, tokens
from local.providers.answers import Draft, Ended, ModelRequest, Tool, ToolChoice
from local.providers.json_value import Json, JsonValue
from local.providers.openai_shapes import DEEPSEEK, OPENAI, Dialect
from local.providers.wire import Call, Frame, FrameKind, Refusal, Reply, Wire, json_reply, route, sse

__all__ = ["DEEPSEEK", "OPENAI", "wire"]

_FINGERPRINT = "fp_simulated"
_DONE = b"data: [DONE]\n\n"
_TOKENS_PER_CHUNK = 3
_IMAGE_TOKENS = {"low": 85, "high": 765, "auto": 765}
_MEDIA = {"image_url": "image", "input_audio": "audio clip", "file": "file"}
_FINISH = {
    Ended.STOP: "stop",
    Ended.STOP_SEQUENCE: "stop",
    Ended.REFUSED: "stop",
    Ended.LENGTH: "length",
    Ended.CALLS: "tool_calls",
}


def wire(dialect: Dialect) -> Wire:
    """Builds the chat wire as one provider row speaks it."""
    return Wire(
        row=dialect.row,
        prefix=dialect.prefix,
        routes=(
            route("POST", dialect.path, functools.partial(_shaped, dialect)),
            route("GET", "(/v1)?/models", functools.partial(openai_shapes.list_models, dialect)),
            route("GET", "(/v1)?/models/(?P<model>.+)", functools.partial(openai_shapes.get_model, dialect)),
        ),
        authorize=functools.partial(_authorize, dialect),
        question=question,
        model=lambda call: str(call.body.get("model", "")),
        refusal=lambda status, message, code: _refused(dialect, openai_shapes.refusal(status, message, code)),
        error_frame=lambda _: sse(
            openai_shapes.error_body("The server had an error while processing your request.", "server_error", None)
        ),
        garbage_frame=lambda _: b'data: {"id":"chatcmpl-broken","choices":[{"del\n\n',
        headers=openai_shapes.headers,
    )


def question(body: Json) -> str:
    """Returns the text of the last user message."""
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return _text_of(message.get("content"))
    return ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The common parts of every chunk and of the whole body of one answer."""

    dialect: Dialect
    call: Call
    drafts: tuple[Draft, ...]
    prompt_tokens: int
    cached_tokens: int

    def envelope(self, kind: str, identifier: str) -> Json:
        return {
            "id": identifier,
            "object": kind,
            "created": self.call.now_s,
            "model": openai_shapes.snapshot(self.call.body["model"]),
            "service_tier": "default",
            "system_fingerprint": _FINGERPRINT,
        }

    def usage(self) -> Json:
        spoken = sum(chat_sound.spoken_tokens(self.call.body, draft.text) for draft in self.drafts)
        output = spoken + sum(draft.output_tokens() for draft in self.drafts)
        usage: Json = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": output,
            "total_tokens": self.prompt_tokens + output,
            "prompt_tokens_details": {
                "cached_tokens": self.cached_tokens,
                "audio_tokens": chat_sound.heard_tokens(self.call.body) if self.dialect is OPENAI else 0,
            },
            "completion_tokens_details": {
                "reasoning_tokens": sum(draft.reasoning_tokens for draft in self.drafts),
                "audio_tokens": spoken,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }
        if self.dialect.own_cache_fields:
            usage["prompt_cache_hit_tokens"] = self.cached_tokens
            usage["prompt_cache_miss_tokens"] = self.prompt_tokens - self.cached_tokens
        return usage


def _authorize(dialect: Dialect, call: Call) -> None:
    try:
        openai_shapes.authorize(dialect, call)
    except Refusal as refusal:
        raise _refused(dialect, refusal) from None


def _shaped(dialect: Dialect, call: Call) -> Reply:
    """Answers, or refuses in the row's own shape."""
    try:
        return _answer(dialect, call)
    except Refusal as refusal:
        raise _refused(dialect, refusal) from None


def _refused(dialect: Dialect, refusal: Refusal) -> Refusal:
    if dialect.error is None:
        return refusal
    status, body = dialect.error(refusal.status, refusal.body["error"])
    return Refusal(status, body, refusal.headers)


def _answer(dialect: Dialect, call: Call) -> Reply:
    for name in dialect.unknown:
        if call.body.get(name) is not None:
            raise openai_shapes.refusal(422, f"Extra inputs are not permitted: '{name}'.", "extra_forbidden", name)
    openai_shapes.require_chat_model(openai_shapes.require_model(dialect, call.body.get("model")))
    openai_checks.check(call.body, dialect.table)
    chat_sound.check(call.body)
    answer = _thought(dialect, call)
    if call.body.get("stream"):
        headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
        return Reply(200, headers, _frames(answer))
    return json_reply(_whole(answer))


def _thought(dialect: Dialect, call: Call) -> _Answer:
    prompt = _prompt(call.body)
    openai_table.check_context(call.body, dialect.table, len(prompt))
    cached = call.memory.prefixes.read_and_write(f"{dialect.row}:{call.body['model']}", prompt)
    shape = call.shape
    drafts = (answers.compose(_ask(call.body, variant, dialect), shape) for variant in range(call.body.get("n") or 1))
    return _Answer(
        dialect,
        call,
        tuple(drafts),
        len(prompt) if shape.prompt_tokens is None else shape.prompt_tokens,
        cached if shape.cached is None else shape.cached,
    )


def _ask(body: Json, variant: int, dialect: Dialect) -> ModelRequest:
    messages: list[Json] = body["messages"]
    last_user = max((i for i, message in enumerate(messages) if message["role"] == "user"), default=-1)
    since = messages[last_user + 1 :]
    rounds = [m for m in since if m.get("tool_calls") or m.get("function_call")]
    results = tuple(_text_of(m["content"]) for m in _trailing(messages, {"tool", "function"}))
    return ModelRequest(
        model=body["model"],
        question=question(body),
        results=results,
        rounds_done=len(rounds),
        tools=_tools(body),
        choice=_choice(body),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body),
        media=_media(messages),
        reasoning_tokens=openai_shapes.reasoning_tokens(body["model"], body.get("reasoning_effort"), dialect),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        stops=tuple([body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or ()),
        variant=variant,
    )


def _trailing(messages: list[Json], roles: set[str]) -> list[Json]:
    found: list[Json] = []
    for message in reversed(messages):
        if message["role"] not in roles:
            break
        found.insert(0, message)
    return found


def _tools(body: Json) -> tuple[Tool, ...]:
    modern = [tool[tool["type"]] | {"free": tool["type"] == "custom"} for tool in body.get("tools") or ()]
    legacy = [function | {"free": False} for function in body.get("functions") or ()]
    return tuple(
        Tool(each["name"], None if each["free"] else each.get("parameters") or {"type": "object"})
        for each in [*modern, *legacy]
    )


def _choice(body: Json) -> ToolChoice:
    choice = body.get("tool_choice") or body.get("function_call") or "auto"
    if isinstance(choice, str):
        return ToolChoice(choice)
    allowed = choice.get("allowed_tools")
    if allowed:
        return ToolChoice(allowed["mode"], tuple(tool[tool["type"]]["name"] for tool in allowed["tools"]))
    named = choice.get("function") or choice.get("custom") or choice
    return ToolChoice("required", (named["name"],))


def _schema(body: Json) -> Json | None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return dict(wanted["json_schema"].get("schema") or {})
    if wanted.get("type") == "json_object":
        return schemas.free_form(question(body))
    return None


def _parts(content: JsonValue) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _text_of(content: JsonValue) -> str:
    return "".join(str(part.get("text", "")) for part in _parts(content))


def _media(messages: list[Json]) -> tuple[str, ...]:
    parts = [part for message in messages for part in _parts(message.get("content"))]
    return tuple(_MEDIA[part["type"]] for part in parts if part["type"] in _MEDIA)


def _prompt(body: Json) -> list[str]:
    """Lists the tokens of the prompt in the order in which they are cached: tools, format, messages."""
    prompt: list[str] = []
    for name in ("tools", "functions", "response_format"):
        if body.get(name):
            prompt += tokens.split(orjson.dumps(body[name]).decode())
    for message in body["messages"]:
        prompt += [f"<{message['role']}>", "<message>", "</message>"]
        for part in _parts(message.get("content")):
            prompt += _part_tokens(part)
        if message.get("tool_calls"):
            prompt += tokens.split(orjson.dumps(message["tool_calls"]).decode())
    return prompt


def _part_tokens(part: Json) -> list[str]:
    if part["type"] == "text":
        return tokens.split(part["text"])
    digest = hashlib.sha256(orjson.dumps(part)).hexdigest()
    if part["type"] == "input_audio":
        return [f"<{digest}>"] * chat_sound.part_tokens(part)
    detail = part["image_url"].get("detail", "auto") if part["type"] == "image_url" else "high"
    return [f"<{digest}>"] * _IMAGE_TOKENS.get(detail, _IMAGE_TOKENS["high"])


def _whole(answer: _Answer) -> Json:
    body = answer.envelope("chat.completion", answer.call.unique_id("chatcmpl-"))
    body["choices"] = [_whole_choice(answer, index, draft) for index, draft in enumerate(answer.drafts)]
    if not answer.call.shape.no_usage:
        body["usage"] = answer.usage()
    return _odd(answer.dialect, body)


def _odd(dialect: Dialect, body: Json) -> Json:
    return body if dialect.odd is None else dialect.odd(body)


def _whole_choice(answer: _Answer, index: int, draft: Draft) -> Json:
    refused = draft.ended is Ended.REFUSED
    message: Json = {
        "role": "assistant",
        "content": None if refused or (draft.calls and not draft.text) else draft.text,
        "refusal": draft.text if refused else None,
        "annotations": [],
    }
    if answer.dialect.thought and draft.reasoning:
        message[answer.dialect.thought] = draft.reasoning
    if chat_sound.speaks(answer.call.body, draft):
        message |= {"content": None, "audio": chat_sound.whole(answer.call, index, draft.text)}
    calls = _calls(answer.call, index, draft)
    if calls and _legacy(answer.call):
        message["function_call"] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = calls
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(answer.call.body, draft.text),
        "finish_reason": _finish(answer.call, draft),
    }


def _legacy(call: Call) -> bool:
    return bool(call.body.get("functions"))


def _finish(call: Call, draft: Draft) -> str:
    return "function_call" if draft.ended is Ended.CALLS and _legacy(call) else _FINISH[draft.ended]


def _calls(call: Call, choice: int, draft: Draft) -> list[Json]:
    free = {tool.name for tool in _tools(call.body) if tool.schema is None}
    written: list[Json] = []
    for index, each in enumerate(draft.calls):
        identifier = call.stable_id("call_", choice * 1000 + index)
        if each.name in free:
            inner: Json = {"name": each.name, "input": each.arguments}
            written.append({"id": identifier, "type": "custom", "custom": inner})
        else:
            inner = {"name": each.name, "arguments": each.arguments}
            written.append({"id": identifier, "type": "function", "function": inner})
    return written


def _logprobs(body: Json, text: str) -> Json | None:
    if not body.get("logprobs"):
        return None
    return {
        "content": [_logprob(piece, body.get("top_logprobs") or 0) for piece in tokens.split(text)],
        "refusal": None,
    }


def _logprob(piece: str, alternatives: int) -> Json:
    likely = -hashlib.sha256(piece.encode()).digest()[0] / 1024
    others = [_weighed(piece, likely), *(_weighed(f" {n}", likely - n) for n in range(1, 20))]
    return _weighed(piece, likely) | {"top_logprobs": others[:alternatives]}


def _weighed(piece: str, logprob: float) -> Json:
    return {"token": piece, "logprob": logprob, "bytes": list(piece.encode())}


def _frames(answer: _Answer) -> Iterator[Frame]:
    call = answer.call
    options = call.body.get("stream_options") or {}
    asked = bool(options.get("include_usage")) or answer.dialect.always_counts
    envelope = answer.envelope("chat.completion.chunk", call.unique_id("chatcmpl-"))

    def chunk(kind: FrameKind, choices: list[Json], usage: Json | None = None) -> Frame:
        tail = {"choices": choices, "usage": usage} if asked else {"choices": choices}
        comment = answer.dialect.comment if kind is FrameKind.CONTENT else b""
        return Frame(kind, comment + sse(_odd(answer.dialect, envelope | tail)))

    choices = list(enumerate(answer.drafts))
    for index, draft in choices:
        content: Json = {"content": None} if draft.calls else {"content": "", "refusal": None}
        yield chunk(FrameKind.STRUCTURE, [_delta(index, {"role": "assistant"} | content)])
    for row in zip_longest(*(_deltas(answer, index, draft) for index, draft in choices)):
        for choice in filter(None, row):
            yield chunk(FrameKind.CONTENT, [choice])
    for index, draft in choices:
        yield chunk(FrameKind.CLOSING, [_delta(index, {}, _finish(call, draft))])
    if asked and not call.shape.no_usage:
        yield chunk(FrameKind.CLOSING, [], answer.usage())
    yield Frame(FrameKind.DONE, _DONE)


def _deltas(answer: _Answer, index: int, draft: Draft) -> Iterator[Json]:
    if answer.dialect.thought:
        for piece in tokens.cut(draft.reasoning, _TOKENS_PER_CHUNK):
            yield _delta(index, {"content": None, answer.dialect.thought: piece})
    if chat_sound.speaks(answer.call.body, draft):
        yield from (_delta(index, {"audio": piece}) for piece in chat_sound.pieces(answer.call, index, draft.text))
        return
    member = "refusal" if draft.ended is Ended.REFUSED else "content"
    for piece in tokens.cut(draft.text, _TOKENS_PER_CHUNK, answer.call.shape.chunks):
        yield _delta(index, {member: piece}, logprobs=_logprobs(answer.call.body, piece))
    for position, written in enumerate(_calls(answer.call, index, draft)):
        yield from _call_deltas(answer.call, index, position, written)


def _call_deltas(call: Call, index: int, position: int, written: Json) -> Iterator[Json]:
    member, payload = ("custom", "input") if written["type"] == "custom" else ("function", "arguments")
    inner = written[member]
    pieces = tokens.cut(inner[payload], _TOKENS_PER_CHUNK)
    if _legacy(call):
        yield _delta(index, {"function_call": inner | {payload: ""}})
        yield from (_delta(index, {"function_call": {payload: piece}}) for piece in pieces)
        return
    yield _delta(index, {"tool_calls": [{"index": position} | written | {member: inner | {payload: ""}}]})
    for piece in pieces:
        yield _delta(index, {"tool_calls": [{"index": position, member: {payload: piece}}]})


def _delta(index: int, delta: Json, finish: str | None = None, logprobs: Json | None = None) -> Json:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
