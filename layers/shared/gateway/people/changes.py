"""Changes a stored person under its version, and reads again what another change overtook."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from gateway.people.refusals import changed_meanwhile, session_over
from gateway.ports.audit import AuditEntry
from gateway.ports.people import PeopleStore, User

TRIES = 8


async def changed(
    store: PeopleStore, user: User, change: Callable[[User], User], audit: AuditEntry | None = None
) -> User:
    """The person after a change, which is made anew on what is stored; it may raise a refusal of that state.

    The entry of the audit log is written with it.
    """
    standing: User | None = user
    for _ in range(TRIES):
        if standing is None or standing.deactivated:
            raise session_over()
        after = replace(change(standing), version=standing.version + 1)
        if await store.put(after, instead_of=standing, audit=audit):
            return after
        standing = await store.user(user.user_id)
    raise changed_meanwhile()
