"""Searches the web: by the run's model where its provider searches by itself, else by the operator's search API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from msgspec import Struct

from gateway.agents.tools.tool import Arguments, Offer, Tool, ToolRefused, Work, number_of, text_of
from gateway.ports.searches import RESULTS_MAX

QUERY_CHARACTERS_MAX = 400
COUNT = 5
ANSWER_TOKENS, SEARCHES_MAX = 1_500, 2
NO_SEARCH = "This deployment has no search API, and the run's model has no search of its own."
# What the model is asked, so that it searches and does not answer from memory.
ASKED = "Search the web, and report what you find with its sources. The query: {}"

Pages = Iterator[tuple[str, str]]


class OwnSearch(Struct, frozen=True):
    """The search that a model's provider makes, on one wire: the request, and the text and sources of its answer."""

    body: Callable[[str, str], Mapping[str, Any]]
    text: Callable[[Mapping[str, Any]], str]
    pages: Callable[[Mapping[str, Any]], Pages]


async def run(work: Work, arguments: Arguments) -> str:
    """The pages that were found, with what they say."""
    query = text_of(arguments, "query", characters_max=QUERY_CHARACTERS_MAX)
    count = number_of(arguments, "count", default=COUNT, lowest=1, highest=RESULTS_MAX)
    family = work.outside.own_search(work.model)
    if family is not None:
        own = OWN[family]
        answer = orjson.loads(await work.ask(family, orjson.dumps(own.body(work.model, query)), "search"))
        results = [{"title": title, "url": url} for url, title in dict(own.pages(answer)).items()]
        return orjson.dumps({"answer": own.text(answer), "results": results[:count]}).decode()
    if work.outside.searches is None:
        raise ToolRefused(NO_SEARCH)
    return orjson.dumps({"results": await work.outside.searches.search(query, count)}, default=_row).decode()


def _row(found: Any) -> Mapping[str, str]:
    return {"title": found.title, "url": found.url, "text": found.text}


def _by_responses(model: str, query: str) -> Mapping[str, Any]:
    tools = [{"type": "web_search"}]
    bounds = {"max_output_tokens": ANSWER_TOKENS, "max_tool_calls": SEARCHES_MAX}
    return {"model": model, "input": ASKED.format(query), "tools": tools, "store": False, **bounds}


def _messages(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in answer["output"]:
        if item["type"] == "message":
            yield from (part for part in item["content"] if part["type"] == "output_text")


def _pages_of_responses(answer: Mapping[str, Any]) -> Pages:
    for part in _messages(answer):
        for note in part.get("annotations") or ():
            if note.get("type") == "url_citation":
                yield note["url"], note.get("title") or ""


def _by_messages(model: str, query: str) -> Mapping[str, Any]:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": SEARCHES_MAX}
    said = [{"role": "user", "content": ASKED.format(query)}]
    return {"model": model, "max_tokens": ANSWER_TOKENS, "messages": said, "tools": [tool]}


def _pages_of_messages(answer: Mapping[str, Any]) -> Pages:
    for block in answer["content"]:
        found = block.get("content") if block["type"] == "web_search_tool_result" else None
        # In the place of the list stands an error, where a search failed.
        for page in found if isinstance(found, list) else ():
            yield page["url"], page.get("title") or ""


# By the family that speaks the wire on which the search is sold.
OWN: Mapping[str, OwnSearch] = {
    "responses": OwnSearch(
        _by_responses, lambda answer: "".join(part["text"] for part in _messages(answer)), _pages_of_responses
    ),
    "messages": OwnSearch(
        _by_messages,
        lambda answer: "".join(block["text"] for block in answer["content"] if block["type"] == "text"),
        _pages_of_messages,
    ),
}


def _without_search(offer: Offer) -> str | None:
    return None if offer.has_search else NO_SEARCH


TOOL = Tool(
    name="web_search",
    description="Searches the web, and returns pages with their addresses and what they say about the query.",
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "maxLength": QUERY_CHARACTERS_MAX},
            "count": {"type": "integer", "minimum": 1, "maximum": RESULTS_MAX},
        },
        "required": ["query"],
    },
    run=run,
    price="free by the operator's search API; the model's tokens and its provider's price per search by its own",
    time_limit_s=130.0,
    unavailable=_without_search,
)
