"""Lambda's facts about one invocation, passed along by argument: no part of a request is ever in a global."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from msgspec import Struct

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class InvocationContext(Struct, frozen=True):
    """The fields of a `/next` answer, in `scope["aws.context"]`; `deadline_ms` is in epoch milliseconds.

    `client_context` is the invoker's JSON, unchanged. `invocation_id` is sent back if Lambda gives one.
    """

    request_id: str
    deadline_ms: int
    function_arn: str
    trace_id: str | None
    client_context: str | None
    tenant_id: str | None
    invocation_id: str | None


class Invocation(Struct, frozen=True):
    """One unit of work: its context and the event as JSON bytes."""

    context: InvocationContext
    event: bytes
