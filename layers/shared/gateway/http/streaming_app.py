"""Serves the streaming families over ASGI: route, key, errors in the wire's own shape. No framework.

Every answer leaves through `Exchange`, so every answer has the contract's headers, every failure its wire's own shape,
and every request one log line that holds no prompt, no answer and no key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from gateway.auth.principal import Principal, admit_key, key_hash, key_in
from gateway.canonical.codec import Wire
from gateway.canonical.money import Refusal
from gateway.errors import GatewayError, MethodNotAllowed, NotFound, ServiceUnavailable
from gateway.http.cors import CrossOrigin
from gateway.http.counting import count_read, refuse_hopeless
from gateway.http.exchange import Exchange
from gateway.http.request import Receive, Request, Scope, Send, read, uncoded
from gateway.http.routes import Route, Services
from gateway.limits.windows import untouched
from gateway.wiring.process import cors_origins

# Longer ones take longer to read than the account does.
LARGE_BODY_BYTES = 256 * 1024
UNFORESEEN = "The gateway failed while serving the request."

# The route of a path and its query; raises `NotFound`.
RouteAt = Callable[[str, Mapping[str, str]], Route]


def only(routes: Mapping[str, Route]) -> RouteAt:
    """Routes of fixed paths."""

    def route_at(path: str, _: Mapping[str, str]) -> Route:
        if path not in routes:
            raise NotFound(f"Unknown path: {path}.", code="unknown_url")
        return routes[path]

    return route_at


class StreamingApp:
    """The ASGI app of one family: its routes, and the wire of errors outside of them.

    `key_in_query` lets `?key=` carry the key, as Gemini's clients do.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        default_wire: Wire,
        route_at: RouteAt,
        *,
        key_in_query: bool = False,
    ) -> None:
        self._services = services
        self._default_wire = default_wire
        self._route_at = route_at
        self._key_in_query = key_in_query
        self._answer_pages = CrossOrigin(self._answer, cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one HTTP request."""
        await self._answer_pages(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"this app serves no {scope['type']}")
        request = await read(scope, receive)
        exchange = Exchange(request, self._default_wire, send)
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
        except Exception as unforeseen:
            raise GatewayError(UNFORESEEN) from unforeseen

    async def _route(self, exchange: Exchange) -> None:
        request, services = exchange.request, self._services()
        exchange.begin(services.clock)
        exchange.window = partial(_new_window, services)
        try:
            route = self._found(request)
        except GatewayError:
            exchange.window = partial(self._window_of_caller, services, request)
            raise
        principal = await authenticate(request, services, allow_query=self._key_in_query)
        exchange.window = partial(_window, services, principal)
        await self._refuse_early(request, principal, services)
        exchange.request = replace(request, body=uncoded(request.body, request.headers.get("content-encoding")))
        await route.serve(exchange, principal, services)

    def _found(self, request: Request) -> Route:
        """The route that takes the request; raises the refusal of a path or a method that none has."""
        route = self._route_at(request.path, request.query)
        if request.method not in route.methods:
            allowed = sorted(route.methods)
            message = f"{request.path} takes {', '.join(allowed)}, not {request.method}."
            raise MethodNotAllowed(message, allowed=allowed)
        return route

    async def _refuse_early(self, request: Request, principal: Principal, services: Services) -> None:
        """Raises a refusal that can be known before the body is read: one that this process knows to stand, and, where
        the body is large enough to take a while, one that the account shows.

        A repeat of an Idempotency-Key may have an answer that is kept. It needs neither window nor balance, and a large
        one counts as a read.
        """
        if request.method != "POST" or request.path.endswith("/cancel"):
            return
        is_large, now_s = len(request.body) > LARGE_BODY_BYTES, services.clock.now_s()
        if "idempotency-key" in request.headers:
            refusal = await count_read(principal, services) if is_large else None
        else:
            refusal = services.money.standing_refusal(principal.account_id, principal.key.key_id, now_s)
        if isinstance(refusal, Refusal):
            raise refusal.error()
        if is_large and "idempotency-key" not in request.headers:
            await refuse_hopeless(principal, services)

    async def _window_of_caller(self, services: Services, request: Request) -> Mapping[str, str]:
        """The headers of the rate window of a caller who is refused before being known; a new key's for a stranger."""
        try:
            principal = await authenticate(request, services, allow_query=self._key_in_query)
        except GatewayError:
            return await _new_window(services)
        return await _window(services, principal)


async def _new_window(services: Services) -> Mapping[str, str]:
    return untouched(services.clock.now_s()).headers


async def _window(services: Services, principal: Principal) -> Mapping[str, str]:
    """The headers of the caller's rate window as it stands; a new key's where the store does not answer.

    An answer that no admission has looked at counts as a read.
    """
    try:
        found = await count_read(principal, services)
    except ServiceUnavailable:
        found = None
    return (untouched(services.clock.now_s()) if found is None else found.window).headers


async def authenticate(request: Request, services: Services, *, allow_query: bool = False) -> Principal:
    """The caller of a request; raises the refusal."""
    key = key_in(request.header_fields, request.query_fields, allow_query=allow_query)
    record = await services.keys.find(key_hash(key))
    return admit_key(record, request.source_ip, services.clock.now_s())
