"""Names the endpoints of a JSON family: method, path, who may call, what it takes, and the function that answers.

Nothing is read from a function's signature: the decorator names the Structs that a body or a query is read into, so
that tests and documents can read them from the same table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.errors import UnsupportedMediaType
from gateway.http.app import unknown_path
from gateway.http.callers import callers_of
from gateway.http.calls import Call, Reply, Shown
from gateway.http.exchange import Exchange
from gateway.http.request import JSON_TYPE, uncoded
from gateway.protocols.shared.body import read_body, read_query
from gateway.wiring.control_plane import ControlServices

C = TypeVar("C", bound=Call)
T = TypeVar("T", bound=Struct)
Plain = Callable[[C], Awaitable[Shown]]
Taking = Callable[[C, T], Awaitable[Shown]]
Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Shown]])


class Endpoint(Struct, frozen=True):
    """One method of one path. A part of the path in braces is any one segment; `{name...}` at its end is the rest."""

    method: str
    path: str
    call: type[Call]
    answer: Callable[..., Awaitable[Shown]]
    status: int
    body: type[Struct] | None
    query: type[Struct] | None

    async def answered(self, call: Call) -> Reply:
        """The answer to an admitted call; raises the refusal of what it brings."""
        request = call.request
        if self.body is not None:
            refuse_other_types(request.headers.get("content-type", JSON_TYPE))
            shown = await self.answer(call, read_body(request.body, self.body))
        elif self.query is not None:
            shown = await self.answer(call, read_query(request.query, self.query))
        else:
            shown = await self.answer(call)
        return shown if isinstance(shown, Reply) else Reply(orjson.dumps(shown), self.status)


class Found(Struct, frozen=True):
    """The endpoints of one path, by method, with the parts that each names of it."""

    endpoints: Mapping[str, tuple[Endpoint, Mapping[str, str]]]

    @property
    def methods(self) -> Collection[str]:
        return self.endpoints.keys()

    async def serve(self, exchange: Exchange, services: ControlServices) -> None:
        """Answers the request, or raises its refusal; who is asking comes before what is asked."""
        endpoint, path = self.endpoints[exchange.request.method]
        callers = callers_of(endpoint.method, endpoint.path)
        call = await endpoint.call.admitted(exchange, services, path, callers)
        request = exchange.request
        exchange.request = replace(request, body=uncoded(request.body, request.headers.get("content-encoding")))
        reply = await endpoint.answered(call)
        await exchange.reply(reply.status, reply.body, reply.headers)


class Endpoints(Generic[C]):
    """The endpoints that calls of one class may be made to, each under every one of the prefixes."""

    def __init__(self, call: type[C], *prefixes: str) -> None:
        self.all: list[Endpoint] = []
        self._call = call
        self._prefixes = prefixes or ("",)

    @overload
    def on(self, method: str, path: str, *, status: int = 200) -> Callable[[Plain[C]], Plain[C]]: ...

    @overload
    def on(
        self, method: str, path: str, *, body: type[T], status: int = 200
    ) -> Callable[[Taking[C, T]], Taking[C, T]]: ...

    @overload
    def on(
        self, method: str, path: str, *, query: type[T], status: int = 200
    ) -> Callable[[Taking[C, T]], Taking[C, T]]: ...

    def on(
        self,
        method: str,
        path: str,
        *,
        body: type[Struct] | None = None,
        query: type[Struct] | None = None,
        status: int = 200,
    ) -> Callable[[Any], Any]:
        """Has the decorated function answer the method of the path."""

        def add(answer: Handler) -> Handler:
            for prefix in self._prefixes:
                self.all.append(Endpoint(method, prefix + path, self._call, answer, status, body, query))
            return answer

        return add


class Table:
    """Finds the endpoints of a path; among those of one method the first one named counts."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.endpoints = endpoints
        self._segments = [(endpoint.path.split("/"), endpoint) for endpoint in endpoints]

    def __call__(self, path: str, _: Mapping[str, str]) -> Found:
        """The endpoints of the path; raises `NotFound`."""
        asked = path.split("/")
        found: dict[str, tuple[Endpoint, Mapping[str, str]]] = {}
        for pattern, endpoint in self._segments:
            names = _matched(pattern, asked)
            if names is not None:
                found.setdefault(endpoint.method, (endpoint, names))
        if not found:
            raise unknown_path(path)
        return Found(found)


def _matched(pattern: Sequence[str], asked: Sequence[str]) -> dict[str, str] | None:
    """The parts of the path by the pattern's names, or `None` where the path is another."""
    names: dict[str, str] = {}
    for position, part in enumerate(pattern):
        if part.endswith("...}"):
            return {**names, part[1:-4]: "/".join(asked[position:])} if len(asked) > position else None
        if position >= len(asked) or not (asked[position] if part.startswith("{") else part == asked[position]):
            return None
        if part.startswith("{"):
            names[part[1:-1]] = asked[position]
    return names if len(pattern) == len(asked) else None


def refuse_other_types(content_type: str) -> None:
    """Refuses a body that is not JSON by what it says of itself."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != JSON_TYPE and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType(f"The body should be {JSON_TYPE}, not {kind[:80]!r}.")
