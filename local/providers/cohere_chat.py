"""Simulates Cohere's chat wire, version 2. Source: https://docs.cohere.com/reference/chat; fields as recorded."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from local.providers import answers, cohere, tokens
from local.providers.answers import Draft, Ended, ModelRequest, Tool, ToolChoice
from local.providers.json_value import Json, JsonValue
from local.providers.vendor_rules import VendorRules, name_faults, root_faults, rules_of
from local.providers.wire import Call, Frame, FrameKind, Reply, Wire, json_reply, route, sse

_TOKENS_PER_CHUNK = 3
_THINKING_TOKENS = 128
# What Cohere adds to each prompt, and does not bill.
_PREAMBLE_TOKENS = 500
_FINISH = {
    Ended.STOP: "COMPLETE",
    Ended.STOP_SEQUENCE: "STOP_SEQUENCE",
    Ended.LENGTH: "MAX_TOKENS",
    Ended.CALLS: "TOOL_CALL",
    Ended.REFUSED: "ERROR_TOXIC",
}
_CHOICES = {"REQUIRED": "required", "NONE": "none"}
_KNOWN = frozenset({
    "model", "messages", "stream", "tools", "strict_tools", "tool_choice", "documents", "citation_options",
    "response_format", "safety_mode", "max_tokens", "stop_sequences", "temperature", "seed", "frequency_penalty",
    "presence_penalty", "k", "p", "logprobs", "thinking", "priority",
})  # fmt: skip
_P_MAX = 0.99


def wire() -> Wire:
    """Builds the wire."""
    return Wire(
        row="cohere",
        prefix=cohere.PREFIX,
        routes=(route("POST", "/v2/chat", _answer),),
        authorize=cohere.wire().authorize,
        question=question,
        model=lambda call: str(call.body.get("model", "")),
        refusal=cohere.refusal,
        error_frame=lambda _: sse(
            {"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "internal server error"}},
            "message-end",
        ),
        garbage_frame=lambda _: b'event: content-delta\ndata: {"type":"content-del\n\n',
    )


def question(body: Json) -> str:
    """Returns the text of the last user message."""
    messages = body.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return _text_of(message.get("content"))
    return ""


def _text_of(content: JsonValue) -> str:
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "".join(str(block.get("text", "")) for block in blocks if isinstance(block, dict))


def check(body: Json) -> None:
    """Refuses what the wire does not know, and what the constraint table forbids."""
    for name in body.keys() - _KNOWN:
        raise cohere.refusal(422, f"unknown field: parameter '{name}' is not a valid field")
    if not str(body.get("model", "")).startswith(("command", "c4ai")):
        raise cohere.refusal(404, f"model '{body.get('model')}' not found")
    rules = rules_of("cohere_chat", str(body["model"]))
    for fault in _faults(body, rules):
        raise cohere.refusal(400, f"invalid request: {fault}")


def _faults(body: Json, rules: VendorRules) -> Iterator[str]:
    limits, messages = rules.limits, body["messages"]
    if (body.get("temperature") or 0) > limits.temperature_max:
        yield f"temperature must be between 0 and {limits.temperature_max} inclusive."
    if (body.get("p") or 0) > _P_MAX:
        yield "p must be between 0 and 0.99 inclusive."
    if limits.stops_max is not None and len(body.get("stop_sequences") or ()) > limits.stops_max:
        yield f"stop_sequences may hold at most {limits.stops_max}."
    if (body.get("max_tokens") or 0) > rules.output_tokens_max:
        yield f"max_tokens must be at most {rules.output_tokens_max}."
    if limits.closes_with_user and messages[-1]["role"] not in {"user", "tool"}:
        yield "the last message must be of the user or a tool."
    if body.get("tools") and body.get("response_format") and not limits.answer_format_with_tools:
        yield "response_format is not supported with tools."
    for message in messages:
        if message["role"] == "user" and not _text_of(message["content"]) and isinstance(message["content"], str):
            yield "message must be at least 1 token long."
    tools = [tool["function"] for tool in body.get("tools") or ()]
    names = {f"tools[{place}].function.name": tool["name"] for place, tool in enumerate(tools)}
    yield from (f"{path} is not a valid name." for path, _, _ in name_faults(limits.tool_name, names))
    yield from (f"{tool['name']}: not a valid schema." for tool in tools if root_faults(limits, tool["parameters"]))


def _images(messages: list[Json]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if part["type"] == "image_url":
                yield "image"


def _ask(body: Json) -> ModelRequest:
    messages: list[Json] = body["messages"]
    last_user = max((i for i, message in enumerate(messages) if message["role"] == "user"), default=-1)
    since = messages[last_user + 1 :]
    wanted = body.get("response_format") or {}
    thinks = "reasoning" in body["model"] and (body.get("thinking") or {}).get("type") != "disabled"
    return ModelRequest(
        model=body["model"],
        question=question(body),
        results=tuple(_text_of(m["content"]) for m in since if m["role"] == "tool"),
        rounds_done=sum(bool(m.get("tool_calls")) for m in since),
        tools=tuple(Tool(t["function"]["name"], t["function"]["parameters"]) for t in body.get("tools") or ()),
        choice=ToolChoice(_CHOICES.get(str(body.get("tool_choice")), "auto")),
        parallel=True,
        schema=wanted.get("schema") if wanted else None,
        media=tuple(_images(messages)),
        reasoning_tokens=_THINKING_TOKENS if thinks else 0,
        max_tokens=body.get("max_tokens"),
        stops=tuple(body.get("stop_sequences") or ()),
        variant=0,
    )


def _answer(call: Call) -> Reply:
    check(call.body)
    draft = answers.compose(_ask(call.body), call.shape)
    if call.body.get("stream"):
        return Reply(200, (("content-type", "text/event-stream"),), _frames(call, draft))
    body: Json = {"id": call.unique_id("c-"), "finish_reason": _FINISH[draft.ended], "message": _message(call, draft)}
    return json_reply(body if call.shape.no_usage else body | {"usage": _usage(call, draft)})


def _message(call: Call, draft: Draft) -> Json:
    message: Json = {"role": "assistant"}
    thought = [{"type": "thinking", "thinking": draft.reasoning}] if draft.reasoning else []
    if draft.calls:
        return message | {"tool_plan": "I will use a tool.", "tool_calls": _calls(call, draft)}
    return message | {"content": [*thought, {"type": "text", "text": draft.text}]}


def _calls(call: Call, draft: Draft) -> list[Json]:
    return [
        {
            "id": call.stable_id(f"{each.name[:20]}_", place, 12),
            "type": "function",
            "function": {"name": each.name, "arguments": each.arguments},
        }
        for place, each in enumerate(draft.calls)
    ]


def _usage(call: Call, draft: Draft) -> Json:
    prompt = len(tokens.split(orjson.dumps(call.body["messages"]).decode()))
    prompt = prompt if call.shape.prompt_tokens is None else call.shape.prompt_tokens
    output = draft.output_tokens()
    return {
        "billed_units": {"input_tokens": prompt, "output_tokens": output},
        "tokens": {"input_tokens": prompt + _PREAMBLE_TOKENS, "output_tokens": output},
    }


def _frames(call: Call, draft: Draft) -> Iterator[Frame]:
    def event(kind: FrameKind, name: str, index: int | None, **members: Json) -> Frame:
        placed: Json = {} if index is None else {"index": index}
        delta: Json = {"delta": {"message": members}} if members else {}
        return Frame(kind, sse({"type": name} | placed | delta, name))

    start: Json = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
    opening = {"id": call.unique_id("c-"), "type": "message-start", "delta": {"message": start}}
    yield Frame(FrameKind.STRUCTURE, sse(opening, "message-start"))
    if draft.calls:
        yield Frame(
            FrameKind.CONTENT,
            sse(
                {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I will use a tool."}}},
                "tool-plan-delta",
            ),
        )
        for place, written in enumerate(_calls(call, draft)):
            arguments = written["function"]["arguments"]
            opened = written | {"function": written["function"] | {"arguments": ""}}
            yield event(FrameKind.CONTENT, "tool-call-start", place, tool_calls=opened)
            for piece in tokens.cut(arguments, _TOKENS_PER_CHUNK):
                more: Json = {"function": {"arguments": piece}}
                yield event(FrameKind.CONTENT, "tool-call-delta", place, tool_calls=more)
            yield event(FrameKind.STRUCTURE, "tool-call-end", place)
    else:
        said = {"thinking": draft.reasoning, "text": draft.text}
        for place, (kind, text) in enumerate((kind, text) for kind, text in said.items() if text):
            yield event(FrameKind.STRUCTURE, "content-start", place, content={"type": kind, kind: ""})
            chunks = call.shape.chunks if kind == "text" else None
            for piece in tokens.cut(text, _TOKENS_PER_CHUNK, chunks):
                yield event(FrameKind.CONTENT, "content-delta", place, content={kind: piece})
            yield event(FrameKind.STRUCTURE, "content-end", place)
    end: Json = {"finish_reason": _FINISH[draft.ended]}
    end |= {} if call.shape.no_usage else {"usage": _usage(call, draft)}
    yield Frame(FrameKind.DONE, sse({"type": "message-end", "delta": end}, "message-end") + b"data: [DONE]\n\n")
