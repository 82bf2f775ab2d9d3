"""Simulates Bedrock's Converse wire: signed requests, typed errors, streams in AWS's binary framing.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html; as recorded.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from local.providers import answers, aws_signature, bedrock_checks, block_cache, event_stream, seals, tokens
from local.providers.answers import Draft, Ended, ModelRequest, Tool, ToolChoice
from local.providers.block_cache import Block, Cost
from local.providers.json_value import Json, JsonValue
from local.providers.wire import Call, Frame, FrameKind, Headers, Reply, Wire, json_reply, route

PREFIX = "/bedrock"
API_KEY = "sim-bedrock-key-0001"
ACCESS_KEY_ID = "AKIASIMULATED0000001"
SECRET_ACCESS_KEY = "simulated/secret/access/key/0000000000001"
REGION = "us-east-1"

_MEDIA = {"image": "image", "document": "document", "video": "video"}
_MEDIA_TOKENS = {"image": 1500, "document": 2000, "video": 5000}
_CHOICES = {"auto": "auto", "any": "required", "tool": "required"}
_TOKENS_PER_CHUNK = 3
_ENABLED_TOKENS = 128
_EFFORT_TOKENS = {"low": 64, "medium": 128, "high": 256, "max": 512}
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_STOP_REASONS = {
    Ended.STOP: "end_turn",
    Ended.STOP_SEQUENCE: "stop_sequence",
    Ended.LENGTH: "max_tokens",
    Ended.CALLS: "tool_use",
    Ended.REFUSED: "content_filtered",
}


def wire() -> Wire:
    """Builds the wire: Converse, ConverseStream and CountTokens."""
    return Wire(
        row="bedrock",
        prefix=PREFIX,
        routes=(
            route("POST", "/model/(?P<model>[^/]+)/converse", _converse),
            route("POST", "/model/(?P<model>[^/]+)/converse-stream", _converse_stream),
            route("POST", "/model/(?P<model>[^/]+)/count-tokens", _count),
        ),
        authorize=_authorize,
        question=question,
        model=lambda call: call.params["model"],
        refusal=bedrock_checks.refusal,
        error_frame=_error_frame,
        garbage_frame=lambda _: _broken(_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "x"}})),
        headers=_headers,
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
    blocks = content if isinstance(content, list) else []
    return "\n".join(str(block["text"]) for block in blocks if isinstance(block, dict) and "text" in block)


def _headers(call: Call) -> Headers:
    digest = hashlib.sha256(call.unique_id("").encode()).hexdigest()
    identifier = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
    return (("x-amzn-requestid", identifier),)


def _authorize(call: Call) -> None:
    authorization = call.headers.get("authorization", "")
    if authorization.startswith("Bearer "):
        if not hmac.compare_digest(authorization.removeprefix("Bearer "), API_KEY):
            message = "Authentication failed: Please make sure your API Key is valid."
            raise bedrock_checks.refusal(403, message)
        return
    try:
        aws_signature.verify(
            method=call.method,
            target=call.raw_path + (f"?{call.raw_query}" if call.raw_query else ""),
            headers=call.headers,
            body=call.raw,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
            service="bedrock",
            now_s=call.now_s,
        )
    except aws_signature.Unsigned as unsigned:
        raise bedrock_checks.refusal(403, unsigned.message, unsigned.kind) from unsigned


@dataclass(frozen=True, slots=True)
class _Turn:
    """One parsed request with its answer and the tokens of both."""

    call: Call
    draft: Draft
    cost: Cost


def _parsed(call: Call) -> _Turn:
    model, body = call.params["model"], call.body
    bedrock_checks.require_model(model)
    bedrock_checks.check(body, model)
    prompt = _prompt(body)
    bedrock_checks.check_cache_points(model, prompt)
    cost = block_cache.cost(model, prompt, call.memory, call.now_s)
    return _Turn(call, answers.compose(_ask(body, model), call.shape), _reported(call, cost))


def _reported(call: Call, cost: Cost) -> Cost:
    shape = call.shape
    return Cost(
        cost.uncached if shape.prompt_tokens is None else shape.prompt_tokens,
        cost.read if shape.cached is None else shape.cached,
        cost.written_5m if shape.cache_write is None else shape.cache_write,
        cost.written_1h if shape.cache_write_1h is None else shape.cache_write_1h,
    )


def _ask(body: Json, model: str) -> ModelRequest:
    messages: list[Json] = body["messages"]
    asked = max((i for i, m in enumerate(messages) if m["role"] == "user" and _text_of(m["content"])), default=-1)
    since = messages[asked + 1 :]
    inference = body.get("inferenceConfig") or {}
    return ModelRequest(
        model=model,
        question=question(body),
        results=tuple(_results(messages[-1])),
        rounds_done=sum(1 for m in since if any("toolUse" in block for block in m["content"])),
        tools=tuple(_tools(body)),
        choice=_choice((body.get("toolConfig") or {}).get("toolChoice") or {"auto": {}}),
        schema=_schema(body),
        media=tuple(_seen(messages)),
        reasoning_tokens=_reasoning_tokens(body),
        max_tokens=inference.get("maxTokens"),
        stops=tuple(inference.get("stopSequences") or ()),
        announces_calls=True,
    )


def _results(message: Json) -> Iterator[str]:
    """Yields what each tool answered. A result may have no content."""
    for block in message["content"]:
        if "toolResult" in block:
            inner = block["toolResult"].get("content") or [{"text": ""}]
            yield from (each["text"] if "text" in each else orjson.dumps(each.get("json")).decode() for each in inner)


def _tools(body: Json) -> Iterator[Tool]:
    for tool in (body.get("toolConfig") or {}).get("tools") or ():
        if "toolSpec" in tool:
            yield Tool(tool["toolSpec"]["name"], tool["toolSpec"]["inputSchema"]["json"])


def _choice(choice: Json) -> ToolChoice:
    ((kind, given),) = choice.items()
    return ToolChoice(_CHOICES[kind], (given["name"],) if kind == "tool" else None)


def _schema(body: Json) -> Json | None:
    wanted = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure", {}).get("jsonSchema")
    return dict(orjson.loads(wanted["schema"])) if wanted else None


def _seen(messages: Sequence[Json]) -> Iterator[str]:
    for message in messages:
        for block in message["content"]:
            inner = (block.get("toolResult") or {}).get("content") or [block]
            yield from (name for each in inner for kind, name in _MEDIA.items() if kind in each)


def _reasoning_tokens(body: Json) -> int:
    fields = body.get("additionalModelRequestFields") or {}
    kind = (fields.get("thinking") or {}).get("type")
    if kind == "adaptive":
        effort = (fields.get("output_config") or {}).get("effort", "high")
        return _EFFORT_TOKENS.get(effort, _EFFORT_TOKENS["high"])
    return _ENABLED_TOKENS if kind == "enabled" else 0


def _prompt(body: Json) -> list[Block]:
    """Lists the blocks of the prompt in the order tools, system, messages. A cachePoint marks the block before it."""
    blocks: list[Block] = []
    for path, block, framing in _in_order(body):
        if "cachePoint" not in block:
            blocks.append(Block(path, framing + _tokens_of(block)))
        elif blocks:
            blocks[-1] = dataclasses.replace(blocks[-1], ttl=block["cachePoint"].get("ttl", "5m"))
    return blocks


def _in_order(body: Json) -> Iterator[tuple[str, Json, list[str]]]:
    for index, tool in enumerate((body.get("toolConfig") or {}).get("tools") or ()):
        yield f"tools.{index}", tool, []
    for index, block in enumerate(body.get("system") or ()):
        yield f"system.{index}", block, []
    for index, message in enumerate(body["messages"]):
        for position, block in enumerate(message["content"]):
            framing = [f"<{message['role']}>", "<turn>", "</turn>"] if position == 0 else []
            yield f"messages.{index}.content.{position}", block, framing


def _tokens_of(block: Json) -> list[str]:
    for kind, count in _MEDIA_TOKENS.items():
        if kind in block:
            return [f"<{hashlib.sha256(orjson.dumps(block)).hexdigest()}>"] * count
    if "text" in block:
        return tokens.split(block["text"])
    if "reasoningContent" in block:
        return tokens.split((block["reasoningContent"].get("reasoningText") or {}).get("text", ""))
    return tokens.split(orjson.dumps(block).decode())


def _converse(call: Call) -> Reply:
    turn = _parsed(call)
    body: Json = {
        "metrics": {"latencyMs": 5},
        "output": {"message": {"content": _content(turn), "role": "assistant"}},
        "stopReason": _STOP_REASONS[turn.draft.ended],
    }
    if not call.shape.no_usage:
        body["usage"] = _usage(turn)
    return json_reply(body | _extra_fields(turn))


def _usage(turn: _Turn) -> Json:
    cost, output = turn.cost, turn.draft.output_tokens()
    usage: Json = {
        "inputTokens": cost.uncached,
        "outputTokens": output,
        "totalTokens": cost.total() + output,
        "serverToolUsage": {},
    }
    if cost.read or cost.written_5m or cost.written_1h:
        written = {"5m": cost.written_5m, "1h": cost.written_1h}
        usage["cacheReadInputTokens"] = cost.read
        usage["cacheWriteInputTokens"] = sum(written.values())
        usage["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in written.items() if count]
    return usage


def _extra_fields(turn: _Turn) -> Json:
    asked = turn.call.body.get("additionalModelResponseFieldPaths") or ()
    if "/stop_sequence" not in asked:
        return {}
    return {"additionalModelResponseFields": {"stop_sequence": turn.draft.stop_sequence}}


def _content(turn: _Turn) -> list[Json]:
    draft = turn.draft
    content: list[Json] = []
    if draft.reasoning:
        content.append({"reasoningContent": _reasoning(turn)})
    if draft.text:
        content.append({"text": draft.text})
    for index, each in enumerate(draft.calls):
        use = {"toolUseId": turn.call.stable_id("tooluse_", index, 22), "name": each.name}
        content.append({"toolUse": {"input": _whole_arguments(each.arguments)} | use})
    return content


def _reasoning(turn: _Turn) -> Json:
    text = turn.draft.reasoning
    if turn.call.shape.redacted:
        return {"redactedContent": seals.as_bytes_field(seals.seal(bedrock_checks.REDACTED, "", text))}
    return {"reasoningText": {"text": text, "signature": seals.seal(bedrock_checks.SIGNATURE, text, text)}}


def _whole_arguments(arguments: str) -> Json:
    """Parses the arguments of a call; a call cut short by `maxTokens` has no readable input."""
    try:
        return dict(orjson.loads(arguments))
    except orjson.JSONDecodeError:
        return {}


def _converse_stream(call: Call) -> Reply:
    turn = _parsed(call)
    return Reply(200, (("content-type", "application/vnd.amazon.eventstream"),), _frames(turn))


def _event(kind: str, payload: Json) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    raw = orjson.dumps(payload)
    # Real events are padded to hide their length.
    padding = _PADDING[: 4 + hashlib.sha256(raw).digest()[0] % (len(_PADDING) - 4)]
    return event_stream.message(headers, orjson.dumps(payload | {"p": padding}))


def _broken(message: bytes) -> bytes:
    return message[:-1] + bytes([message[-1] ^ 1])


def _error_frame(_call: Call) -> bytes:
    kind = "internalServerException"
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    message = "The system encountered an unexpected error during processing. Try your request again."
    return event_stream.message(headers, orjson.dumps({"message": message}))


def _frames(turn: _Turn) -> Iterator[Frame]:
    yield Frame(FrameKind.STRUCTURE, _event("messageStart", {"role": "assistant"}))
    for index, block in enumerate(_content(turn)):
        where = {"contentBlockIndex": index}
        if "toolUse" in block:
            start = {name: block["toolUse"][name] for name in ("name", "toolUseId")}
            yield Frame(FrameKind.STRUCTURE, _event("contentBlockStart", where | {"start": {"toolUse": start}}))
        for delta in _deltas(turn, block):
            yield Frame(FrameKind.CONTENT, _event("contentBlockDelta", where | {"delta": delta}))
        yield Frame(FrameKind.STRUCTURE, _event("contentBlockStop", where))
    stop = {"stopReason": _STOP_REASONS[turn.draft.ended]} | _extra_fields(turn)
    yield Frame(FrameKind.CLOSING, _event("messageStop", stop))
    usage = {} if turn.call.shape.no_usage else {"usage": _usage(turn)}
    yield Frame(FrameKind.DONE, _event("metadata", {"metrics": {"latencyMs": 5}} | usage))


def _deltas(turn: _Turn, block: Json) -> Iterator[Json]:
    if "text" in block:
        return ({"text": p} for p in tokens.cut(block["text"], _TOKENS_PER_CHUNK, turn.call.shape.chunks))
    if "toolUse" in block:
        arguments = orjson.dumps(block["toolUse"]["input"]).decode()
        pieces = itertools.chain([""], tokens.cut(arguments, _TOKENS_PER_CHUNK))
        return ({"toolUse": {"input": piece}} for piece in pieces)
    return ({"reasoningContent": delta} for delta in _reasoning_deltas(block["reasoningContent"]))


def _reasoning_deltas(reasoning: Json) -> Iterator[Json]:
    if "redactedContent" in reasoning:
        yield reasoning
        return
    text = reasoning["reasoningText"]
    yield from ({"text": piece} for piece in tokens.cut(text["text"], _TOKENS_PER_CHUNK))
    yield {"signature": text["signature"]}


def _count(call: Call) -> Reply:
    bedrock_checks.require_model(call.params["model"])
    asked = call.body.get("input") or {}
    if "converse" in asked:
        counted = asked["converse"]
        bedrock_checks.check(counted, call.params["model"])
        return json_reply({"inputTokens": block_cache.count(_prompt(counted))})
    return json_reply({"inputTokens": tokens.count(_invoked(asked.get("invokeModel") or {}))})


def _invoked(asked: Json) -> str:
    return base64.b64decode(asked.get("body", "")).decode("utf-8", "replace")
