"""Tests of breakers: where requests go while a target fails, who finds out that it is well again, what others learn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.errors import ServiceUnavailable
from gateway.pipeline.attempts import PROBE_ANSWER_S
from gateway.pipeline.health import FRESH_S, TROUBLED_FRESH_S, Health
from gateway.ports.health import SharedStanding
from gateway.ports.upstream import Credential
from gateway.providers.chat.registry import KNOWN
from gateway.routing.health import (
    COOLDOWN_MAX_S,
    COOLDOWN_S,
    FAILURES_MAX,
    LEFT_MAX_S,
    Phase,
    Standing,
    by_weight,
    cooldown_s,
    in_order,
)
from tests.app.harness import AppUnderTest, Scripted, app_under_test, completion, hello, sized
from tests.app.test_failover import BUSY, LIMITED, OUTAGE, REFUSED, SERVED, TWICE, Script
from tests.fakes.health import MemoryHealth
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

FORBIDDEN = sized(403, b'{"error": {"message": "No access.", "type": "permission_error"}}')
FIRST, SECOND = "openai||twice", "deepseek||hosted/twice"
# Two models of a provider whose limits are its account's.
TWO_MODELS = parse(
    CHAT_MODELS,
    {
        "price_version": "2026-01-01",
        "models": [
            {
                "id": name,
                "owned_by": "deepseek",
                "created": 1_760_000_000,
                "context_window": 1000,
                "max_output_tokens": 100,
                "input": ["text"],
                "capabilities": ["tools"],
                "profile": "deepseek",
                "price": {"input": "1", "output": "2"},
                "targets": [{"provider": "deepseek"}],
            }
            for name in ("one", "two")
        ],
    },
    KNOWN,
)
WELL, DUE, COOLING = Phase.WELL, Phase.DUE, Phase.COOLING


@dataclass
class Provider:
    """A provider that answers as a test sets it; `asked` has the key of each request."""

    answer: bytes = SERVED
    by_key: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    after_s: float = 0.0
    server: Scripted | None = None

    @property
    def script(self) -> Script:
        async def answered(_: int, writer: asyncio.StreamWriter) -> None:
            assert self.server is not None
            key = self.server.heads[-1].split(b"Bearer ")[1].split(b"\r\n")[0].decode()
            self.asked.append(key)
            await asyncio.sleep(self.after_s)
            writer.write(self.by_key.get(key, self.answer))
            await writer.drain()

        return answered


@dataclass
class Pair:
    """Two providers of one model, behind an app."""

    first: Provider
    second: Provider
    gateway: AppUnderTest
    health: Health

    async def ask(self, **more: Any) -> dict[str, Any]:
        """Sends one request; returns the extension of its answer, or its error."""
        answer = await self.gateway.ask(hello(model="twice", **more))
        await self.health.settled()
        told: dict[str, Any] = answer.json.get("nexevo", answer.json)
        return told

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.first.asked), len(self.second.asked)


async def played(
    story: Any,
    first: Provider,
    second: Provider | None = None,
    *,
    store: MemoryHealth | None = None,
    keys: Sequence[Credential] = (Credential("k"),),
    **turned: Any,
) -> Any:
    second = second or Provider()
    async with Scripted(first.script) as one, Scripted(second.script) as two:
        first.server, second.server = one, two
        own = [Credential(key.api_key, one.base_url, key.extra, key.id, key.weight) for key in keys]
        rows = {"openai": own, "deepseek": Credential("d", two.base_url)}
        health = Health(LoopClock(), store)
        async with app_under_test("", rows=rows, catalog=TWICE, health=health, **turned) as gateway:
            return await story(Pair(first, second, gateway, health))


def test_a_cooldown_is_twice_as_long_each_time_up_to_a_bound_that_leaves_others_time_to_learn() -> None:
    assert [cooldown_s(openings) for openings in (1, 2, 3, 4, 100)] == [2.0, 4.0, 8.0, 15.0, 15.0]
    assert COOLDOWN_MAX_S + TROUBLED_FRESH_S < 30


def test_a_breaker_opens_at_failures_in_a_row_and_not_again_while_it_cools() -> None:
    once = Standing().failed(0)
    assert (once.phase(0), FAILURES_MAX) == (WELL, 2)
    opened = once.failed(0)
    assert (opened.phase(0), opened.phase(COOLDOWN_S - 0.1), opened.phase(COOLDOWN_S)) == (COOLING, COOLING, DUE)
    assert opened.failed(1) == opened
    assert opened.failed(COOLDOWN_S) == Standing(0, 2, COOLDOWN_S + 4)
    assert Standing().failed(0, at_once=True) == opened


def test_a_named_wait_is_kept_as_it_is_named() -> None:
    assert Standing().failed(10, after_s=5) == Standing(0, 1, 15, 15)
    assert Standing().failed(10, after_s=60) == Standing(0, 1, 10 + LEFT_MAX_S, 10 + LEFT_MAX_S)
    assert Standing(0, 3, 90).failed(10, after_s=60) == Standing(0, 3, 90, 10 + LEFT_MAX_S)


@pytest.mark.parametrize(
    ("phases", "order", "probe"),
    [
        ([WELL, WELL, WELL], "abc", None),
        ([COOLING, WELL, WELL], "bca", None),
        ([DUE, COOLING, WELL], "cab", "a"),
        ([WELL, DUE, COOLING], "abc", None),
        ([COOLING, DUE, DUE], "bca", None),
        ([COOLING, DUE, WELL], "cba", "b"),
        ([DUE, DUE, WELL], "cab", "a"),
    ],
)
def test_candidates_that_are_well_come_first_and_keep_their_order(
    phases: list[Phase], order: str, probe: str | None
) -> None:
    assert in_order("abc", phases) == (list(order), probe)


def test_credentials_are_chosen_in_proportion_to_their_weights() -> None:
    keys = [Credential("a", id="a", weight=1), Credential("b", id="b", weight=0), Credential("c", id="c", weight=3)]
    drawn = Counter(by_weight(keys, place / 400).id for place in range(400))
    assert drawn == {"a": 100, "c": 300}
    assert by_weight([keys[1]], 0.5).id == "b"


async def test_a_target_that_fails_is_left_alone_after_two_failures_and_passed_over_visibly() -> None:
    async def story(pair: Pair) -> None:
        assert (await pair.ask())["models_tried"][0]["outcome"] == "502 upstream_error"
        assert (await pair.ask())["models_tried"][0]["outcome"] == "502 upstream_error"
        assert pair.counts == (2, 2)
        assert (await pair.ask())["models_tried"] == [
            {"model": "twice", "provider": "openai", "outcome": "cooling"},
            {"model": "twice", "provider": "deepseek", "outcome": "served"},
        ]
        assert pair.counts == (2, 3)

    await played(story, Provider(OUTAGE))


async def test_a_dead_target_costs_one_probe_for_each_cooldown() -> None:
    async def story(pair: Pair) -> None:
        begun_s = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - begun_s < 120:
            await asyncio.gather(*(pair.ask() for _ in range(5)))
            await asyncio.sleep(0.5)
        # Two groups of five before it opens, then after 2, 4, 8 and each 15 s.
        assert pair.counts[0] - 5 <= 3 + 120 / COOLDOWN_MAX_S + 1
        assert pair.counts[1] > 500

    await played(story, Provider(OUTAGE))


async def test_a_target_that_is_well_again_is_used_within_thirty_seconds() -> None:
    async def story(pair: Pair) -> None:
        for _ in range(200):
            await pair.ask()
            await asyncio.sleep(0.5)
        pair.first.answer, before = SERVED, pair.counts
        well_s = asyncio.get_running_loop().time()
        while pair.counts[0] < before[0] + 3:
            await pair.ask()
            await asyncio.sleep(0.5)
        assert asyncio.get_running_loop().time() - well_s < 30

    await played(story, Provider(OUTAGE))


async def test_a_probe_that_hangs_leaves_its_request_to_the_next_target() -> None:
    async def story(pair: Pair) -> None:
        await pair.ask()
        await pair.ask()
        await asyncio.sleep(COOLDOWN_S)
        pair.first.after_s = 1_000.0
        begun_s = asyncio.get_running_loop().time()
        answer = await pair.ask()
        assert [each["outcome"] for each in answer["models_tried"]] == ["504 upstream_timeout", "served"]
        assert PROBE_ANSWER_S <= asyncio.get_running_loop().time() - begun_s < PROBE_ANSWER_S + 1

    await played(story, Provider(OUTAGE))


async def test_a_callers_mistakes_count_against_no_target() -> None:
    async def story(pair: Pair) -> None:
        for _ in range(5):
            assert "error" in await pair.ask()
        assert (pair.counts, pair.health.all_well) == ((5, 0), True)

    await played(story, Provider(REFUSED))


async def test_where_nothing_else_is_left_a_cooling_target_is_asked() -> None:
    async def story(pair: Pair) -> None:
        for _ in range(4):
            await pair.ask()
        pair.first.answer = SERVED
        assert (await pair.ask())["models_tried"][-1]["outcome"] == "served"

    await played(story, Provider(OUTAGE), Provider(OUTAGE))


async def test_a_named_wait_spares_every_model_of_the_quota_in_this_request_and_the_next() -> None:
    async def story(pair: Pair) -> None:
        assert (await pair.ask())["models_tried"][-1]["provider"] == "deepseek"
        assert (await pair.ask())["models_tried"][0]["outcome"] == "cooling"
        assert pair.counts == (1, 2)
        await asyncio.sleep(30)
        pair.first.answer = SERVED
        assert (await pair.ask())["models_tried"] == [{"model": "twice", "provider": "openai", "outcome": "served"}]

    await played(story, Provider(LIMITED))


WAITS = sized(429, b'{"error": {"message": "Slow down."}}', "retry-after: 4")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_provider_that_names_a_wait_is_left_alone_until_it_is_over_where_nothing_else_is_left(
    *, stream: bool
) -> None:
    async def story(pair: Pair) -> None:
        only = {"provider": {"only": ["openai"]}, "stream": stream}
        told = [await pair.gateway.ask(hello(model="twice", **only)) for _ in range(3)]
        assert ([answer.status for answer in told], len(pair.first.asked)) == ([503, 503, 503], 1)
        assert all(answer.headers["retry-after"] == "4" for answer in told)
        account = await pair.gateway.look()
        assert (account.holds, account.held_nanousd) == ((), 0)
        await asyncio.sleep(4.1)
        pair.first.answer = SERVED
        assert (await pair.gateway.ask(hello(model="twice", **only))).status == 200

    await played(story, Provider(WAITS))


async def test_another_process_leaves_the_provider_alone_too() -> None:
    store = MemoryHealth()

    async def ask_once(pair: Pair) -> int:
        await pair.health.settled()
        pair.health.refresh()
        await pair.health.settled()
        await pair.ask(provider={"only": ["openai"]})
        return len(pair.first.asked)

    assert await played(ask_once, Provider(WAITS), store=store) == 1
    assert await played(ask_once, Provider(WAITS), store=store) == 0


async def test_a_long_wait_is_asked_about_in_between() -> None:
    async def story(pair: Pair) -> None:
        only = {"provider": {"only": ["openai"]}}
        await pair.ask(**only)
        await asyncio.sleep(LEFT_MAX_S + 0.1)
        pair.first.answer = SERVED
        assert (await pair.ask(**only))["models_tried"][-1]["outcome"] == "served"

    await played(story, Provider(sized(429, b"{}", "retry-after: 86400")))


@pytest.mark.parametrize("answer", [FORBIDDEN, LIMITED, BUSY])
async def test_where_one_credential_is_refused_the_next_one_serves(answer: bytes) -> None:
    async def story(pair: Pair) -> None:
        for _ in range(20):
            assert (await pair.ask())["models_tried"][-1]["outcome"] == "served"
        asked = Counter(pair.first.asked)
        assert (asked["good"], pair.second.asked) == (20, [])
        # Two at the most before it is known, then one for each cooldown.
        assert asked["bad"] <= FAILURES_MAX + 1

    keys = (Credential("bad", id="bad"), Credential("good", id="good"))
    await played(story, Provider(by_key={"bad": answer}), keys=keys)


async def test_a_credential_that_fails_is_told_by_its_id_and_never_by_its_key() -> None:
    async def story(pair: Pair) -> None:
        await pair.ask()
        assert list(pair.health._known) == ["openai|team-b|twice"]

    await played(story, Provider(OUTAGE), keys=(Credential("sk-secret", id="team-b"),))


async def test_a_healthy_route_asks_the_store_for_nothing_but_what_it_reads_beside_admissions() -> None:
    store = MemoryHealth()

    async def story(pair: Pair) -> None:
        for _ in range(20):
            await pair.ask()
        assert store.steps == ["read"]
        await asyncio.sleep(FRESH_S)
        await pair.ask()
        assert store.steps == ["read", "read"]

    await played(story, Provider(), store=store)


async def test_the_store_is_written_where_a_breaker_opens_where_a_probe_begins_and_where_it_closes() -> None:
    store = MemoryHealth()

    async def story(pair: Pair) -> None:
        for _ in range(5):
            await pair.ask()
        assert (store.steps.count("open"), store.standings[FIRST].openings) == (1, 1)
        await asyncio.sleep(COOLDOWN_S)
        await pair.ask()
        assert (store.steps.count("claim"), store.standings[FIRST].openings) == (1, 2)
        await asyncio.sleep(cooldown_s(2))
        pair.first.answer = SERVED
        await pair.ask()
        assert (store.steps.count("close"), store.standings, pair.health.all_well) == (1, {}, True)
        assert [step for step in store.steps if step != "read"] == ["open", "claim", "claim", "close"]

    await played(story, Provider(OUTAGE), store=store)


async def test_a_process_learns_of_what_others_have_found_and_only_one_of_them_probes() -> None:
    store = MemoryHealth()
    clock = LoopClock()
    store.standings[FIRST] = SharedStanding(2, clock.now_s() + 4)

    async def story(pair: Pair) -> None:
        await pair.ask()
        before = pair.counts[0]
        assert (await pair.ask())["models_tried"][0]["outcome"] == "cooling"
        await asyncio.sleep(4)
        # Another process is first.
        store.standings[FIRST] = SharedStanding(3, clock.now_s() + 8)
        assert (await pair.ask())["models_tried"][0]["outcome"] == "cooling"
        assert pair.counts[0] == before
        del store.standings[FIRST]
        await asyncio.sleep(TROUBLED_FRESH_S)
        await pair.ask()
        assert (await pair.ask())["models_tried"][0]["outcome"] == "served"

    await played(story, Provider(), store=store)


async def test_without_the_store_each_process_learns_by_itself() -> None:
    async def down(*_: object, **__: object) -> Any:
        raise ServiceUnavailable("down")

    store: Any = SimpleNamespace(read=down, open=down, claim=down, close=down)

    async def story(pair: Pair) -> None:
        for _ in range(4):
            await pair.ask()
        assert pair.counts == (2, 4)
        await asyncio.sleep(COOLDOWN_S)
        pair.first.answer = sized(200, completion("Again."))
        assert (await pair.ask())["models_tried"][0]["outcome"] == "served"
        assert pair.health.all_well

    await played(story, Provider(OUTAGE), store=store)


async def test_an_answer_that_has_only_begun_takes_no_failure_back() -> None:
    health = Health(LoopClock())
    health.failed("a", at_once=True)
    health.served(["a"], whole=False)
    assert health.phase(["a"]) is WELL
    health.failed("a")
    assert health.phase(["a"]) is COOLING
    health.served(["a"], whole=True)
    assert health.all_well


async def test_a_target_that_lets_the_time_of_whole_answers_run_out_is_left_alone_too() -> None:
    async def story(pair: Pair) -> None:
        pair.first.after_s = 1_000.0
        for _ in range(2):
            assert "error" in await pair.ask()
        assert (await pair.ask())["models_tried"][0]["outcome"] == "cooling"

    await played(story, Provider(), non_stream_s=30.0)


async def test_a_quota_of_the_whole_account_spares_its_other_models_in_the_same_request() -> None:
    names = Counter[str]()

    async def answered(_: int, writer: asyncio.StreamWriter) -> None:
        names["asked"] += 1
        writer.write(LIMITED)
        await writer.drain()

    async with Scripted(answered) as provider:
        rows = {"deepseek": Credential("k", provider.base_url)}
        async with app_under_test("", rows=rows, catalog=TWO_MODELS) as gateway:
            answer = await gateway.ask(hello(model="one", models=["two"]))
    assert (answer.status, answer.headers["retry-after"], names["asked"]) == (503, "30", 1)
