"""Tests of the operator's document in a process: when it is read, what a wrong one changes, which terms are kept."""

from __future__ import annotations

import asyncio
import logging

import orjson
import pytest

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.usage import Usage
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.catalog.loader import document_of, load
from gateway.ledger.prices import cost
from gateway.logs.metrics import METRIC, Metric
from gateway.operations.token_meter import terms_of
from gateway.ports.catalog import StoredOverrides
from gateway.providers.chat.registry import KNOWN
from gateway.routing.plan import Candidate
from gateway.routing.planning import find
from gateway.stores.overrides import AGE_S_MAX, LOOK_AFTER_S, RETRY_AFTER_S, Following
from tests.fakes.overrides import MemoryOverrides
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio

MODEL = "gpt-4o-mini"
BUILT = document_of(CHAT_MODELS)["price_version"]
MILLION = Usage(input=10**6)


class Process:
    """A process that sells text, and its store, by a clock that is turned by hand."""

    def __init__(self) -> None:
        self.clock = StoppedClock()
        self.store = MemoryOverrides()
        self.catalog = LiveCatalog(CHAT_MODELS, KNOWN)
        self.following = Following(self.store, [self.catalog], self.clock)

    def set(self, text: str) -> None:
        version = len(self.store.versions) + 1
        self.store.versions.append(StoredOverrides(version, text, "ann", 0))

    def price(self, usd: str) -> None:
        """Sets the price of input, at the one provider that is left."""
        row = {"id": MODEL, "price": {"input": usd, "output": "1"}, "targets": None}
        self.set(orjson.dumps({"chat": {"models": [row]}}).decode())

    def planned(self) -> Candidate[ChatModel]:
        name = find(MODEL, self.catalog, "model", allow_successor=False)
        (model,) = self.catalog.models_behind(name.offer)
        return Candidate(name, model, model.targets[0])

    async def request(self) -> tuple[bool, str, str]:
        """Plans a request: whether it waited for the document, and the price of its input with the list's version."""
        waits = self.following.look()
        if waits is not None:
            await waits
        candidate = self.planned()
        return waits is not None, candidate.target.price.input, candidate.model.sale.price_version

    async def later(self, seconds: float) -> tuple[bool, str, str]:
        """Plans a request so much later, and lets what it began beside itself end."""
        self.clock.at_s += seconds
        answer = await self.request()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return answer


@pytest.fixture
def process() -> Process:
    return Process()


def failures(caplog: pytest.LogCaptureFixture) -> int:
    return sum(getattr(record, METRIC, {}).get(Metric.CATALOG_NOT_FOLLOWED, 0) for record in caplog.records)


async def test_a_new_process_reads_the_document_before_it_sells(process: Process) -> None:
    process.price("7")
    assert await process.request() == (True, "7", f"{BUILT}+1")


async def test_without_a_document_the_catalog_is_as_it_was_built(process: Process) -> None:
    assert await process.request() == (True, "0.15", BUILT)


async def test_a_warm_process_waits_for_nothing_and_is_current_within_a_minute(process: Process) -> None:
    await process.request()
    process.price("7")
    assert await process.later(LOOK_AFTER_S - 1) == (False, "0.15", BUILT)
    assert await process.later(1) == (False, "0.15", BUILT)
    assert await process.later(0) == (False, "7", f"{BUILT}+1")
    assert process.store.reads == 2
    assert AGE_S_MAX < 60


async def test_a_process_that_was_idle_reads_the_document_before_it_sells(process: Process) -> None:
    await process.request()
    process.price("7")
    assert await process.later(AGE_S_MAX + 1) == (True, "7", f"{BUILT}+1")


async def test_requests_at_once_share_one_look(process: Process) -> None:
    process.price("7")
    answers = await asyncio.gather(*(process.request() for _ in range(9)))
    assert {price for _, price, _ in answers} == {"7"}
    assert process.store.reads == 1


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"chat": {"models": [{"id": "gpt-4o-mini", "profile": "of_another_release"}]}}',
        '{"chat": {"models": [{"id": "gpt-4o-mini", "retired": "soon"}]}}',
        '{"chat": {"models": "none"}}',
        "[]",
    ],
)
async def test_a_wrong_document_leaves_the_last_good_one_and_is_counted(
    process: Process, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    process.price("7")
    await process.request()
    process.set(text)
    assert await process.later(AGE_S_MAX + 1) == (True, "7", f"{BUILT}+1")
    assert await process.later(AGE_S_MAX + 1) == (True, "7", f"{BUILT}+1")
    assert failures(caplog) == 2
    process.price("8")
    assert await process.later(AGE_S_MAX + 1) == (True, "8", f"{BUILT}+3")


async def test_a_store_that_is_down_stops_nothing_and_is_asked_again_soon(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    process.price("7")
    process.store.down = True
    assert await process.request() == (True, "0.15", BUILT)
    assert await process.request() == (False, "0.15", BUILT)
    assert (process.store.reads, failures(caplog)) == (1, 1)
    process.store.down = False
    await process.later(RETRY_AFTER_S)
    assert await process.request() == (False, "7", f"{BUILT}+1")


async def test_a_request_keeps_the_terms_with_which_it_was_planned(process: Process) -> None:
    process.price("7")
    await process.request()
    candidate = process.planned()
    process.price("70")
    await process.later(AGE_S_MAX + 1)
    assert (cost(MILLION, terms_of(candidate)), terms_of(candidate).price_version) == (7_350_000_000, f"{BUILT}+1")
    later = process.planned()
    assert (cost(MILLION, terms_of(later)), terms_of(later).price_version) == (73_500_000_000, f"{BUILT}+2")


async def test_a_request_that_was_planned_before_is_planned_again_by_the_same_document(process: Process) -> None:
    async def price_at(version: int) -> str:
        catalog = await process.following.at(process.catalog, version)
        name = catalog.find(MODEL)
        assert name is not None
        return str(catalog.models_behind(name.offer)[0].targets[0].price.input)

    process.price("1")
    await process.request()
    assert await price_at(1) == "1"
    process.price("2")
    assert (await process.later(LOOK_AFTER_S + 1), await process.request())[1][1] == "2"
    built = load(CHAT_MODELS, KNOWN).offer(MODEL)
    assert isinstance(built, ChatModel)
    assert [await price_at(version) for version in (2, 1, 0)] == ["2", "1", built.targets[0].price.input]
    # One that is gone, or that this release does not fit, leaves the one in use.
    assert await price_at(9) == "2"
    process.set('{"chat": {"models": [{"id": "gpt-4o", "provider": "nowhere"}]}}')
    assert await price_at(3) == "2"
    assert process.planned().target.price.input == "2"
