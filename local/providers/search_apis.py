"""Simulates Brave's and Tavily's search: pages about the query's words, the same for the same query.

https://api-dashboard.search.brave.com/app/documentation/web-search, https://docs.tavily.com/documentation/api-reference
"""

from __future__ import annotations

import hmac
import re
from uuid import UUID

from local.providers.json_value import Json
from local.providers.wire import Call, Refusal, Reply, Wire, json_reply, route

BRAVE_PREFIX, BRAVE_KEY = "/brave", "sim-brave-key-0001"
TAVILY_PREFIX, TAVILY_KEY = "/tavily", "sim-tavily-key-0001"
# Brave takes so many characters and results: https://api-dashboard.search.brave.com/app/documentation/web-search/query
BRAVE_QUERY_MAX, BRAVE_COUNT_MAX = 400, 20
# Tavily takes so many: https://docs.tavily.com/documentation/best-practices/best-practices-search
TAVILY_QUERY_MAX, TAVILY_COUNT_MAX = 400, 20


def wires() -> tuple[Wire, ...]:
    """Builds the endpoint of each API."""
    return (
        Wire(
            row="brave",
            prefix=BRAVE_PREFIX,
            routes=(route("GET", "/res/v1/web/search", _brave),),
            authorize=_authorize_brave,
            question=lambda body: str(body.get("q", "")),
            model=lambda _: "",
            refusal=brave_refusal,
        ),
        Wire(
            row="tavily",
            prefix=TAVILY_PREFIX,
            routes=(route("POST", "/search", _tavily),),
            authorize=_authorize_tavily,
            question=lambda body: str(body.get("query", "")),
            model=lambda _: "",
            refusal=tavily_refusal,
        ),
    )


def brave_refusal(status: int, message: str, code: str | None = None) -> Refusal:
    """Builds an error of Brave; only a request that is not valid and a wrong key are known to have these codes."""
    error: Json = {
        "id": str(UUID(int=0)),
        "status": status,
        "code": code or "VALIDATION",
        "detail": message,
        "meta": {},
    }
    return Refusal(status, {"type": "ErrorResponse", "error": error, "time": 0})


def tavily_refusal(status: int, message: str, _code: str | None = None) -> Refusal:
    """Builds an error of Tavily."""
    return Refusal(status, {"detail": {"error": message}})


def _authorize_brave(call: Call) -> None:
    # A wrong key has the status of a request that is not valid.
    if not _is(call.headers.get("x-subscription-token", ""), BRAVE_KEY):
        raise brave_refusal(422, "The provided subscription token is invalid.", "SUBSCRIPTION_TOKEN_INVALID")


def _authorize_tavily(call: Call) -> None:
    if not _is(call.headers.get("authorization", ""), f"Bearer {TAVILY_KEY}"):
        raise tavily_refusal(401, "Unauthorized: missing or invalid API key.")


def _is(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


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
    query, told = call.query.get("q", ""), call.query.get("count", str(BRAVE_COUNT_MAX))
    count = int(told) if re.fullmatch("[0-9]{1,3}", told) else 0
    if not query or len(query) > BRAVE_QUERY_MAX or not 1 <= count <= BRAVE_COUNT_MAX:
        raise brave_refusal(422, "Unable to validate request parameter(s)")
    return json_reply({"type": "search", "web": {"type": "search", "results": _pages(query, count, "description")}})


def _tavily(call: Call) -> Reply:
    query, count = call.body.get("query"), call.body.get("max_results", 5)
    if not isinstance(query, str) or not query:
        raise tavily_refusal(400, "Query is missing.")
    if len(query) > TAVILY_QUERY_MAX:
        raise tavily_refusal(400, f"Query is too long. Max query length is {TAVILY_QUERY_MAX} characters.")
    # Its words for these are not known.
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= TAVILY_COUNT_MAX:
        raise tavily_refusal(400, f"'max_results' is an integer from 0 to {TAVILY_COUNT_MAX}.")
    return json_reply({"query": query, "results": _pages(query, count, "content"), "response_time": 0.5})
