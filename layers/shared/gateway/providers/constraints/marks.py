"""Cache markers as a target takes them: so many, and none for longer behind one for shorter.

A prompt is read in the order of tools, instructions and turns, and a marker keeps all that stands ahead of it. The
ends of the prompt are worth most: the last marker ahead of the turns, which all conversations share, and the last ones.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from gateway.canonical.parts import (
    Audio,
    CacheLifetime,
    Document,
    Image,
    Message,
    Part,
    Text,
    ToolCall,
    ToolResult,
)
from gateway.canonical.request import ChatRequest
from gateway.providers.constraints.refusals import refuse
from gateway.providers.constraints.table import Constraints

_MARKER = "cache_control"


def fit_marks(request: ChatRequest, limits: Constraints) -> ChatRequest:
    """The request with the markers that the target takes."""
    ahead = [*(tool.cache for tool in request.tools), *_caches(request, instructions=True)]
    marks = [*ahead, *_caches(request, instructions=False)]
    if not any(marks):
        return request
    fitting = _falling(request, _fewer(request, marks, len(ahead), limits), limits)
    return request if fitting == marks else _marked(request, fitting)


def _caches(request: ChatRequest, *, instructions: bool) -> Iterator[CacheLifetime | None]:
    for message in request.messages:
        if (message.role == "system") is instructions:
            for part in message.parts:
                yield from _of_part(part)


def _of_part(part: Part) -> Iterator[CacheLifetime | None]:
    """Yields a part's marker; those inside a result stand ahead of the result's own."""
    match part:
        case ToolResult(parts=pieces):
            yield from (piece.cache for piece in pieces)
            yield part.cache
        case Text() | Image() | Document() | Audio() | ToolCall():
            yield part.cache


def _fewer(
    request: ChatRequest, marks: list[CacheLifetime | None], ahead: int, limits: Constraints
) -> list[CacheLifetime | None]:
    places = [place for place, mark in enumerate(marks) if mark is not None]
    most = limits.cache_marks_max
    if most is None or len(places) <= most:
        return marks
    refuse(request, _MARKER, f"this model's provider takes at most {most} cache markers")
    shared = [place for place in places if place < ahead][-1:]
    others = [place for place in places if place not in shared]
    kept = {*shared, *others[len(shared) - most :]}
    return [mark if place in kept else None for place, mark in enumerate(marks)]


def _falling(
    request: ChatRequest, marks: list[CacheLifetime | None], limits: Constraints
) -> list[CacheLifetime | None]:
    """No marker for an hour behind one for five minutes: it becomes one for five, which costs no more than asked."""
    if limits.cache_lifetimes_rise:
        return marks
    first = next((at for at, mark in enumerate(marks) if mark is CacheLifetime.FIVE_MINUTES), len(marks))
    behind = [None if mark is None else CacheLifetime.FIVE_MINUTES for mark in marks[first:]]
    if behind != marks[first:]:
        refuse(request, _MARKER, "this model's provider takes no marker for an hour behind one for five minutes")
    return [*marks[:first], *behind]


def _marked(request: ChatRequest, marks: list[CacheLifetime | None]) -> ChatRequest:
    """The request with these markers, in the order of the prompt."""
    left = iter(marks)
    tools = tuple(replace(tool, cache=next(left)) for tool in request.tools)
    written = {
        place: _with_marks(message, left)
        for instructions in (True, False)
        for place, message in enumerate(request.messages)
        if (message.role == "system") is instructions
    }
    return replace(request, tools=tools, messages=tuple(written[place] for place in range(len(request.messages))))


def _with_marks(message: Message, left: Iterator[CacheLifetime | None]) -> Message:
    return replace(message, parts=tuple(_with_mark(part, left) for part in message.parts))


def _with_mark(part: Part, left: Iterator[CacheLifetime | None]) -> Part:
    match part:
        case ToolResult(parts=held):
            pieces = tuple(replace(piece, cache=next(left)) for piece in held)
            return replace(part, parts=pieces, cache=next(left))
        case Text() | Image() | Document() | Audio() | ToolCall():
            return replace(part, cache=next(left))
        case _:
            return part
