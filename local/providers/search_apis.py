"""Simulates Brave's and Tavily's search: pages about the query's words, the same for the same query.

https://api-dashboard.search.brave.com/app/documentation/web-search, https://docs.tavily.com/documentation/api-reference
"""

from __future__ import annotations

import hmac

from local.providers.json_value import Json
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

BRAVE_PREFIX, BRAVE_KEY = "/brave", "sim-brave-key-0001"
TAVILY_PREFIX, TAVILY_KEY = "/tavily", "sim-tavily-key-0001"
# Brave takes so many characters and results: https://api-dashboard.search.brave.com/app/documentation/web-search/query
BRAVE_QUERY_MAX, BRAVE_COUNT_MAX = 400, 20


def wires() -> tuple[Wire, ...]:
    """Builds the endpoint of each API."""
    return (
        Wire(
            row="brave",
            prefix=BRAVE_PREFIX,
            routes=(route("GET", "/res/v1/web/search", _brave),),
            authorize=lambda call: _authorize(call.headers.get("x-subscription-token", ""), BRAVE_KEY),
            question=lambda body: str(body.get("q", "")),
            model=lambda _: "",
            refusal=refusal,
        ),
        Wire(
            row="tavily",
            prefix=TAVILY_PREFIX,
            routes=(route("POST", "/search", _tavily),),
            authorize=lambda call: _authorize(call.headers.get("authorization", ""), f"Bearer {TAVILY_KEY}"),
            question=lambda body: str(body.get("query", "")),
            model=lambda _: "",
            refusal=refusal,
        ),
    )


def refusal(status: int, message: str, _code: str | None = None) -> Refusal:
    """Builds an error."""
    return Refusal(status, {"detail": {"error": message}})


def _authorize(given: str, wanted: str) -> None:
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise refusal(401, "Unauthorized: missing or invalid API key.")


def _pages(query: str, count: int, text: str) -> list[Json]:
    return [
        {
            "title": f"Page {place + 1} about {query}",
            "url": f"https://example.com/pages/{place + 1}",
            text: f"What page {place + 1} says about {query}.",
        }
        for place in range(count)
    ]


def _brave(call: Call) -> Reply:
    query, count = call.query.get("q", ""), int(call.query.get("count", "20"))
    if not query or len(query) > BRAVE_QUERY_MAX or not 1 <= count <= BRAVE_COUNT_MAX:
        raise refusal(422, "Unable to validate request parameter(s)")
    return json_reply({"type": "search", "web": {"type": "search", "results": _pages(query, count, "description")}})


def _tavily(call: Call) -> Reply:
    query, count = call.body.get("query"), call.body.get("max_results", 5)
    if not isinstance(query, str) or not query or not isinstance(count, int):
        raise refusal(400, "Query is missing.")
    return json_reply({"query": query, "results": _pages(query, count, "content"), "response_time": 0.5})
