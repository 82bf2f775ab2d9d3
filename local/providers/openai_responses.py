"""Simulates OpenAI's Responses wire. Responses are stored by id unless the request forbids it.

Source: https://platform.openai.com/docs/api-reference/responses; fields and order as recorded.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from local.providers import answers, openai_events, openai_items, openai_shapes, responses_table, seals, searches
from local.providers.answers import Draft, Ended
from local.providers.faults import without_directives
from local.providers.json_value import Json
from local.providers.openai_shapes import OPENAI
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route, sse

_SEARCHES = frozenset({"web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"})
_ECHOED: Json = {
    "background": False,
    "error": None,
    "frequency_penalty": 0.0,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "presence_penalty": 0.0,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
# https://platform.openai.com/docs/api-reference/responses/compact
_COMPACTED = frozenset(
    {
        "input",
        "instructions",
        "model",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "service_tier",
    }
)


def wire() -> Wire:
    """Builds the Responses API beside the chat wire of the same row."""
    return Wire(
        row=OPENAI.row,
        prefix=OPENAI.prefix,
        routes=(
            route("POST", "/responses", _create),
            route("POST", "/responses/input_tokens", _count),
            route("POST", "/responses/compact", _compact),
            route("GET", "/responses/(?P<id>[^/]+)", _retrieve),
            route("DELETE", "/responses/(?P<id>[^/]+)", _delete),
            route("POST", "/responses/(?P<id>[^/]+)/cancel", _cancel),
            route("GET", "/responses/(?P<id>[^/]+)/input_items", _input_items),
        ),
        authorize=functools.partial(openai_shapes.authorize, OPENAI),
        question=openai_items.question,
        model=lambda call: str(call.body.get("model", "")),
        refusal=openai_shapes.refusal,
        error_frame=_error_frame,
        garbage_frame=lambda _: b'event: response.output_text.delta\ndata: {"type":"response.outp\n\n',
        headers=openai_shapes.headers,
    )


def _error_frame(_call: Call) -> bytes:
    message = "The server had an error processing your request."
    error = {"type": "error", "code": "server_error", "message": message, "param": None, "sequence_number": 9}
    return sse(error, "error")


@dataclass(frozen=True, slots=True)
class _Turn:
    """One parsed request with its conversation, its answer, and the tokens of both."""

    call: Call
    items: list[Json]
    draft: Draft
    input_tokens: int
    cached_tokens: int


def _create(call: Call) -> Reply:
    turn = _parsed(call)
    if call.body.get("stream"):
        openai_shapes.require_streaming_model(call.body["model"])
    response = _response(turn)
    if response["store"]:
        call.memory.responses.put(response["id"], {"response": response, "items": turn.items})
        for item in response["output"]:
            call.memory.items.put(item.get("id", ""), item)
    if call.body.get("stream"):
        content_type = (("content-type", "text/event-stream; charset=utf-8"),)
        return Reply(200, content_type, openai_events.frames(response, call.shape.chunks))
    return json_reply(response)


def _parsed(call: Call) -> _Turn:
    body = call.body
    openai_shapes.require_model(OPENAI, body.get("model"))
    openai_items.check(body)
    items = openai_items.conversation(body, call.memory)
    responses_table.check(body, openai_items.given(body))
    prompt = openai_items.prompt_tokens(body, items)
    cached = call.memory.prefixes.read_and_write(f"openai:{body['model']}", prompt)
    draft = answers.compose(openai_items.ask(body, items), call.shape)
    shape = call.shape
    return _Turn(
        call,
        items,
        draft,
        len(prompt) if shape.prompt_tokens is None else shape.prompt_tokens,
        cached if shape.cached is None else shape.cached,
    )


def _response(turn: _Turn) -> Json:
    call, body, draft = turn.call, turn.call.body, turn.draft
    cut = draft.ended is Ended.LENGTH
    reasoning = body.get("reasoning") or {}
    response: Json = {
        "id": call.unique_id("resp_", 48),
        "object": "response",
        "created_at": call.now_s,
        "completed_at": None if cut else call.now_s,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "model": openai_shapes.snapshot(body["model"]),
        "output": _output(turn),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "text": {"format": {"type": "text"}, "verbosity": "medium"} | (body.get("text") or {}),
        "usage": None if call.shape.no_usage else _usage(turn),
    }
    given = {name: body[name] for name in _ECHOED if body.get(name) is not None}
    return response | _ECHOED | given


def _usage(turn: _Turn) -> Json:
    output = turn.draft.output_tokens()
    read = turn.input_tokens + _searches(turn) * searches.FOUND_TOKENS
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": turn.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": turn.draft.reasoning_tokens},
        "total_tokens": read + output,
    }


def _output(turn: _Turn) -> list[Json]:
    draft = turn.draft
    written: list[Json] = []
    if draft.reasoning:
        written.append(_reasoning(turn))
    if draft.calls:
        return written + _calls(turn)
    searched = _searches(turn)
    written += [_search(turn, place) for place in range(searched)]
    if draft.text or not written:
        written.append(_message(turn, cited=searched > 0))
    return written


def _reasoning(turn: _Turn) -> Json:
    body = turn.call.body
    shown = (body.get("reasoning") or {}).get("summary")
    item: Json = {
        "id": turn.call.unique_id("rs_", 48),
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": turn.draft.reasoning}] if shown else [],
    }
    if "reasoning.encrypted_content" in (body.get("include") or ()):
        item["encrypted_content"] = seals.seal(openai_items.ENCRYPTED, "", f"{item['id']} {turn.draft.reasoning}")
    return item


def _calls(turn: _Turn) -> list[Json]:
    free = {tool.name for tool in openai_items.tools(turn.call.body) if tool.schema is None}
    spaces = openai_items.namespaced(turn.call.body)
    written: list[Json] = []
    for index, each in enumerate(turn.draft.calls):
        custom = each.name in free
        item: Json = {
            "id": turn.call.unique_id(f"{'ctc' if custom else 'fc'}_{index}", 47),
            "type": "custom_tool_call" if custom else "function_call",
            "status": "completed",
            "input" if custom else "arguments": each.arguments,
            "call_id": turn.call.stable_id("call_", index),
            "name": each.name,
        }
        if each.name in spaces:
            item["namespace"] = spaces[each.name]["namespace"]
        written.append(item)
    return written


def _searches(turn: _Turn) -> int:
    """The searches that the model makes: none before it calls a tool of the caller's."""
    body, draft = turn.call.body, turn.draft
    kinds = {tool.get("type") for tool in body.get("tools") or ()}
    if not kinds & _SEARCHES or body.get("tool_choice") == "none" or draft.calls or draft.ended is Ended.REFUSED:
        return 0
    wanted = searches.wanted(turn.call.shape)
    return min(wanted, body.get("max_tool_calls") or wanted)


def _search(turn: _Turn, place: int) -> Json:
    query = searches.query(without_directives(openai_items.question(turn.call.body)), place)
    action = {"type": "search", "query": query, "queries": [query]}
    return {
        "id": turn.call.unique_id(f"ws_{place}", 48),
        "type": "web_search_call",
        "status": "completed",
        "action": action,
    }


def _message(turn: _Turn, *, cited: bool) -> Json:
    draft = turn.draft
    part: Json = {"type": "output_text", "text": draft.text, "annotations": [], "logprobs": []}
    if cited:
        mark = f" ([example.com]({searches.SOURCE['url']}))"
        start = len(draft.text) + 1
        citation = {"type": "url_citation", "start_index": start, "end_index": start + len(mark) - 1}
        part |= {"text": draft.text + mark, "annotations": [citation | searches.SOURCE]}
    if draft.ended is Ended.REFUSED:
        part = {"type": "refusal", "refusal": draft.text}
    return {
        "id": turn.call.unique_id("msg_", 48),
        "type": "message",
        "status": "incomplete" if draft.ended is Ended.LENGTH else "completed",
        "role": "assistant",
        "content": [part],
    }


def _count(call: Call) -> Reply:
    items = openai_items.conversation(call.body, call.memory)
    counted = len(openai_items.prompt_tokens(call.body, items))
    return json_reply({"object": "response.input_tokens", "input_tokens": counted})


def _compact(call: Call) -> Reply:
    """Keeps what the user said, and seals the rest."""
    for name in sorted(call.body.keys() - _COMPACTED):
        raise openai_shapes.refusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    turn = _parsed(call)
    said = [item for item in turn.items if item.get("role") == "user"]
    messages = [{"id": call.unique_id(f"msg_{place}", 47), **item} for place, item in enumerate(said)]
    sealed = seals.seal(openai_items.COMPACTED, "", turn.draft.text)
    compacted = {"id": call.unique_id("cmp_", 48), "type": "compaction", "encrypted_content": sealed}
    return json_reply(
        {
            "id": call.unique_id("resp_", 48),
            "object": "response.compaction",
            "created_at": call.now_s,
            "output": [*messages, compacted],
            "usage": _usage(turn),
        }
    )


def _kept(call: Call) -> Json:
    kept = call.memory.responses.get(call.params["id"])
    if kept is None:
        raise _not_found(call)
    return dict(kept)


def _not_found(call: Call) -> Refusal:
    return openai_shapes.refusal(404, f"Response with id '{call.params['id']}' not found.")


def _retrieve(call: Call) -> Reply:
    return json_reply(_kept(call)["response"])


def _delete(call: Call) -> Reply:
    if call.memory.responses.pop(call.params["id"]) is None:
        raise _not_found(call)
    return json_reply({"id": call.params["id"], "object": "response", "deleted": True})


def _cancel(call: Call) -> Reply:
    _kept(call)
    raise openai_shapes.refusal(400, "Cannot cancel a synchronous response.")


def _input_items(call: Call) -> Reply:
    kept = _kept(call)["items"]
    items = [{"id": f"item_{call.params['id'][5:25]}_{i}"} | item for i, item in enumerate(kept)]
    if call.query.get("order", "desc") == "desc":
        items.reverse()
    ids = [item["id"] for item in items]
    start = ids.index(call.query["after"]) + 1 if call.query.get("after") in ids else 0
    limit = int(call.query.get("limit", "20"))
    page = items[start : start + limit]
    return json_reply(
        {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": start + limit < len(items),
        }
    )
