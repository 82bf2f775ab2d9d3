"""Tests of answers to other wordings of a question: who gets one, at what price, and how they are measured."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal, key_hash
from gateway.cache.semantic import CHECKED_MIN, packed
from gateway.canonical.money import EntryKind
from gateway.pipeline.later import all_ended
from gateway.pipeline.meaning import Meanings
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.clock import Clock
from gateway.ports.questions import Checks
from local.providers.vectors import numbers
from tests.app.harness import ACCOUNT, KEY, RECORD, AppUnderTest, Scripted, app_under_test, completion, hello, sized
from tests.fakes.answers import MemoryAnswers
from tests.fakes.questions import MemoryQuestions

pytestmark = pytest.mark.anyio

ASKED, REWORDED = "How do I reset my password?", "What are the steps to reset my password?"
OPPOSITE = ("How do I turn on dark mode?", "How do I turn off dark mode?")
# 10 prompt tokens at 2.50 and 5 at 10 USD a million, and 5 % on top; a quarter of that, rounded half up.
PRICE, QUARTER = 78_750, 19_688


class SimulatedEmbeddings:
    """`Embeddings` as the simulated provider's."""

    name = "simulated 64"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.is_down = False
        self.failure: Exception | None = None

    async def vector(self, text: str, principal: Principal) -> bytes | None:
        del principal
        self.texts.append(text)
        if self.failure is not None:
            raise self.failure
        return None if self.is_down else packed(numbers("simulated", text, 64))


class World:
    """An app whose key has the semantic cache, and a provider that answers as it is told."""

    def __init__(self) -> None:
        self.answers, self.questions, self.embeddings = MemoryAnswers(), MemoryQuestions(), SimulatedEmbeddings()
        self.said = "Like this."
        self.asked = 0
        self.app: AppUnderTest

    async def ask(self, question: str, **members: Any) -> tuple[int, str | None]:
        body = hello(**{"messages": [{"role": "user", "content": question}], **members})
        answer = await self.app.ask(body)
        return answer.status, answer.headers.get("x-nexevo-cache")

    def set_key(self, **settings: Any) -> None:
        self.app.keys.records[key_hash(KEY)] = replace(RECORD, cache="semantic", **settings)


@asynccontextmanager
async def a_world(share: float = 0.0, **settings: Any) -> AsyncIterator[World]:
    world = World()
    built: list[Meanings] = []

    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        world.asked += 1
        whole = orjson.loads(completion())
        whole["choices"][0]["message"]["content"] = world.said
        writer.write(sized(200, orjson.dumps(whole)))
        await writer.drain()

    def meanings(providers: ProviderClient, clock: Clock) -> Meanings:
        if not built:
            built.append(Meanings(world.questions, world.embeddings, providers, clock, share))
        return built[0]

    async with (
        Scripted(script) as scripted,
        app_under_test(scripted.base_url, answers=world.answers, meanings=meanings) as app,
    ):
        world.app = app
        world.set_key(**settings)
        yield world


async def test_another_wording_is_answered_at_a_quarter_of_the_price() -> None:
    async with a_world() as world:
        assert await world.ask(ASKED) == (200, "miss")
        assert await world.ask(REWORDED) == (200, "semantic")
        assert await world.ask(REWORDED) == (200, "semantic")
        assert await world.ask(ASKED) == (200, "exact")
        assert world.asked == 1
        look = await world.app.look()
    charges = [-entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE]
    assert sorted(charges) == [QUARTER, QUARTER, QUARTER, PRICE]
    assert look.holds == ()


async def test_a_question_that_only_looks_alike_is_asked() -> None:
    async with a_world(cache_threshold_thousandths=500) as world:
        assert [await world.ask(question) for question in OPPOSITE] == [(200, "miss"), (200, "miss")]
        assert world.asked == 2


@pytest.mark.parametrize("setting", ["off", "exact"])
async def test_a_key_that_does_not_want_it_asks_no_embedding(setting: str) -> None:
    async with a_world() as world:
        world.app.keys.records[key_hash(KEY)] = replace(RECORD, cache=setting)
        for question in (ASKED, REWORDED):
            assert await world.ask(question, temperature=0) == (200, "miss")
        assert world.embeddings.texts == []


@pytest.mark.parametrize(
    "members",
    [
        {"temperature": 0.5},
        {"max_tokens": 7},
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": REWORDED}]},
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"},
                      {"role": "user", "content": REWORDED}]},
        {"tools": [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]},
        {"response_format": {"type": "json_object"}},
    ],
)  # fmt: skip
async def test_all_but_the_wording_has_to_be_equal(members: dict[str, Any]) -> None:
    async with a_world() as world:
        await world.ask(ASKED)
        assert await world.ask(REWORDED, **members) == (200, "miss")
        assert await world.ask(REWORDED) == (200, "semantic")


async def test_the_threshold_is_the_keys() -> None:
    async with a_world(cache_threshold_thousandths=1000) as world:
        await world.ask(ASKED)
        assert await world.ask(REWORDED) == (200, "miss")


async def test_a_request_goes_on_without_a_vector() -> None:
    async with a_world() as world:
        world.embeddings.is_down = True
        assert [await world.ask(question) for question in (ASKED, REWORDED)] == [(200, "miss"), (200, "miss")]
        assert await world.ask(ASKED) == (200, "exact")


async def test_a_request_goes_on_where_its_question_cannot_be_looked_up() -> None:
    async with a_world() as world:
        world.embeddings.failure = KeyError("a form of vectors that was not foreseen")
        assert [await world.ask(question) for question in (ASKED, REWORDED)] == [(200, "miss"), (200, "miss")]
        assert await world.ask(ASKED) == (200, "exact")


async def test_an_answer_that_is_gone_is_asked_anew() -> None:
    async with a_world() as world:
        await world.ask(ASKED)
        world.answers.standing.clear()
        assert await world.ask(REWORDED) == (200, "miss")


async def test_hits_are_checked_at_no_cost_of_the_caller() -> None:
    async with a_world(share=1.0) as world:
        await world.ask(ASKED)
        assert await world.ask(REWORDED) == (200, "semantic")
        await all_ended()
        assert world.asked == 2
        assert await world.questions.checks(ACCOUNT) == {RECORD.key_id: Checks(1, 0)}
        look = await world.app.look()
    charges = [-entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE]
    assert sorted(charges) == [QUARTER, PRICE]


async def test_a_key_whose_answers_disagree_too_often_stops() -> None:
    async with a_world(share=1.0) as world:
        await world.ask(ASKED)
        world.said = "No, something else entirely: 42 bananas."
        for _ in range(CHECKED_MIN):
            assert await world.ask(REWORDED) == (200, "semantic")
            await all_ended()
        checks = (await world.questions.checks(ACCOUNT))[RECORD.key_id]
        assert (checks.checked, checks.disagreed) == (CHECKED_MIN, CHECKED_MIN)
        assert checks.stopped_at_s is not None
