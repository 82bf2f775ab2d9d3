"""Converts a finished response to the numbered events that the Responses API streams.

Source: https://platform.openai.com/docs/api-reference/responses-streaming; order as in recorded streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from local.providers import tokens
from local.providers.json_value import Json
from local.providers.wire import Frame, FrameKind, sse

_TOKENS_PER_CHUNK = 3
_ENDINGS = {"completed": "response.completed", "incomplete": "response.incomplete"}

Step = tuple[FrameKind, str, Json]


def frames(response: Json, chunks: int | None) -> Iterator[Frame]:
    """Builds every event of a response, in order. `chunks` is the number of deltas that the text is cut into."""
    numbers = count()
    for kind, event, members in _steps(response, chunks):
        yield Frame(kind, sse({"type": event} | members | {"sequence_number": next(numbers)}, event))


def _steps(response: Json, chunks: int | None) -> Iterator[Step]:
    begun = response | {"status": "in_progress", "output": [], "completed_at": None, "usage": None}
    begun |= {"incomplete_details": None}
    yield FrameKind.STRUCTURE, "response.created", {"response": begun}
    yield FrameKind.STRUCTURE, "response.in_progress", {"response": begun}
    for index, item in enumerate(response["output"]):
        for kind, event, members in _ITEMS[item["type"]](item, chunks):
            yield kind, event, members | {"output_index": index}
    yield FrameKind.DONE, _ENDINGS[response["status"]], {"response": response}


def _added(item: Json, emptied: Json) -> Step:
    return FrameKind.STRUCTURE, "response.output_item.added", {"item": item | emptied}


def _done(item: Json) -> Step:
    return FrameKind.STRUCTURE, "response.output_item.done", {"item": item}


def _reasoning(item: Json, _chunks: int | None) -> Iterator[Step]:
    yield _added(item, {"summary": []})
    for index, part in enumerate(item["summary"]):
        where = {"item_id": item["id"], "summary_index": index}
        prefix = "response.reasoning_summary"
        yield FrameKind.STRUCTURE, f"{prefix}_part.added", where | {"part": part | {"text": ""}}
        for piece in tokens.cut(part["text"], _TOKENS_PER_CHUNK):
            yield FrameKind.CONTENT, f"{prefix}_text.delta", where | {"delta": piece}
        yield FrameKind.STRUCTURE, f"{prefix}_text.done", where | {"text": part["text"]}
        yield FrameKind.STRUCTURE, f"{prefix}_part.done", where | {"part": part}
    yield _done(item)


def _message(item: Json, chunks: int | None) -> Iterator[Step]:
    yield _added(item, {"content": [], "status": "in_progress"})
    for index, part in enumerate(item["content"]):
        where = {"item_id": item["id"], "content_index": index}
        emptied = {"text": "", "annotations": []} if part["type"] == "output_text" else {"refusal": ""}
        yield FrameKind.STRUCTURE, "response.content_part.added", where | {"part": part | emptied}
        written = _text if part["type"] == "output_text" else _refusal
        for kind, event, members in written(part, chunks):
            yield kind, event, where | members
        yield FrameKind.STRUCTURE, "response.content_part.done", where | {"part": part}
    yield _done(item)


def _text(part: Json, chunks: int | None) -> Iterator[Step]:
    prefix = "response.output_text"
    for piece in tokens.cut(part["text"], _TOKENS_PER_CHUNK, chunks):
        yield FrameKind.CONTENT, f"{prefix}.delta", {"delta": piece, "logprobs": []}
    for index, annotation in enumerate(part["annotations"]):
        members = {"annotation": annotation, "annotation_index": index}
        yield FrameKind.STRUCTURE, f"{prefix}.annotation.added", members
    yield FrameKind.STRUCTURE, f"{prefix}.done", {"text": part["text"], "logprobs": []}


def _refusal(part: Json, _chunks: int | None) -> Iterator[Step]:
    for piece in tokens.cut(part["refusal"], _TOKENS_PER_CHUNK):
        yield FrameKind.CONTENT, "response.refusal.delta", {"delta": piece}
    yield FrameKind.STRUCTURE, "response.refusal.done", {"refusal": part["refusal"]}


def _call(item: Json, _chunks: int | None) -> Iterator[Step]:
    custom = item["type"] == "custom_tool_call"
    member = "input" if custom else "arguments"
    prefix = "response.custom_tool_call_input" if custom else "response.function_call_arguments"
    where = {"item_id": item["id"]}
    yield _added(item, {member: "", "status": "in_progress"})
    for piece in tokens.cut(item[member], _TOKENS_PER_CHUNK):
        yield FrameKind.CONTENT, f"{prefix}.delta", where | {"delta": piece}
    yield FrameKind.STRUCTURE, f"{prefix}.done", where | {member: item[member]}
    yield _done(item)


def _search(item: Json, _chunks: int | None) -> Iterator[Step]:
    yield _added(item, {"status": "in_progress", "action": {"type": "search"}})
    for state in ("in_progress", "searching", "completed"):
        yield FrameKind.STRUCTURE, f"response.web_search_call.{state}", {"item_id": item["id"]}
    yield _done(item)


_ITEMS: dict[str, Callable[[Json, int | None], Iterator[Step]]] = {
    "reasoning": _reasoning,
    "message": _message,
    "function_call": _call,
    "custom_tool_call": _call,
    "web_search_call": _search,
}
