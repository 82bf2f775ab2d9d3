"""Tests of the tool that searches the web: by a search API's row, and by a model whose provider searches itself."""

from collections.abc import AsyncIterator

import orjson
import pytest

from gateway.agents.tools.tool import Offer, Outside
from gateway.agents.tools.web_search import NO_SEARCH
from gateway.errors import NotConfigured, UnreadableAnswer
from gateway.ports.searches import Found
from gateway.ports.upstream import Credential
from gateway.providers.search.registry import SEARCH_VENDORS, TEXT_CHARACTERS_MAX
from gateway.transport import Client
from gateway.upstream.provider import HttpUpstream
from gateway.upstream.searches import VendorSearches
from gateway.wiring.agent_tools import own_search
from tests.agent_runs.harness import Rows, call, place, say, scripted
from tests.background.harness import Clock
from tests.fakes.credentials import MemoryCredentials
from tests.fakes.sandbox import LocalSandbox

pytestmark = pytest.mark.anyio
SEARCH = (call("web_search", query="tides in Brest", count=3), say("Two a day."))


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    async with Client() as client:
        yield HttpUpstream(client, Clock())


def searches(upstream: HttpUpstream, rows: Rows, vendor: str) -> VendorSearches:
    return VendorSearches(vendor, MemoryCredentials(dict(rows)), upstream)


@pytest.mark.parametrize("vendor", SEARCH_VENDORS)
async def test_a_search_api_s_pages_are_the_result_and_cost_nothing(
    upstream: HttpUpstream, credentials: Rows, vendor: str
) -> None:
    outside = Outside(LocalSandbox(), searches(upstream, credentials, vendor))
    async with place(credentials, outside=outside) as home:
        view = await home.run(f"When? {scripted(*SEARCH)}", tools=["web_search"])
        entries = (await home.look()).entries
    pages = orjson.loads(view["steps"][1]["tool_output"])["results"]
    assert [page["url"] for page in pages] == [f"https://example.com/pages/{number}" for number in (1, 2, 3)]
    assert pages[0]["text"] == "What page 1 says about tides in Brest."
    assert sum(entry.charge is not None for entry in entries) == 2
    assert view["tools_not_offered"] == {}


@pytest.mark.parametrize("model", ["gpt-4o", "claude-haiku-4-5"])
async def test_a_model_with_a_search_of_its_own_searches_and_the_run_pays_for_it(
    upstream: HttpUpstream, credentials: Rows, model: str
) -> None:
    outside = Outside(LocalSandbox(), searches(upstream, credentials, "brave"), own_search)
    async with place(credentials, outside=outside) as home:
        view = await home.run(f"When? {scripted(*SEARCH)}", model=model)
        paid = await home.paid_nanousd(view["id"])
        entries = (await home.look()).entries
    found = orjson.loads(view["steps"][1]["tool_output"])
    assert found["answer"]
    assert found["results"] == [{"title": "A simulated page", "url": "https://example.com/simulated"}]
    assert sum(entry.charge is not None for entry in entries) == 3
    assert round(float(view["total_cost_usd"]) * 1e9) == paid


async def test_without_any_search_the_tool_is_not_offered_and_says_why(credentials: Rows) -> None:
    async with place(credentials, offer=Offer()) as home:
        view = await home.run(f"When? {scripted(*SEARCH)}", tools=["web_search", "list_models"])
    assert view["tools_not_offered"] == {"web_search": NO_SEARCH}
    assert "no tool 'web_search'" in view["steps"][1]["tool_output"]


async def test_a_search_that_fails_is_an_error_for_the_model_without_the_api_s_words(
    upstream: HttpUpstream, credentials: Rows
) -> None:
    wrong = {**credentials, "brave": Credential("wrong", credentials["brave"].base_url)}
    outside = Outside(LocalSandbox(), searches(upstream, wrong, "brave"))
    async with place(credentials, outside=outside) as home:
        view = await home.run(f"When? {scripted(*SEARCH)}")
    assert view["status"] == "succeeded"
    assert orjson.loads(view["steps"][1]["tool_output"]) == {"error": "The search API answered with status 422."}


async def test_a_search_api_without_a_credential_is_not_asked(upstream: HttpUpstream) -> None:
    with pytest.raises(NotConfigured):
        await searches(upstream, {}, "brave").search("tides", 1)


def test_aliases_have_no_search_of_their_own_and_models_by_what_their_targets_sell() -> None:
    names = ("gpt-4o", "claude-haiku-4-5", "nexevo/balanced", "deepseek-v4-flash", "no-such-model")
    assert [own_search(name) for name in names] == ["responses", "messages", None, None, None]


def test_what_a_page_says_is_cut() -> None:
    body = orjson.dumps({"web": {"results": [{"title": "t", "url": "u", "description": "x" * 10_000}]}})
    assert SEARCH_VENDORS["brave"].results(body, 5) == [Found("t", "u", "x" * TEXT_CHARACTERS_MAX)]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"results": [1]}', b'{"results": [{"title": "no address"}]}'])
def test_an_answer_that_is_no_list_of_pages_cannot_be_read(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        SEARCH_VENDORS["tavily"].results(body, 5)
