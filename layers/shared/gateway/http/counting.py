"""Counts requests that hold no money before their work: reads in a window of their own, others beside generations."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from gateway.auth.principal import Principal
from gateway.canonical.money import AccountState, CountedCall, Refusal, RefusedBy
from gateway.limits.windows import enforced_rpm
from gateway.ports.clock import Clock
from gateway.ports.money import Money

Counted: TypeAlias = AccountState | Refusal | None
# A read that is counted and never refused: what ends something must not wait for a window.
UNREFUSED = 10**9
# The ends of paths that end something, by POST.
ENDING_PATHS = ("/revoke", "/cancel")


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


async def refuse_hopeless(principal: Principal, services: Counters) -> None:
    """Raises the refusal that the account's state already shows, at the price of a read."""
    call, now_s = _call(principal, None), services.clock.now_s()
    found = await services.money.state(call.account_id, call.key_id, call.key_rpm_limit, now_s)
    if found is None:
        return
    rules = (
        (RefusedBy.SUSPENDED, found.disabled),
        (RefusedBy.KEY_WINDOW, found.window.remaining == 0),
        # What the account's own provider keys serve may cost nothing.
        (RefusedBy.BALANCE, found.free_nanousd <= 0 and not principal.own_keys),
    )
    broken = next((rule for rule, is_broken in rules if is_broken), None)
    if broken is not None:
        raise Refusal(broken, found.window, found.free_nanousd).error()


def _call(principal: Principal, reads_limit: int | None, *, unpaid: bool = False) -> CountedCall:
    key = principal.key
    return CountedCall(principal.account_id, key.key_id, enforced_rpm(key.rpm_limit), reads_limit, unpaid)
