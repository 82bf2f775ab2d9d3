"""Tests of hedging: a late target gets a second one beside it, one of them serves, and the customer pays for that."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.canonical.money import EntryKind
from gateway.pipeline.health import Health
from gateway.pipeline.hedging import SAMPLES_MIN, TOLD_EVERY, HedgeRules, Hedging, unhedged
from gateway.ports.upstream import Credential
from tests.app.harness import (
    CATALOG,
    SSE_HEAD,
    Answer,
    AppUnderTest,
    Scripted,
    app_under_test,
    completion,
    delta,
    event,
    hello,
    piece,
    sized,
    usage,
)
from tests.app.test_failover import OUTAGE, TWICE
from tests.fakes.health import MemoryHealth
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

RULES = HedgeRules(frozenset({"twice"}), share=100.0, price_max_usd=100.0)
CHEAP_NANOUSD, DEAR_NANOUSD = 21_000, 210_000


@dataclass
class Slow:
    """A provider that takes its time: before its answer, and between the words of a stream."""

    text: str
    before_s: float = 0.5
    stream: bool = False
    answer: bytes | None = None
    cut: bool = False
    asked: int = 0
    let_go: int = 0

    async def script(self, _: int, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        before_s, answer = self.before_s, self.answer
        if self.stream and answer is None:
            writer.write(SSE_HEAD + event(delta("")))
        await asyncio.sleep(before_s)
        if before_s >= 30:
            await self._notice(writer)
        if answer is not None or not self.stream:
            writer.write(answer or sized(200, completion(self.text)))
            await writer.drain()
            return
        for word in self.text.split():
            writer.write(event(delta(f"{word} ")))
            await writer.drain()
            await asyncio.sleep(0.1)
            if self.cut:
                writer.close()
                return
        writer.write(event(delta(finish="stop")) + event(usage()) + event(b"[DONE]") + piece(b""))
        await writer.drain()

    async def _notice(self, writer: asyncio.StreamWriter) -> None:
        """Counts a client that is gone, which shows when it is written to."""
        try:
            for _ in range(3):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.1)
        except ConnectionError:
            self.let_go += 1
            raise


@dataclass
class Two:
    """Two providers behind an app that has learned how long the first one takes."""

    first: Slow
    second: Slow
    gateway: AppUnderTest
    health: Health
    answers: list[Answer] = field(default_factory=list)

    async def ask(self) -> Answer:
        answer = await self.gateway.ask(hello(model="twice", stream=self.first.stream))
        await self.health.settled()
        return answer

    async def spent(self) -> int:
        look = await self.gateway.look()
        assert look.holds == ()
        return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


async def played(
    story: Any, *, stream: bool, rules: HedgeRules | None = RULES, store: MemoryHealth | None = None, learned: int = 20
) -> None:
    first, second = Slow("one two", stream=stream), Slow("three four", stream=stream)
    async with Scripted(first.script) as one, Scripted(second.script) as two:
        rows = {"openai": Credential("k", one.base_url), "deepseek": Credential("d", two.base_url)}
        health = Health(LoopClock(), store)
        async with app_under_test("", rows=rows, catalog=TWICE, health=health, hedging=rules) as gateway:
            both = Two(first, second, gateway, health)
            for _ in range(learned):
                assert (await both.ask()).status == 200
            assert second.asked == 0
            await story(both)


def said(answer: Answer) -> str:
    return (
        answer.text.strip()
        if answer.headers["content-type"].startswith("text/event")
        else str(answer.json["choices"][0]["message"]["content"])
    )


def tried(answer: Answer) -> list[str]:
    streamed = answer.headers["content-type"].startswith("text/event")
    told = next(each for each in reversed(answer.chunks) if "nexevo" in each) if streamed else answer.json
    return [each["outcome"] for each in told["nexevo"]["models_tried"]]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_late_target_is_overtaken_and_the_customer_pays_for_the_winner_alone(*, stream: bool) -> None:
    async def story(both: Two) -> None:
        before = await both.spent()
        both.first.before_s = 30.0
        begun_s = asyncio.get_running_loop().time()
        answer = await both.ask()
        assert (answer.status, said(answer), tried(answer)) == (200, "three four", ["hedged", "served"])
        assert asyncio.get_running_loop().time() - begun_s < 2
        assert await both.spent() - before == DEAR_NANOUSD
        assert (both.first.asked, both.second.asked) == (21, 1)
        await asyncio.sleep(40)
        assert both.first.let_go == 1

    await played(story, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_late_target_that_is_still_first_serves(*, stream: bool) -> None:
    async def story(both: Two) -> None:
        before = await both.spent()
        both.first.before_s, both.second.before_s = 0.9, 5.0
        answer = await both.ask()
        assert (said(answer), tried(answer)) == ("one two", ["served", "hedged"])
        assert await both.spent() - before == CHEAP_NANOUSD
        assert both.second.asked == 1

    await played(story, stream=stream)


@pytest.mark.parametrize(
    "rules",
    [
        None,
        HedgeRules(frozenset({"other"}), share=1.0, price_max_usd=100.0),
        HedgeRules(frozenset({"*"}), share=1.0, price_max_usd=20.0),
        HedgeRules(frozenset({"*"}), share=0.0, price_max_usd=100.0),
    ],
    ids=["off", "another model", "too dear", "no budget"],
)
async def test_without_leave_a_late_target_is_waited_for(rules: HedgeRules | None) -> None:
    async def story(both: Two) -> None:
        both.first.before_s = 10.0
        assert tried(await both.ask()) == ["served"]
        assert both.second.asked == 0

    await played(story, stream=False, rules=rules)


async def test_losers_cost_a_share_of_what_is_billed_at_the_most() -> None:
    async def story(both: Two) -> None:
        both.second.before_s = 5.0
        for number in range(100):
            both.first.before_s = 0.5 + 0.01 * number
            await both.ask()
            both.health.served(["openai||twice"], whole=True)
        # A lost answer of the dear provider costs ten of the cheap one's.
        assert 1 <= both.second.asked * DEAR_NANOUSD <= await both.spent() + DEAR_NANOUSD

    await played(story, stream=False, rules=HedgeRules(frozenset({"twice"}), share=1.0, price_max_usd=100.0))


async def test_too_few_times_are_no_measure() -> None:
    async def story(both: Two) -> None:
        both.first.before_s = 5.0
        assert tried(await both.ask()) == ["served"]

    await played(story, stream=False, learned=SAMPLES_MIN - 2)


@pytest.mark.parametrize("stream", [False, True])
async def test_where_one_of_both_fails_the_other_serves(*, stream: bool) -> None:
    async def story(both: Two) -> None:
        both.first.before_s, both.first.answer = 0.8, OUTAGE
        assert tried(await both.ask()) == ["502 upstream_error", "served"]
        both.first.answer, both.second.answer, both.second.before_s = None, OUTAGE, 0.1
        assert tried(await both.ask()) == ["served", "502 upstream_error"]

    await played(story, stream=stream)


async def test_where_both_fail_the_request_goes_on_to_its_next_turn() -> None:
    async def story(both: Two) -> None:
        both.first.before_s, both.first.answer, both.second.answer = 1.0, OUTAGE, OUTAGE
        answer = await both.ask()
        assert answer.status == 502
        assert both.second.asked >= 2

    await played(story, stream=False)


async def test_a_winner_that_is_cut_after_content_ends_in_an_error_and_its_own_bill() -> None:
    async def story(both: Two) -> None:
        before = await both.spent()
        both.first.before_s, both.second.cut = 30.0, True
        answer = await both.ask()
        assert answer.text == "three "
        assert b'"error"' in answer.body
        # The second one's prompt and word, at its price.
        assert 0 < await both.spent() - before < DEAR_NANOUSD * 10
        assert both.health._known["deepseek||hosted/twice"].failures == 1

    await played(story, stream=True)


async def test_a_target_that_loses_twice_is_left_alone() -> None:
    async def story(both: Two) -> None:
        both.first.before_s = 1_000.0
        assert tried(await both.ask()) == ["hedged", "served"]
        assert tried(await both.ask()) == ["hedged", "served"]
        assert tried(await both.ask()) == ["cooling", "served"]

    await played(story, stream=False)


async def test_other_processes_learn_when_a_target_is_late() -> None:
    store = MemoryHealth()

    async def story(both: Two) -> None:
        assert both.second.asked == 0
        (shared,) = store.paces.values()
        assert store.steps.count("pace") == 1
        assert shared.late_s is not None
        assert 0.4 < shared.late_s < 0.7

    async def new(both: Two) -> None:
        await both.ask()
        both.first.before_s = 30.0
        assert tried(await both.ask()) == ["hedged", "served"]

    await played(story, stream=False, store=store, learned=TOLD_EVERY)
    await played(new, stream=False, store=store, learned=1)


@pytest.mark.parametrize("own", [None, object()])
async def test_an_accounts_own_key_pays_for_no_loser(own: Any) -> None:
    context: Any = SimpleNamespace(meter=SimpleNamespace(cost=lambda *_: SimpleNamespace(nanousd=1)))
    candidate: Any = SimpleNamespace(own=own, model=SimpleNamespace(id="twice"))
    assert Hedging(RULES, Health(LoopClock())).covers(context, candidate) is (own is None)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gpt-4o", None),
        ("gpt-4q", "is no model that is sold here"),
        ("nexevo/fast", "stands for other models; name those"),
        ("o1-mini", "stands for other models; name those"),
        ("openai/gpt-4o", "is another name of 'gpt-4o'; name that"),
        ("qwen-plus", "has no second target"),
        ("claude-opus-4-7", "costs more than 20 USD for a million tokens of output"),
    ],
)
def test_a_name_that_hedges_nothing_is_told_with_the_reason(name: str, why: str | None) -> None:
    assert unhedged(CATALOG, name, HedgeRules(frozenset({name}))) == why
