"""The interface of a route, and of the services that every route stands on; the count of what costs nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

from gateway.auth.principal import Principal
from gateway.canonical.money import AccountState, Refusal
from gateway.http.counting import Counted, count_read, count_request, is_ending
from gateway.http.exchange import Exchange
from gateway.limits.windows import untouched
from gateway.ports.clock import Clock
from gateway.ports.keys import Keys
from gateway.ports.money import Money


class Services(Protocol):
    """The services that every family needs; `reads_rpm` are the reads of a key in a minute.

    `look` has the process follow the operator's document over the catalog; what it returns is awaited before a plan.
    """

    @property
    def clock(self) -> Clock: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def money(self) -> Money: ...

    @property
    def reads_rpm(self) -> int: ...

    @property
    def look(self) -> Callable[[], Awaitable[None] | None]: ...


class Route(Protocol):
    """The handler of a path."""

    @property
    def methods(self) -> Collection[str]:
        """The HTTP methods that it takes."""


async def counted_read(exchange: Exchange, principal: Principal, services: Services) -> AccountState | None:
    """Counts a read before it is done; raises the refusal. What ends something is counted and not refused."""
    request = exchange.request
    refused = not is_ending(request.method, request.path)
    return _passed(exchange, services, await count_read(principal, services, refused=refused))


async def counted_request(
    exchange: Exchange, principal: Principal, services: Services, *, unpaid: bool = False
) -> AccountState | None:
    """Counts a request that makes work, before it does; raises the refusal."""
    return _passed(exchange, services, await count_request(principal, services, unpaid=unpaid))


def _passed(exchange: Exchange, services: Services, outcome: Counted) -> AccountState | None:
    window = untouched(services.clock.now_s()) if outcome is None else outcome.window

    async def window_headers() -> Mapping[str, str]:
        return window.headers

    exchange.window, exchange.counted = window_headers, True
    if isinstance(outcome, Refusal):
        raise outcome.error()
    return outcome
