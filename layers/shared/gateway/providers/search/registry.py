"""Search APIs: a row of pure functions for each, which write its request and read its answer.

https://api-dashboard.search.brave.com/app/documentation/web-search, https://docs.tavily.com/documentation/api-reference
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from msgspec import Struct

from gateway.errors import UnreadableAnswer
from gateway.ports.searches import Found
from gateway.ports.upstream import Credential, UpstreamRequest

TITLE_CHARACTERS_MAX, TEXT_CHARACTERS_MAX = 300, 2_000


class SearchVendor(Struct, frozen=True):
    """One row. `write` makes the request below a base URL, `listed` finds the results in an answer's document.

    `text` names the member of a result that has the page's words.
    """

    base_url: str
    write: Callable[[str, Credential, str, int], UpstreamRequest]
    listed: Callable[[Mapping[str, Any]], Any]
    text: str

    def request(self, credential: Credential, query: str, count: int) -> UpstreamRequest:
        """The request, ready to leave."""
        return self.write(credential.base_url or self.base_url, credential, query, count)

    def results(self, body: bytes, count: int) -> Sequence[Found]:
        """The results of an answer, cut to what a model needs; raises `UnreadableAnswer`."""
        try:
            rows = self.listed(orjson.loads(body)) or ()
            return [self._found(row) for row in rows[:count]]
        except (AttributeError, LookupError, TypeError, ValueError):
            raise UnreadableAnswer("it is no list of pages") from None

    def _found(self, row: Mapping[str, Any]) -> Found:
        title, text = str(row.get("title") or ""), str(row.get(self.text) or "")
        return Found(title[:TITLE_CHARACTERS_MAX], str(row["url"]), text[:TEXT_CHARACTERS_MAX])


def _brave(base_url: str, credential: Credential, query: str, count: int) -> UpstreamRequest:
    url = f"{base_url}/res/v1/web/search?{urlencode({'q': query, 'count': count, 'text_decorations': 'false'})}"
    headers = [("accept", "application/json"), ("x-subscription-token", credential.api_key)]
    return UpstreamRequest(url, headers, b"", "GET")


def _tavily(base_url: str, credential: Credential, query: str, count: int) -> UpstreamRequest:
    headers = [("content-type", "application/json"), ("authorization", f"Bearer {credential.api_key}")]
    return UpstreamRequest(f"{base_url}/search", headers, orjson.dumps({"query": query, "max_results": count}))


SEARCH_VENDORS: Mapping[str, SearchVendor] = {
    "brave": SearchVendor(
        "https://api.search.brave.com", _brave, lambda told: (told.get("web") or {}).get("results"), "description"
    ),
    "tavily": SearchVendor("https://api.tavily.com", _tavily, lambda told: told["results"], "content"),
}
