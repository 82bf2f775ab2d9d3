"""Counts requests that hold no money before their work: reads in a window of their own, others beside generations."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from gateway.auth.principal import Principal
from gateway.canonical.money import AccountState, CountedCall, Refusal
from gateway.limits.windows import enforced_rpm
from gateway.ports.clock import Clock
from gateway.ports.money import Money

Counted: TypeAlias = AccountState | Refusal | None
# A read that is counted and never refused: what ends something must not wait for a window.
UNREFUSED = 10**9
# The ends of paths that end something, by POST.
ENDING_PATHS = ("/revoke", "/cancel", "/logout")


class Counters(Protocol):
    """The services by which requests are counted; `reads_rpm` are the reads of a key in a minute."""

    @property
    def clock(self) -> Clock: ...

    @property
    def money(self) -> Money: ...

    @property
    def reads_rpm(self) -> int: ...


def is_ending(method: str, path: str) -> bool:
    """True for a request that ends something: it counts, and no full window refuses it."""
    return method == "DELETE" or path.endswith(ENDING_PATHS)


async def count_read(principal: Principal, services: Counters, *, refused: bool = True) -> Counted:
    """Counts a read, or refuses it; with `refused` unset it is counted all the same. `None` for an unknown account."""
    limit = services.reads_rpm if refused else UNREFUSED
    return await services.money.count(_call(principal, limit), services.clock.now_s())


async def count_request(principal: Principal, services: Counters, *, unpaid: bool = False) -> Counted:
    """Counts a request that makes work or creates something, or refuses it.

    It needs a balance too, unless it is `unpaid` or the account has provider keys of its own.
    """
    call = _call(principal, None, unpaid=unpaid or bool(principal.own_keys))
    return await services.money.count(call, services.clock.now_s())


def _call(principal: Principal, reads_limit: int | None, *, unpaid: bool = False) -> CountedCall:
    key = principal.key
    return CountedCall(principal.account_id, key.key_id, enforced_rpm(key.rpm_limit), reads_limit, unpaid)
