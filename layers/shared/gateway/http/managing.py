"""Offers what the endpoints that manage an account need: to a key that may manage it, and to its person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gateway.accounts.keyring import Caller, Keyring
from gateway.auth.principal import Principal
from gateway.canonical.money import AccountState
from gateway.errors import NotFound
from gateway.http.calls import KeyedCall

if TYPE_CHECKING:
    from gateway.accounts.mcp_servers import McpServers
    from gateway.accounts.provider_keys import ProviderKeys
    from gateway.ports.organizations import Member


# Names the organization that a session acts for; the word is for one whose person has a default, and acts for itself.
ORGANIZATION, FOR_ITSELF = "x-nexevo-organization", "personal"


class ManagerCall(KeyedCall):
    """One call by a key that manages its account, or by a person who is signed in to it.

    A session acts for its person, or for the organization that the request names, and an organization's key for the
    member who made it: with the role that the member has at this moment.
    """

    member: Member | None = None

    async def act(self) -> None:
        own, asked = self.principal.key.org_id, self.request.headers.get(ORGANIZATION)
        if self.signed_in is None and asked is not None and asked != own:
            from gateway.organizations.refusals import other_organization  # noqa: PLC0415  # no cold start pays for it

            raise other_organization()
        org_id = own if self.signed_in is None else _chosen(asked, self.signed_in.user.default_org_id)
        user_id = self.principal.key.user_id
        if org_id is None or user_id is None:
            return
        from gateway.ports.organizations import member_in  # noqa: PLC0415  # calls for organizations alone need it

        found = await member_in(self.services.organizations(), org_id[:80], user_id)
        if found is None:
            from gateway.organizations.refusals import no_organization  # noqa: PLC0415  # no cold start pays for it

            raise no_organization(org_id)
        self.member = found
        seat = {"org_id": found.org_id, "seat": found.seat, "seat_cap_nanousd": found.cap_nanousd}
        key = replace(self.principal.key, account_id=found.account_id, **seat)
        self.principal = Principal(found.account_id, key)

    def permit(self) -> None:
        if self.member is None:
            return
        from gateway.organizations.permissions import may, permission_for  # noqa: PLC0415  # no cold start pays for it
        from gateway.organizations.refusals import not_permitted  # noqa: PLC0415  # as above

        needed = permission_for(self.request.method, self.request.path)
        if not may(self.member.role, needed):
            raise not_permitted(self.member.role, needed)

    @property
    def manager(self) -> Caller:
        """The caller, as keys are managed by it."""
        is_person = self.signed_in is not None
        trail = None if self.request.method in {"GET", "HEAD"} else self.trail
        caller = Caller(self.principal, self.request.source_ip, is_person, self.member, trail=trail)
        if self.member is None:
            return caller
        from gateway.organizations.permissions import may  # noqa: PLC0415  # no cold start pays for it

        return replace(caller, only_own=not may(self.member.role, "keys.all"))

    @property
    def keyring(self) -> Keyring:
        """Accounts' keys, to be managed."""
        on = self.services
        return Keyring(on.key_store, on.money, on.clock, on.own_hosts)

    @property
    def provider_keys(self) -> ProviderKeys:
        """Accounts' own keys of providers."""
        return self.services.provider_keys()

    @property
    def mcp_servers(self) -> McpServers:
        """Accounts' servers of the Model Context Protocol."""
        return self.services.mcp_servers()

    @property
    def state(self) -> AccountState:
        """The manager's account; raises `NotFound`."""
        if self.account is None:
            raise NotFound(f"There is no account '{self.account_id}'.", code="account_not_found")
        return self.account


def _chosen(asked: str | None, by_default: str) -> str | None:
    """The organization that a session acts for; `None` for its person itself."""
    if asked is None:
        return by_default or None
    return None if asked == FOR_ITSELF else asked
