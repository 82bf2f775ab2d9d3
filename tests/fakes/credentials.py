"""Providers' credentials in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.ports.upstream import Credential


class MemoryCredentials:
    """`Credentials` over the rows that a test sets: one credential for a provider, or several."""

    def __init__(self, rows: Mapping[str, Credential | Sequence[Credential]]) -> None:
        self.rows = rows

    async def of(self, provider: str) -> Sequence[Credential]:
        found = self.rows.get(provider, ())
        return (found,) if isinstance(found, Credential) else found

    async def ready(self, provider: str, credential: Credential) -> Credential:
        del provider
        return credential
