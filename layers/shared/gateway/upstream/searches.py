"""Asks a search API with the operator's credential."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway.errors import NotConfigured, UpstreamError
from gateway.ports.searches import Found
from gateway.ports.upstream import Credentials, Upstream, UpstreamTimeouts
from gateway.providers.search.registry import SEARCH_VENDORS

TIMEOUTS = UpstreamTimeouts(connect_s=3.0, first_byte_s=15.0, idle_s=5.0)
REFUSED = "The search API answered with status {}."


class VendorSearches(Struct, frozen=True):
    """`Searches` at a row of the registry."""

    vendor: str
    credentials: Credentials
    upstream: Upstream

    async def search(self, query: str, count: int) -> Sequence[Found]:
        """Implements `Searches.search`."""
        row, found = SEARCH_VENDORS[self.vendor], await self.credentials.of(self.vendor)
        if not found:
            raise NotConfigured
        answer = await self.upstream.send(row.request(found[0], query, count), TIMEOUTS)
        body = await answer.read()
        if answer.status != 200:
            # Its body is the operator's business: it may name the account.
            raise UpstreamError(REFUSED.format(answer.status))
        return row.results(body, count)
