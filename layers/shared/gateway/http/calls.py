"""Admits a call to an endpoint of a JSON family, and carries what its handler needs.

The class of a call says who may make it: a caller without a key (`Call`), every key (`KeyedCall`), a key that manages
its account (`ManagerCall` in `managing.py`). Every keyed call counts as a read of its key; one that makes work is
counted beside the generations too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, field

from gateway.auth.principal import Principal, key_in
from gateway.canonical.money import AccountState
from gateway.http.app import authenticate
from gateway.http.exchange import Exchange
from gateway.http.request import Request
from gateway.http.route import counted_read, counted_request
from gateway.http.wires import is_geminis
from gateway.wiring.control_plane import ControlServices


class Reply(Struct):
    """An answer: a body of JSON, or none."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


PageLimit = Annotated[int, Meta(ge=1, le=100)]
# The end is the text's: Python's `$` lets a line break follow.
Cursor = Annotated[str, Meta(pattern=r"^[0-9a-z_-]{0,80}$(?!\n)")]


class Page(Struct):
    """The part of a list that a query asks for."""

    limit: PageLimit = 20
    cursor: Cursor | None = None

    def __post_init__(self) -> None:
        # An empty one is how some clients write none.
        self.cursor = self.cursor or None


class Call:
    """One call of an endpoint that takes no key; `path` has the parts that the endpoint's path names."""

    def __init__(self, exchange: Exchange, services: ControlServices, path: Mapping[str, str]) -> None:
        self.exchange = exchange
        self.services = services
        self.path = path

    @classmethod
    async def admitted(cls, exchange: Exchange, services: ControlServices, path: Mapping[str, str]) -> Self:
        """The call of a caller who may make it; raises the refusal. Nothing of the body is read yet."""
        return cls(exchange, services, path)

    @property
    def request(self) -> Request:
        """The request; its body is without its coding once the call is admitted."""
        return self.exchange.request


class KeyedCall(Call):
    """One call by a key. `account` is its account as it was read when the call was counted."""

    principal: Principal
    account: AccountState | None

    @classmethod
    async def admitted(cls, exchange: Exchange, services: ControlServices, path: Mapping[str, str]) -> Self:
        call = await super().admitted(exchange, services, path)
        request = exchange.request
        call.principal = await authenticate(request, services, allow_query=is_geminis(request.path))
        call.account = await counted_read(exchange, call.principal, services)
        return call

    @property
    def account_id(self) -> str:
        """The account that asks."""
        return self.principal.account_id

    @property
    def key_text(self) -> str:
        """The key itself, as the request carries it."""
        return key_in(self.request.header_fields, self.request.query_fields)

    async def count_work(self, *, unpaid: bool = False) -> None:
        """Counts the call beside the generations, before its work; raises the refusal.

        It needs a balance too, unless it is `unpaid`.
        """
        self.account = await counted_request(self.exchange, self.principal, self.services, unpaid=unpaid)


# An answer's body, or a whole answer.
Shown = Mapping[str, Any] | Reply
