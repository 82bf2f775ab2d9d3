"""Serves the families that answer at once: keys, money, models, jobs, files, callbacks, webhooks.

They run on Lambda's managed runtime, which takes an answer whole. Their routes are a table of endpoints; all else is
the app that the streaming families have.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain
from typing import Any

from gateway.canonical.wire import Wire
from gateway.http.app import App
from gateway.http.callers import callers_of
from gateway.http.endpoints import Endpoints, Found, Table
from gateway.http.exchange import Exchange
from gateway.http.request import Request
from gateway.http.wires import is_geminis, is_generating, wire_of
from gateway.wiring.control_plane import ControlServices, control_services


class JsonApp(App[ControlServices, Found]):
    """The ASGI app of one family, of the endpoints that it is given."""

    def __init__(self, *groups: Endpoints[Any], services: Callable[[], ControlServices] = control_services) -> None:
        self.endpoints = tuple(chain.from_iterable(group.all for group in groups))
        for endpoint in self.endpoints:
            callers_of(endpoint.method, endpoint.path)
        super().__init__(services, Table(self.endpoints))

    def wire(self, request: Request) -> Wire:
        return wire_of(request)

    def takes_query_key(self, request: Request) -> bool:
        return is_geminis(request.path)

    def allowed(self, route: Found, request: Request) -> Collection[str]:
        """A path that generates is another family's, and it takes POST."""
        return ["POST"] if is_generating(request.path) else route.methods

    async def serve(self, route: Found, exchange: Exchange, services: ControlServices) -> None:
        await route.serve(exchange, services)
