"""One row of the table of operations: what the tables that serve an endpoint do not say of it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

JSON = "application/json"
FORM = "multipart/form-data"
EVENTS = "text/event-stream"


class Operation(Struct, frozen=True):
    """One operation. `sdk` is the method of the SDKs; without one `why_none` says who calls it instead.

    `body` is the shape of a request that a codec reads by hand. `answers` are the shapes of a good answer by its media
    type; `None` stands for bytes or text. `begun` is the shape of a 202, where work may be begun and left to go on.
    """

    id: str
    answers: dict[str, Any]
    status: int = 200
    begun: Any = None
    body: Any = None
    body_types: tuple[str, ...] = (JSON,)
    query: dict[str, Any] = {}  # msgspec copies it
    headers: tuple[str, ...] = ()
    summary: str = ""
    sdk: str = ""
    why_none: str = ""
    wire: str = "openai"


def op(name: str, answer: Any, **more: Any) -> Operation:
    """Makes the row of an operation that answers with JSON and is a method of the SDKs by its own name."""
    sdk = "" if "why_none" in more else more.pop("sdk", name)
    answers = more.pop("answers", {JSON: answer})
    return Operation(id=name, answers=answers, sdk=sdk, **more)


def streamed(name: str, answer: Any, event: Any, **more: Any) -> Operation:
    """Makes the row of an operation that answers with JSON, or with events where the request asks for a stream."""
    return op(name, answer, answers={JSON: answer, EVENTS: event}, **more)
