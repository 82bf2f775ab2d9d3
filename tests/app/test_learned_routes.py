"""Tests of aliases under the operator's policy: the first target, what is left of its outcome, and what stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.errors import GatewayError
from gateway.http.routes import JsonRoute
from gateway.learning.evidence import Outcome, Table, learned
from gateway.operations.chat import ChatOperation
from gateway.operations.explained import explained
from gateway.pipeline.learned import LearnedRoutes
from gateway.pipeline.learner import Learner
from gateway.pipeline.operation import InboundRequest
from gateway.ports.routes import RoutedOutcome, StoredPolicy
from gateway.ports.upstream import Credential
from gateway.protocols import openai_chat
from gateway.providers.chat.registry import KNOWN
from gateway.routing.order import is_short
from gateway.routing.plan import id_of
from gateway.signatures import Vault
from tests.app.harness import (
    ACCOUNT,
    RECORD,
    SSE_HEAD,
    Answer,
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
from tests.app.harness import CATALOG as MODELS
from tests.app.test_failover import LIMITED, OUTAGE, REFUSED, SERVED, always
from tests.fakes.answers import MemoryAnswers
from tests.fakes.routes import MemoryRoutes
from tests.fakes.signatures import MemorySignatures
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio
Script = Callable[[int, asyncio.StreamWriter], Awaitable[None]]
ALIAS = "nexevo/balanced"
FIRST, SECOND = "openai/twice", "deepseek/twice"
CATALOG = parse(
    CHAT_MODELS,
    {
        "price_version": "2026-01-01",
        "models": [
            {
                "id": "twice",
                "owned_by": "openai",
                "created": 1_760_000_000,
                "context_window": 100_000,
                "max_output_tokens": 100,
                "input": ["text"],
                "capabilities": ["tools"],
                "profile": "openai_gpt",
                "price": {"input": "2", "output": "4"},
                "targets": [
                    {"provider": "openai"},
                    {"provider": "deepseek", "profile": "deepseek", "price": {"input": "1", "output": "2"}},
                ],
            }
        ],
        "aliases": [{"id": ALIAS, "created": 1_760_000_000, "tier": "balanced", "models": ["twice"]}],
    },
    KNOWN,
)


def policy(kind: str, version: str = "1", **more: Any) -> str:
    document = {"version": version, "parts": [{"name": kind, "percent": 100, "kind": kind}], **more}
    return orjson.dumps(document).decode()


class Town:
    """A process that knows a store's policy, in front of two providers."""

    def __init__(self, text: str | None = None, draw: float = 0.5) -> None:
        self.store = MemoryRoutes()
        self.clock = LoopClock()
        if text is not None:
            self.store.versions.append(StoredPolicy(1, "1", text, "ops", 0))
        self.routes = LearnedRoutes(self.store, self.clock, lambda _: draw)
        self.asked: list[str] = []
        self.answers = MemoryAnswers()
        self.headers: dict[str, str] = {}

    async def ask(self, body: dict[str, Any], first: Script | None = None, second: Script | None = None) -> Answer:
        """Sends one request, and notes the providers that were asked, in order."""

        def noted(name: str, script: Script) -> Script:
            async def noting(number: int, writer: asyncio.StreamWriter) -> None:
                self.asked.append(name)
                await script(number, writer)

            return noting

        served = always(SERVED)
        async with Scripted(noted(FIRST, first or served)) as one, Scripted(noted(SECOND, second or served)) as two:
            rows = {"openai": Credential("k", one.base_url), "deepseek": Credential("k", two.base_url)}
            more: dict[str, Any] = {"routes": self.routes, "answers": self.answers}
            async with app_under_test("", rows=rows, catalog=CATALOG, **more) as gateway:
                return await gateway.ask(body, headers=self.headers)

    @property
    def outcome(self) -> RoutedOutcome:
        (found,) = self.store.left
        assert isinstance(found, RoutedOutcome)
        return found


async def test_without_a_policy_nothing_is_decided_and_nothing_left() -> None:
    town = Town()
    assert (await town.ask(hello(model=ALIAS))).status == 200
    assert (town.asked, town.store.left, town.store.reads) == ([FIRST], [], 1)


async def test_a_policy_chooses_the_first_target_and_its_outcome_is_left_without_text() -> None:
    town = Town(policy("cheapest"))
    answer = await town.ask(hello(model=ALIAS))
    assert (answer.status, town.asked) == (200, [SECOND])
    found = town.outcome
    assert found.generation_id == answer.headers["x-nexevo-generation-id"]
    assert (found.version, found.policy, found.request_class) == ("1", "cheapest", "talk.easy")
    assert [(each.arm, each.propensity) for each in found.offered] == [(FIRST, 0.0), (SECOND, 1.0)]
    assert (found.chosen, found.tried, found.succeeded) == (SECOND, SECOND, True)
    # The provider's own price of what it has reported, in nano-dollars.
    told = answer.json["usage"]
    assert found.cost == told["prompt_tokens"] * 1000 + told["completion_tokens"] * 2000
    assert b"Say" not in orjson.dumps(found.request_class) + orjson.dumps([each.arm for each in found.offered])


async def test_a_kept_answer_is_no_outcome() -> None:
    town = Town(policy("cheapest"))
    town.headers["x-nexevo-cache-control"] = "max-age=60"
    answers = [await town.ask(hello(model=ALIAS)) for _ in range(2)]
    assert [answer.headers["x-nexevo-cache"] for answer in answers] == ["miss", "exact"]
    assert (town.asked, town.outcome.tried) == ([SECOND], SECOND)


async def test_a_static_policy_stays_with_the_rules_and_leaves_outcomes_to_learn_from() -> None:
    town = Town(policy("static"))
    await town.ask(hello(model=ALIAS))
    assert (town.asked, town.outcome.tried) == ([FIRST], FIRST)


@pytest.mark.parametrize("failure", [OUTAGE, LIMITED])
async def test_a_failure_of_the_first_target_is_its_outcome_though_the_second_serves(failure: bytes) -> None:
    town = Town(policy("static"))
    answer = await town.ask(hello(model=ALIAS), always(failure))
    assert (answer.status, town.asked[0], SECOND in town.asked) == (200, FIRST, True)
    found = town.outcome
    assert (found.tried, found.succeeded, found.seconds, found.cost) == (FIRST, False, 0.0, 0.0)


async def test_what_the_request_has_wrong_is_no_outcome() -> None:
    town = Town(policy("static"))
    assert (await town.ask(hello(model=ALIAS), always(REFUSED))).status == 400
    assert town.store.left == []


async def test_a_stream_leaves_an_outcome_before_its_end() -> None:
    stream = SSE_HEAD + event(delta("Hi.")) + event(delta(finish="stop")) + event(usage(5, 2)) + event(b"[DONE]")
    town = Town(policy("cheapest"))
    answer = await town.ask(hello(model=ALIAS, stream=True), second=always(stream + piece(b"")))
    assert (answer.text, town.outcome.succeeded, town.outcome.cost) == ("Hi.", True, 9_000.0)


@pytest.mark.parametrize(
    "wish",
    [
        {"model": f"{ALIAS}:quality"},
        {"model": ALIAS, "provider": {"order": ["openai"]}},
        {"model": ALIAS, "provider": {"sort": "throughput"}},
        {"model": ALIAS, "provider": {"only": ["openai"]}},
        {"model": ALIAS, "provider": {"allow_fallbacks": False}},
        {"model": "twice"},
    ],
)
async def test_what_the_caller_orders_or_names_is_not_decided_anew(wish: dict[str, Any]) -> None:
    town = Town(policy("cheapest"))
    await town.ask(hello(**wish))
    assert (town.asked, town.store.left) == ([FIRST], [])


async def test_a_rule_of_the_caller_is_kept_by_every_policy() -> None:
    town = Town(policy("cheapest"))
    assert (await town.ask(hello(model=ALIAS, provider={"ignore": ["deepseek"]}))).status == 200
    assert town.asked == [FIRST]


async def test_a_key_is_pinned_to_a_part() -> None:
    parts = [
        {"name": "all", "percent": 100, "kind": "static"},
        {"name": "few", "percent": 0, "kind": "cheapest"},
    ]
    town = Town(orjson.dumps({"version": "1", "parts": parts, "pinned": {"key_test": "few"}}).decode())
    await town.ask(hello(model=ALIAS))
    assert (town.asked, town.outcome.policy) == ([SECOND], "few")


async def test_a_learned_policy_leaves_a_target_that_fails() -> None:
    town, table = Town(policy("learned")), Table()
    for _ in range(60):
        table = learned(table, Outcome(FIRST, succeeded=True, seconds=1.0), 1.0)
        table = learned(table, Outcome(SECOND, succeeded=False), 1.0)
    town.store.tables = {"talk.easy": orjson.dumps(table, default=_struct).decode()}
    await town.ask(hello(model=ALIAS))
    shares = {each.arm: each.propensity for each in town.outcome.offered}
    assert town.asked == [FIRST]
    assert 0 < shares[SECOND] <= 0.01


async def test_money_for_exploration_is_kept_to() -> None:
    town = Town(policy("learned", explores_nano_usd_a_day=0), draw=0.999)
    await town.ask(hello(model=ALIAS))
    # The dearer target is not tried where it is not the best.
    assert {each.arm: each.propensity for each in town.outcome.offered}[FIRST] in {0.0, 1.0}


async def test_a_document_that_cannot_be_read_changes_nothing() -> None:
    town = Town('{"version": "1", "parts": []}')
    assert (await town.ask(hello(model=ALIAS))).status == 200
    assert (town.asked, town.store.left) == ([FIRST], [])


async def test_a_store_that_is_down_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(policy("cheapest"))

    async def down(_: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(town.store, "leave", down)
    answer = await town.ask(hello(model=ALIAS))
    assert (answer.status, answer.json["choices"][0]["message"]["content"]) == (
        200, orjson.loads(completion())["choices"][0]["message"]["content"],
    )  # fmt: skip


async def test_a_route_is_shown_with_its_propensities() -> None:
    town = Town(policy("cheapest"))

    async def answer(principal: Any, request: Any) -> bytes:
        operation = ChatOperation(
            openai_chat.CLIENT, CATALOG, Vault(MemorySignatures(), town.clock), routes=town.routes
        )
        return explained(operation, InboundRequest(principal, request.body, "req", 0.0, request.headers))

    async with app_under_test("http://127.0.0.1:9", wire_at=lambda *_: JsonRoute({"POST": answer})) as gateway:
        shown = (await gateway.ask(hello(model=ALIAS), path="/v1/route")).json
    assert [(each["provider"], each["propensity"]) for each in shown["candidates"]] == [
        ("deepseek", 1.0),
        ("openai", 0.0),
    ]
    assert shown["decision"] == {"policy": "1/cheapest", "request_class": "talk.easy"}
    assert town.store.left == []


async def test_outcomes_become_evidence_that_the_next_choice_reads() -> None:
    town = Town(policy("static"))
    for _ in range(20):
        await town.ask(hello(model=ALIAS), always(sized(500, b"{}")))
    clock = LoopClock()
    learner = Learner(town.store, clock)
    await asyncio.sleep(180)
    taught = await learner.run(clock.now_s() + 40)
    assert (taught.records, taught.done) == (20, True)
    assert (await learner.run(clock.now_s() + 40)).records == 0
    town.store.versions.append(StoredPolicy(2, "2", policy("learned", "2"), "ops", 0))
    await town.ask(hello(model=ALIAS))
    assert town.asked[-1] == SECOND


async def test_a_conversation_stays_where_its_prompt_is_held_and_others_do_not() -> None:
    town, said = Town(policy("static")), [{"role": "user", "content": "Who wrote Emma? " * 500}]
    held = always(sized(200, completion(prompt=2_700)))
    await town.ask(hello(model=ALIAS, messages=said), always(OUTAGE), held)
    assert (town.asked[0], town.asked[-1]) == (FIRST, SECOND)
    more = [*said, {"role": "assistant", "content": "Austen."}, {"role": "user", "content": "And Persuasion?"}]
    town.asked.clear()
    await town.ask(hello(model=ALIAS, messages=more))
    await town.ask(hello(model=ALIAS, messages=more, provider={"order": ["openai"]}))
    await town.ask(hello(model=ALIAS, messages=[{"role": "user", "content": "Who wrote Ivanhoe? " * 500}]))
    assert town.asked == [SECOND, FIRST, FIRST]
    stayed = [each for each in town.store.left if isinstance(each, RoutedOutcome) and each.tried == SECOND]
    assert [[one.propensity for one in each.offered] for each in stayed] == [[0.0, 1.0]]
    await asyncio.sleep(601)
    town.asked.clear()
    await town.ask(hello(model=ALIAS, messages=more))
    assert town.asked == [FIRST]


RULES: tuple[dict[str, Any], ...] = (
    {},
    {"max_price": {"prompt": "3", "completion": "12"}},
    {"max_price": {"total": "0.01"}, "max_tokens": 50},
    {"provider": {"only": ["openai", "anthropic"]}},
    {"provider": {"ignore": ["openai", "gemini"]}},
    {"provider": {"require_parameters": True}, "logprobs": True, "top_logprobs": 2},
    {"models": ["gpt-4o", "nexevo/fast"]},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
)


HARD = [{"role": "user", "content": "Prove that a lock-free queue in C++ is linearizable, and analyze its complexity."}]


@pytest.mark.parametrize("alias", ["nexevo/fast", "nexevo/balanced", "nexevo/auto"])
@pytest.mark.parametrize("region", ["any", "cn-only", "overseas-only"])
async def test_no_policy_goes_beyond_a_rule(alias: str, region: str) -> None:
    record = replace(RECORD, region_policy=region, allowed_models=(alias, "nexevo/*", "gpt-4o"))
    principal, decided = Principal(ACCOUNT, record), 0
    for kind in ("static", "cheapest", "learned"):
        for number, rule in enumerate(RULES):
            request = openai_chat.CLIENT.decode_request(orjson.dumps(hello(model=alias, messages=HARD, **rule)))
            plain, under = (
                ChatOperation(openai_chat.CLIENT, MODELS, Vault(MemorySignatures(), LoopClock()), routes=routes)
                for routes in (None, Town(policy(kind), draw=number / len(RULES)).routes)
            )
            try:
                before = plain.plan(principal, request)
            except GatewayError as refusal:
                with pytest.raises(type(refusal)):
                    under.plan(principal, request)
                continue
            after = under.plan(principal, request)
            assert sorted(map(id_of, after.candidates)) == sorted(map(id_of, before.candidates))
            assert sum(after.propensities.values()) == pytest.approx(1)
            if after.decision is None:
                continue
            decided += 1
            # What stands behind the alias's own targets stays there: the caller's other models, and last resorts.
            own = [id_of(each) for each in before.candidates if id_of(each) in after.decision.order]
            rest = [id_of(each) for each in before.candidates if id_of(each) not in after.decision.order]
            assert [id_of(each) for each in after.candidates] == [*after.decision.order, *rest]
            assert kind != "static" or list(after.decision.order) == own
            assert after.propensities[after.decision.chosen] > 0
            # A last resort stays one.
            assert (
                len({is_short(each, after.grade) for each in after.candidates if id_of(each) in after.decision.order})
                == 1
            )
    assert decided or region == "cn-only"


def _struct(value: Any) -> Any:
    return {name: getattr(value, name) for name in value.__struct_fields__}
