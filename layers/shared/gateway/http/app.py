"""Serves a family over ASGI: route, key, errors in the wire's own shape. No framework.

Every answer leaves through `Exchange`, so every answer has the contract's headers, every failure its wire's own shape,
and every request one log line that holds no prompt, no answer and no key. `StreamingApp` and `JsonApp` say what comes
between the route and its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Generic, TypeAlias, TypeVar

from gateway.auth.principal import Principal, admit_key, key_hash, key_in
from gateway.canonical.wire import Wire
from gateway.errors import UNFORESEEN, GatewayError, MethodNotAllowed, NotFound, ServiceUnavailable
from gateway.http.cors import CrossOrigin
from gateway.http.counting import count_read
from gateway.http.exchange import Exchange
from gateway.http.request import Receive, Request, Scope, Send, read
from gateway.http.route import Route, Services, counted_read
from gateway.limits.windows import untouched
from gateway.ports.sink import CallerLeft
from gateway.wiring.process import cors_origins, prime_before_snapshot

PATH_CHARACTERS_MAX = 200

ServicesT = TypeVar("ServicesT", bound=Services)
RouteT = TypeVar("RouteT", bound=Route)
# The route of a path and its query; raises `NotFound`.
RouteAt: TypeAlias = Callable[[str, Mapping[str, str]], RouteT]


def only(routes: Mapping[str, RouteT]) -> RouteAt[RouteT]:
    """Routes of fixed paths."""

    def route_at(path: str, _: Mapping[str, str]) -> RouteT:
        if path not in routes:
            raise unknown_path(path)
        return routes[path]

    return route_at


def unknown_path(path: str) -> NotFound:
    """The refusal of a path that the family does not serve."""
    return NotFound(f"Unknown path: {path[:PATH_CHARACTERS_MAX]}.", code="unknown_url")


class App(Generic[ServicesT, RouteT]):
    """The ASGI app of one family."""

    def __init__(self, services: Callable[[], ServicesT], route_at: RouteAt[RouteT]) -> None:
        self._services = services
        self._route_at = route_at
        self._answer_pages = CrossOrigin(self._answer, cors_origins)
        prime_before_snapshot(services)

    def wire(self, request: Request) -> Wire:
        """The wire in which the request is refused before its route is known."""
        raise NotImplementedError

    def takes_query_key(self, request: Request) -> bool:
        """True where `?key=` may carry the key, as Gemini's clients send it."""
        raise NotImplementedError

    async def serve(self, route: RouteT, exchange: Exchange, services: ServicesT) -> None:
        """Finds out who is asking, and has the route answer; raises the refusal."""
        raise NotImplementedError

    def allowed(self, route: RouteT, _: Request) -> Collection[str]:
        """The methods that a refused one is told of."""
        return route.methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request."""
        await self._answer_pages(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"this app serves no {scope['type']}")
        request = await read(scope, receive)
        exchange = Exchange(request, self.wire(request), send)
        try:
            await self._serve(exchange)
        except GatewayError as error:
            await exchange.refuse(error)
        finally:
            exchange.log()

    async def _serve(self, exchange: Exchange) -> None:
        """Raises every failure as a `GatewayError`, an unforeseen one as its cause."""
        try:
            await self._route(exchange)
        except GatewayError:
            raise
        except CallerLeft:
            # The stream has noted it for the log line, and an answer would reach no caller.
            pass
        except Exception as unforeseen:
            raise GatewayError(UNFORESEEN) from unforeseen

    async def _route(self, exchange: Exchange) -> None:
        request, services = exchange.request, self._services()
        exchange.begin(services.clock)
        exchange.window = partial(new_window, services)
        try:
            route = self._found(request)
        except GatewayError:
            await self._count_caller(exchange, services)
            raise
        await self.serve(route, exchange, services)

    def _found(self, request: Request) -> RouteT:
        """The route that takes the request; raises the refusal of a path or a method that none has."""
        route = self._route_at(request.path, request.query)
        if request.method not in route.methods:
            allowed = sorted(self.allowed(route, request))
            message = f"{request.path[:PATH_CHARACTERS_MAX]} takes {', '.join(allowed)}, not {request.method}."
            raise MethodNotAllowed(message, allowed=allowed)
        return route

    async def _count_caller(self, exchange: Exchange, services: ServicesT) -> None:
        """Counts a request that is refused before its caller is known; a stranger's has a new key's window."""
        request = exchange.request
        try:
            principal = await authenticate(request, services, allow_query=self.takes_query_key(request))
        except GatewayError:
            return
        await count_refused(exchange, principal, services)


async def new_window(services: Services) -> Mapping[str, str]:
    """The headers of a new key's rate window."""
    return untouched(services.clock.now_s()).headers


async def read_window(services: Services, principal: Principal) -> Mapping[str, str]:
    """The headers of the caller's rate window as it stands; a new key's where the store does not answer.

    An answer that no admission has looked at counts as a read.
    """
    try:
        found = await count_read(principal, services)
    except ServiceUnavailable:
        found = None
    return (untouched(services.clock.now_s()) if found is None else found.window).headers


async def count_refused(exchange: Exchange, principal: Principal, services: Services) -> None:
    """Counts a refused request that nothing has counted, as a read; raises the refusal of a full window instead."""
    exchange.window = partial(read_window, services, principal)
    # Without the store the caller is told of the first mistake, in a new key's window.
    with suppress(ServiceUnavailable):
        await counted_read(exchange, principal, services)


async def authenticate(request: Request, services: Services, *, allow_query: bool = False) -> Principal:
    """The caller of a request; raises the refusal. The catalog is current where it returns."""
    key = key_in(request.header_fields, request.query_fields, allow_query=allow_query)
    # Begun before the key is looked up: a process that has just started waits for both at once.
    looking = services.look()
    record = await services.keys.find(key_hash(key))
    if looking is not None:
        await looking
    return admit_key(record, request.source_ip, services.clock.now_s())
