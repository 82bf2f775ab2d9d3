"""Serves the streaming families: the operations that wait for a provider, and what is asked about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.money import Refusal, RefusedBy
from gateway.canonical.wire import Wire
from gateway.errors import GatewayError
from gateway.http.app import App, RouteAt, authenticate, count_refused, read_window
from gateway.http.counting import count_read
from gateway.http.exchange import Exchange
from gateway.http.request import IDEMPOTENCY_KEY, Request, uncoded
from gateway.http.routes import JsonRoute, Route, Services
from gateway.runtime.hooks import after_restore
from gateway.wiring.process import reconnect, snap_start

# Longer ones take longer to read than the account does.
LARGE_BODY_BYTES = 256 * 1024
NO_WIRES: Mapping[str, Wire] = {}


class StreamingApp(App[Services, Route]):
    """The ASGI app of one family: its routes, and the wire of errors outside of them.

    `key_in_query` lets `?key=` carry the key, as Gemini's clients do. `wires` are those of paths with another wire.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        default_wire: Wire,
        route_at: RouteAt[Route],
        *,
        key_in_query: bool = False,
        wires: Mapping[str, Wire] = NO_WIRES,
    ) -> None:
        super().__init__(services, route_at)
        self._default_wire = default_wire
        self._key_in_query = key_in_query
        self._wires = wires
        if snap_start():
            # Not of every app: on the managed runtime these hooks run on another loop than the requests.
            after_restore(reconnect)

    def wire(self, request: Request) -> Wire:
        return self._wires.get(request.path, self._default_wire)

    def takes_query_key(self, _: Request) -> bool:
        return self._key_in_query

    async def serve(self, route: Route, exchange: Exchange, services: Services) -> None:
        request = exchange.request
        principal = await self.caller(request, services)
        exchange.window = partial(read_window, services, principal)
        if not isinstance(route, JsonRoute) or route.makes_work:
            await self._refuse_early(request, principal, services)
        try:
            exchange.request = replace(request, body=uncoded(request.body, request.headers.get("content-encoding")))
            if services.sharing is None:
                await route.serve(exchange, principal, services)
            else:
                with services.sharing.share():
                    await services.sharing.take_body(exchange.request.body)
                    await route.serve(exchange, principal, services)
        except GatewayError as error:
            is_counted = exchange.counted or exchange.is_admitted or error.window is not None
            if not is_counted and not exchange.status:
                await count_refused(exchange, principal, services)
            raise

    async def caller(self, request: Request, services: Services) -> Principal:
        """The caller, with the account's own keys of providers; raises the refusal."""
        principal = await authenticate(request, services, allow_query=self._key_in_query)
        if principal.key.has_provider_keys:
            return replace(principal, own_keys=tuple(await services.own_keys.of(principal.account_id)))
        return principal

    async def _refuse_early(self, request: Request, principal: Principal, services: Services) -> None:
        """Raises a refusal that can be known before the body is read: one that this process knows to stand, and, where
        the body is large enough to take a while, one that the account shows.

        A repeat of an Idempotency-Key may have an answer that is kept. It needs neither window nor balance, and a large
        one counts as a read.
        """
        if request.method != "POST":
            return
        is_large, now_s = len(request.body) > LARGE_BODY_BYTES, services.clock.now_s()
        if IDEMPOTENCY_KEY in request.headers:
            refusal = await count_read(principal, services) if is_large else None
        else:
            refusal = services.money.standing_refusal(principal.account_id, principal.key.key_id, now_s)
        if isinstance(refusal, Refusal) and not (refusal.by is RefusedBy.BALANCE and principal.own_keys):
            raise refusal.error()
        if is_large and IDEMPOTENCY_KEY not in request.headers:
            await services.pipeline.refuse_hopeless(principal)
