"""Admits a call to an endpoint of a JSON family, and carries what its handler needs.

The table in `callers.py` says who may make it; the class of a call says what it offers: to a stranger (`Call`), to a
key (`KeyedCall`), to a key that manages its account or a signed-in person (`ManagerCall` in `managing.py`). Every call
of a known caller counts as a read of its key, or of its person; one that makes work is counted beside the generations
too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from msgspec import Meta, Struct, field
from msgspec.structs import replace

from gateway.auth.principal import ACCESS_PREFIX, Principal, key_in
from gateway.canonical.money import AccountState
from gateway.errors import PermissionDenied
from gateway.http.app import authenticate
from gateway.http.callers import Callers
from gateway.http.exchange import Exchange
from gateway.http.request import Request
from gateway.http.route import counted_read, counted_request
from gateway.http.wires import is_geminis
from gateway.ports.keys import KeyRecord
from gateway.wiring.control_plane import ControlServices

if TYPE_CHECKING:
    # Calls by sessions, and calls that change something, alone load them.
    from gateway.audit.trail import Trail
    from gateway.people.sessions import SignedIn

NOT_MANAGING = "This API key may not manage its account."
NOT_SIGNED_IN = "This takes a signed-in person, not an API key."


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
    async def admitted(cls, exchange: Exchange, services: ControlServices, path: Mapping[str, str], _: Callers) -> Self:
        """The call of a caller who may make it; raises the refusal. Nothing of the body is read yet."""
        return cls(exchange, services, path)

    @property
    def request(self) -> Request:
        """The request; its body is without its coding once the call is admitted."""
        return self.exchange.request

    @property
    def trail(self) -> Trail:
        """The call's entries in audit logs; a stranger's are of the accounts that it names."""
        from gateway.audit.trail import Trail  # noqa: PLC0415  # calls that change nothing do without
        from gateway.auth.sources import source_of  # noqa: PLC0415  # as above

        on = self.services
        return Trail(on.audit(), on.clock, source=source_of(self.request.source_ip))


class KeyedCall(Call):
    """One call by a key, or by a session where the endpoint takes one.

    `account` is the caller's account as it was read when the call was counted.
    """

    principal: Principal
    account: AccountState | None
    signed_in: SignedIn | None = None

    @classmethod
    async def admitted(
        cls, exchange: Exchange, services: ControlServices, path: Mapping[str, str], callers: Callers
    ) -> Self:
        call = await super().admitted(exchange, services, path, callers)
        request = exchange.request
        if "session" in callers and call.key_text.startswith(ACCESS_PREFIX):
            call.signed_in = await services.sessions().find(call.key_text)
            call.principal = in_person(call.signed_in)
        else:
            call.principal = await authenticate(request, services, allow_query=is_geminis(request.path))
        await call.act()
        call.account = await counted_read(exchange, call.principal, services)
        if call.signed_in is None:
            refuse_key(call.principal, callers)
        call.permit()
        return call

    async def act(self) -> None:
        """Finds the account that a caller acts for, where it is not its own, before the call is counted there."""

    def permit(self) -> None:
        """Raises the refusal of a caller whose role does not allow the call."""

    @property
    def account_id(self) -> str:
        """The account that asks."""
        return self.principal.account_id

    @property
    def trail(self) -> Trail:
        """The call's entries in its account's audit log."""
        from gateway.ports.audit import Actor  # noqa: PLC0415  # calls that change nothing do without

        key = self.principal.key
        actor = Actor(key.user_id, key.key_id if self.signed_in is None else None)
        return replace(super().trail, account_id=self.account_id, actor=actor)

    @property
    def key_text(self) -> str:
        """The key or the access token itself, as the request carries it."""
        allow_query = is_geminis(self.request.path)
        return key_in(self.request.header_fields, self.request.query_fields, allow_query=allow_query)

    @property
    def caller_id(self) -> str:
        """The id of the key, or of the session."""
        return self.principal.key.key_id if self.signed_in is None else self.signed_in.session.session_id

    @property
    def secret(self) -> str:
        """The secret that the caller alone knows, and keeps: the key, or a part of all tokens of the session."""
        return self.key_text if self.signed_in is None else self.signed_in.secret

    async def count_work(self, *, unpaid: bool = False) -> None:
        """Counts the call beside the generations, before its work; raises the refusal.

        It needs a balance too, unless it is `unpaid`.
        """
        self.account = await counted_request(self.exchange, self.principal, self.services, unpaid=unpaid)


def in_person(signed_in: SignedIn) -> Principal:
    """A signed-in person as a caller: it manages its account, and has a window of its own beside those of keys."""
    user = signed_in.user
    stands_for = KeyRecord(
        user.user_id, user.account_id, "session", "", user.created_at_s, can_manage_keys=True, user_id=user.user_id
    )
    return Principal(user.account_id, stands_for)


def refuse_key(principal: Principal, callers: Callers) -> None:
    """Raises `PermissionDenied` for a key that is none of an endpoint's callers."""
    if principal.key.can_manage_keys:
        if "manager" not in callers:
            raise PermissionDenied(NOT_SIGNED_IN, code="insufficient_role")
    elif "key" not in callers:
        raise PermissionDenied(NOT_MANAGING, code="insufficient_role")


# An answer's body, or a whole answer.
Shown = Mapping[str, Any] | Reply
