"""Tests of targets that take a request and stay silent: another one serves it, others pass the target by."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from gateway.canonical.money import EntryKind
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.pipeline.attempts import PROBE_SUSPECT_S, SUSPECT_S
from gateway.pipeline.context import Attempt
from gateway.pipeline.health import Health
from gateway.pipeline.silence import RESCUES_MAX, RESCUES_S, TIMES, UNKNOWN_S, Silences, Watch
from gateway.ports.upstream import Credential
from gateway.providers.chat.registry import KNOWN
from gateway.routing.health import COOLDOWN_S
from tests.app.harness import (
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
from tests.app.test_failover import OUTAGE
from tests.app.test_hedging import said, tried
from tests.fakes.health import MemoryHealth
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

NAMES = ("openai", "deepseek", "groq")
PRICES = ("1", "10", "100")
QUICK: Mapping[str, int] = {"latency_ms": 500, "throughput_tps": 50}
CHEAP_NANOUSD, DEAR_NANOUSD = 21_000, 210_000


def catalog_with(figures: Mapping[str, int]) -> Any:
    targets: list[dict[str, Any]] = [
        {"provider": name, "upstream_model": "thrice", "price": {"input": price, "output": f"{price}0"}, **figures}
        for name, price in zip(NAMES, PRICES, strict=True)
    ]
    model = {
        "id": "thrice",
        "owned_by": "openai",
        "created": 1_760_000_000,
        "context_window": 1000,
        "max_output_tokens": 100,
        "input": ["text"],
        "capabilities": ["tools"],
        "profile": "openai_gpt",
        "price": {"input": "1", "output": "10"},
        "targets": targets,
    }
    return parse(CHAT_MODELS, {"price_version": "2026-01-01", "models": [model]}, KNOWN)


@dataclass
class Mute:
    """A provider that sends nothing, not even its headers, for `silent_s`."""

    text: str
    stream: bool
    silent_s: float = 0.1
    answer: bytes | None = None
    cut: bool = False
    heads_at_once: bool = False
    asked: int = 0

    async def script(self, _: int, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        answer = self.answer
        if self.heads_at_once:
            writer.write(SSE_HEAD)
        await asyncio.sleep(self.silent_s)
        if answer is not None or not self.stream:
            writer.write(answer or sized(200, completion(self.text)))
            await writer.drain()
            return
        writer.write((b"" if self.heads_at_once else SSE_HEAD) + event(delta("")))
        for word in self.text.split():
            writer.write(event(delta(f"{word} ")))
            await writer.drain()
            await asyncio.sleep(0.5)
            if self.cut:
                writer.close()
                return
        writer.write(event(delta(finish="stop")) + event(usage()) + event(b"[DONE]") + piece(b""))
        await writer.drain()


@dataclass
class Three:
    """Three providers of one model behind an app, of which the first is silent."""

    first: Mute
    second: Mute
    third: Mute
    gateway: AppUnderTest
    health: Health
    took_s: list[float] = field(default_factory=list)

    async def ask(self, **more: Any) -> Answer:
        begun_s = asyncio.get_running_loop().time()
        answer = await self.gateway.ask(hello(model="thrice", stream=self.first.stream, **more))
        self.took_s.append(asyncio.get_running_loop().time() - begun_s)
        await self.health.settled()
        return answer

    async def spent(self) -> int:
        look = await self.gateway.look()
        assert look.holds == ()
        return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


async def played(
    story: Any,
    *,
    stream: bool = True,
    figures: Mapping[str, int] = QUICK,
    store: MemoryHealth | None = None,
    silent_s: float = 290.0,
) -> None:
    first, second, third = Mute("one two", stream, silent_s), Mute("three four", stream), Mute("five six", stream)
    async with Scripted(first.script) as one, Scripted(second.script) as two, Scripted(third.script) as three:
        rows = {name: Credential("k", each.base_url) for name, each in zip(NAMES, (one, two, three), strict=True)}
        health = Health(LoopClock(), store)
        async with app_under_test("", rows=rows, catalog=catalog_with(figures), health=health, idle_s=300.0) as gateway:
            await story(Three(first, second, third, gateway, health))


@pytest.mark.parametrize("stream", [False, True])
async def test_another_target_serves_within_seconds_and_is_all_that_the_customer_pays(*, stream: bool) -> None:
    store = MemoryHealth()

    async def story(three: Three) -> None:
        answer = await three.ask()
        assert (said(answer), tried(answer)) == ("three four", ["hedged", "served"])
        assert SUSPECT_S <= three.took_s[0] < SUSPECT_S + 2
        cost = await three.spent()
        three.second.silent_s = 0.2
        assert tried(await three.ask()) == ["cooling", "served"]
        assert three.took_s[1] < 2
        # The first cost as much as one that the second target alone had served.
        assert await three.spent() == 2 * cost
        assert (three.first.asked, three.second.asked, store.steps.count("open")) == (1, 2, 1)

    await played(story, stream=stream, store=store)


async def test_other_requests_pass_the_target_by_while_the_first_one_waits() -> None:
    store = MemoryHealth()

    async def story(three: Three) -> None:
        three.second.silent_s = 10.0
        waiting = asyncio.create_task(three.ask())
        await asyncio.sleep(SUSPECT_S + 0.5)
        assert not waiting.done()
        assert store.standings
        assert tried(await three.ask()) == ["cooling", "served"]
        await waiting

    await played(story, store=store)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_silent_target_serves_where_it_is_still_first_and_is_well_again(*, stream: bool) -> None:
    store = MemoryHealth()

    async def story(three: Three) -> None:
        # Its content would come in the midst of the first one's.
        three.second.silent_s = 5.3
        answer = await three.ask()
        assert (said(answer), tried(answer)) == ("one two", ["served", "hedged"])
        assert store.steps[-1] == "close"
        three.first.silent_s = 0.1
        assert tried(await three.ask()) == ["served"]
        assert (three.first.asked, three.second.asked, three.third.asked) == (2, 1, 0)

    await played(story, stream=stream, store=store, silent_s=SUSPECT_S + 5)


@pytest.mark.parametrize("stream", [False, True])
async def test_where_the_second_fails_the_third_is_asked(*, stream: bool) -> None:
    async def story(three: Three) -> None:
        three.second.answer = OUTAGE
        answer = await three.ask()
        assert (said(answer), tried(answer)) == ("five six", ["hedged", "502 upstream_error", "served"])
        assert three.took_s[0] < SUSPECT_S + 2

    await played(story, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
async def test_where_all_others_fail_the_silent_one_is_waited_for(*, stream: bool) -> None:
    async def story(three: Three) -> None:
        three.second.answer = three.third.answer = OUTAGE
        answer = await three.ask()
        assert (said(answer), tried(answer)) == ("one two", ["served", "502 upstream_error", "502 upstream_error"])
        await three.spent()

    await played(story, stream=stream, silent_s=SUSPECT_S + 10)


async def test_where_the_silent_one_fails_the_one_beside_it_goes_on() -> None:
    async def story(three: Three) -> None:
        three.first.answer, three.second.silent_s = OUTAGE, 10.0
        answer = await three.ask()
        assert (said(answer), tried(answer)) == ("three four", ["502 upstream_error", "served"])
        assert three.second.asked == 1

    await played(story, silent_s=SUSPECT_S + 5)


async def test_where_every_one_fails_the_caller_is_told_once() -> None:
    async def story(three: Three) -> None:
        three.first.answer = three.second.answer = three.third.answer = OUTAGE
        answer = await three.ask()
        assert b'"error"' in answer.body
        assert await three.spent() == 0

    await played(story, silent_s=SUSPECT_S + 5)


async def test_a_winner_that_is_cut_after_content_ends_in_an_error_and_its_own_bill() -> None:
    async def story(three: Three) -> None:
        three.second.cut = True
        answer = await three.ask()
        assert answer.text == "three "
        assert b'"error"' in answer.body
        assert await three.spent() > 0
        assert three.third.asked == 0

    await played(story)


async def test_a_whole_answer_of_which_no_time_is_known_is_waited_for() -> None:
    async def story(three: Three) -> None:
        assert tried(await three.ask()) == ["served"]
        assert three.second.asked == 0

    await played(story, stream=False, figures={}, silent_s=100.0)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_target_that_takes_its_time_by_its_figures_is_no_silent_one(*, stream: bool) -> None:
    # A model that thinks for half a minute before its first token.
    figures = {"latency_ms": 30_000, "throughput_tps": 50}

    async def story(three: Three) -> None:
        assert tried(await three.ask()) == ["served"]
        assert three.second.asked == 0
        three.first.silent_s = 299.0
        if stream:
            assert tried(await three.ask()) == ["hedged", "served"]
            assert TIMES * 30 <= three.took_s[1] < TIMES * 30 + 3

    await played(story, stream=stream, figures=figures, silent_s=TIMES * 30 - 5)


async def test_a_target_that_has_sent_its_headers_is_no_silent_one() -> None:
    async def story(three: Three) -> None:
        three.first.heads_at_once = True
        assert tried(await three.ask()) == ["served"]
        assert (three.second.asked, three.health.all_well) == (0, True)

    await played(story, silent_s=100.0)


async def test_where_no_other_target_may_serve_the_silent_one_is_waited_for() -> None:
    async def story(three: Three) -> None:
        assert tried(await three.ask(provider={"allow_fallbacks": False})) == ["served"]
        assert three.health.all_well

    await played(story, silent_s=100.0)


async def test_a_probe_that_stays_silent_costs_its_request_seconds() -> None:
    async def story(three: Three) -> None:
        await three.ask()
        await asyncio.sleep(COOLDOWN_S)
        answer = await three.ask()
        assert (said(answer), tried(answer)) == ("three four", ["hedged", "served"])
        assert PROBE_SUSPECT_S <= three.took_s[1] < PROBE_SUSPECT_S + 2
        # The time of a probe is not that of the one which serves in its place.
        await asyncio.sleep(60)
        three.second.text = "word " * 60
        answer = await three.ask()
        assert (said(answer).split(), tried(answer)) == (["word"] * 60, ["hedged", "served"])

    await played(story)


async def test_the_time_of_a_stream_ends_the_one_that_serves_in_anothers_place_as_any_other() -> None:
    async def story(three: Three) -> None:
        three.second.text = "word " * 60
        body = hello(model="thrice", stream=True)
        answer = await three.gateway.ask(body, seconds_left=SUSPECT_S + 25)
        finishes = [choice["finish_reason"] for each in answer.chunks for choice in each.get("choices", [])]
        assert finishes[-1] == "length"
        assert await three.spent() > 0

    await played(story)


async def test_a_whole_answers_time_ends_all_that_was_asked_and_charges_nothing() -> None:
    async def story(three: Three) -> None:
        three.second.silent_s = three.third.silent_s = 280.0
        answer = await three.ask()
        assert answer.status == 408
        assert (three.second.asked, await three.spent()) == (1, 0)
        assert 119 < three.took_s[0] < 122

    await played(story, stream=False)


def silences(now_s: list[float], told: list[Any]) -> Silences:
    clock: Any = SimpleNamespace(monotonic_s=lambda: now_s[0])
    routes: Any = SimpleNamespace(failed=lambda *failed: told.append(failed))
    return Silences(routes, clock, told.append)


def test_so_many_targets_are_asked_beside_a_silent_one_and_no_more() -> None:
    now_s = [100.0]
    judge = silences(now_s, [])
    assert [judge._is_allowed("one") for _ in range(RESCUES_MAX + 2)] == [True] * RESCUES_MAX + [False] * 2
    assert judge._is_allowed("two")
    now_s[0] += RESCUES_S
    assert judge._is_allowed("one")


@pytest.mark.parametrize("own", [None, object()])
async def test_no_target_is_asked_beside_an_accounts_own_key(own: Any) -> None:
    told: list[Any] = []
    target = SimpleNamespace(provider="openai", region=None, upstream_model="m")
    candidate: Any = SimpleNamespace(own=own, model=None, target=target)
    tried_one = Attempt(candidate, Credential("k"))
    context: Any = SimpleNamespace(meter=None, continued=None)
    task: Any = asyncio.current_task()
    silences([0.0], told).suspect(Watch(context, tried_one, AsyncMock(), (), task), UNKNOWN_S)
    assert len(told) == 1
    assert (tried_one.rescue is None) is (own is not None)
    if tried_one.rescue is not None:
        tried_one.outcome = "served"
        await tried_one.rescue.close(context)
