"""Tests of one model with several providers: the second serves the request if the first cannot, under the same id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from gateway.accounts.statement import entry_view
from gateway.canonical.money import EntryKind, Hold
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.operations.chat import ChatOperation
from gateway.ports.upstream import Credential
from gateway.providers.chat.registry import KNOWN
from gateway.routing.plan import Candidate
from gateway.upstream.provider import HttpUpstream
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
from tests.fakes.money import MemoryMoney

pytestmark = pytest.mark.anyio

Script = Callable[[int, asyncio.StreamWriter], Awaitable[None]]

TWICE = parse(
    CHAT_MODELS,
    {
        "price_version": "2026-01-01",
        "models": [
            {
                "id": "twice",
                "owned_by": "openai",
                "created": 1_760_000_000,
                "context_window": 1000,
                "max_output_tokens": 100,
                "input": ["text"],
                "capabilities": ["tools"],
                "profile": "openai_gpt",
                "price": {"input": "1", "output": "2"},
                "targets": [
                    {"provider": "openai"},
                    {
                        "provider": "deepseek",
                        "upstream_model": "hosted/twice",
                        "profile": "deepseek",
                        "price": {"input": "10", "output": "20"},
                    },
                ],
            }
        ],
    },
    KNOWN,
)
OUTAGE = sized(500, b'{"error": {"message": "Down.", "type": "server_error"}}')
BUSY = sized(503, b'{"error": {"message": "Busy.", "type": "server_error"}}')
LIMITED = sized(429, b'{"error": {"message": "Slow down.", "type": "rate_limit"}}', "retry-after: 30")
REFUSED = sized(400, b'{"error": {"message": "No.", "type": "invalid_request_error", "param": "stop"}}')
SERVED = sized(200, completion())


def always(answer: bytes) -> Script:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return script


@dataclass
class Outcome:
    """The caller's answer, the number of requests to each provider, the account's payment, and the tries that it
    names.
    """

    answer: Answer
    first: list[bytes]
    second: list[bytes]
    spent_nanousd: int
    entries: list[dict[str, Any]]

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Returns the tries that the entries name."""
        return [tried for entry in self.entries for tried in entry["models_tried"]]


async def asked(first: Script, second: Script | None, **more: Any) -> Outcome:
    """Sends one request for the model of two providers; the second has credentials if it has a script."""
    async with Scripted(first) as one, Scripted(second or always(OUTAGE)) as two:
        rows = {"openai": Credential("k", one.base_url)}
        rows |= {"deepseek": Credential("k", two.base_url)} if second else {}
        async with app_under_test("", rows=rows, catalog=TWICE) as gateway:
            answer = await gateway.ask(hello(model="twice", **more))
            ended = {EntryKind.CHARGE, EntryKind.RELEASE}
            entries = [entry_view(entry) for entry in (await gateway.look()).entries if entry.kind in ended]
            return Outcome(answer, one.bodies, two.bodies, await spent(gateway), entries)


async def spent(gateway: AppUnderTest) -> int:
    look = await gateway.look()
    assert look.holds == ()
    return -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)


@pytest.mark.parametrize(
    ("failure", "said"),
    [(OUTAGE, "502 upstream_error"), (BUSY, "503 upstream_overloaded"), (LIMITED, "503 upstream_overloaded")],
)
async def test_the_second_provider_serves_what_the_first_cannot(failure: bytes, said: str) -> None:
    outcome = await asked(always(failure), always(SERVED))
    extension = outcome.answer.json["nexevo"]
    assert outcome.answer.status == 200
    assert extension["model_used"] == outcome.answer.headers["x-nexevo-models-tried"] == "twice"
    assert extension["models_tried"] == [
        {"model": "twice", "provider": "openai", "outcome": said},
        {"model": "twice", "provider": "deepseek", "outcome": "served"},
    ]
    assert outcome.ledger == extension["models_tried"]
    assert [orjson.loads(body)["model"] for body in (*outcome.first, *outcome.second)] == ["twice", "hosted/twice"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_one_provider_served_is_charged_with_its_name_alone(stream: bool) -> None:
    outcome = await asked(always(SERVED), None, stream=stream)
    assert outcome.ledger == [{"model": "twice", "provider": "openai", "outcome": "served"}]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_that_failed_is_in_the_ledger_with_each_try_and_costs_nothing(stream: bool) -> None:
    outcome = await asked(always(OUTAGE), always(BUSY), stream=stream)
    assert (outcome.answer.status, outcome.spent_nanousd) == (502, 0)
    (entry,) = outcome.entries
    assert (entry["kind"], entry["amount_usd"], entry["model_requested"]) == ("release", "0", "twice")
    assert entry["request_id"] == outcome.answer.headers["x-trace-id"]
    assert entry["generation_id"] == outcome.answer.headers["x-nexevo-generation-id"]
    assert {(tried["provider"], tried["outcome"]) for tried in entry["models_tried"]} == {
        ("openai", "502 upstream_error"),
        ("deepseek", "503 upstream_overloaded"),
    }


async def test_the_charge_is_the_price_of_the_provider_that_served() -> None:
    direct = await asked(always(SERVED), always(SERVED))
    failed_over = await asked(always(BUSY), always(SERVED))
    # 10 prompt tokens and 5 of output, and 5 % on top: at 1 and 2 USD a million, at 10 and 20 there.
    assert (direct.spent_nanousd, failed_over.spent_nanousd) == (21_000, 210_000)
    assert failed_over.answer.json["nexevo"]["cost_usd"] == "0.00021"


async def test_the_hold_is_the_worst_case_of_the_dearest_provider() -> None:
    async def held(**more: Any) -> int:
        holds: list[Hold] = []

        async def script(_: int, writer: asyncio.StreamWriter) -> None:
            holds.extend((await gateway.look()).holds)
            writer.write(SERVED)
            await writer.drain()

        async with (
            Scripted(script) as provider,
            app_under_test("", rows={"openai": Credential("k", provider.base_url)}, catalog=TWICE) as gateway,
        ):
            assert (await gateway.ask(hello(model="twice", max_tokens=50, **more))).status == 200
        return holds[0].amount_nanousd

    cheapest = await held(provider={"only": ["openai"]})
    # The same request is a few bytes longer if it names its providers.
    assert await held(provider={"only": ["openai", "deepseek"]}) > 9 * cheapest


@pytest.mark.parametrize("failure", [BUSY, SSE_HEAD + event(delta(""))])
async def test_a_stream_that_delivered_nothing_is_served_by_the_second_provider(failure: bytes) -> None:
    async def failing(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(failure)
        await writer.drain()
        writer.close()

    stream = SSE_HEAD + event(delta("Hello!")) + event(delta(finish="stop")) + event(usage()) + event(b"[DONE]")
    outcome = await asked(failing, always(stream + piece(b"")), stream=True)
    assert (outcome.answer.status, outcome.answer.text) == (200, "Hello!")
    assert outcome.spent_nanousd == 210_000


async def test_what_an_attempt_reported_that_delivered_nothing_is_not_charged() -> None:
    async def failing(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(SSE_HEAD + event(delta("")) + event(usage(900, 90)))
        await writer.drain()
        writer.close()

    uncounted = SSE_HEAD + event(delta("Hello!")) + event(delta(finish="stop")) + event(b"[DONE]") + piece(b"")
    at_second = await asked(always(BUSY), always(uncounted), stream=True)
    outcome = await asked(failing, always(uncounted), stream=True)
    assert (outcome.answer.text, outcome.spent_nanousd) == ("Hello!", at_second.spent_nanousd)


async def test_a_bill_for_an_unread_answer_is_not_paid_where_another_attempt_failed_last() -> None:
    billed = sized(200, completion().replace(b'"Hello!"', b"1"))
    alone = await asked(always(billed), None, provider={"only": ["openai"]})
    then_failed = await asked(always(billed), always(BUSY))
    assert (alone.answer.status, alone.spent_nanousd) == (502, 21_000)
    assert (then_failed.answer.status, then_failed.spent_nanousd) == (503, 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("second", [None, always(REFUSED)], ids=["no credentials", "no such request"])
async def test_a_bill_for_an_unread_answer_is_paid_where_the_other_provider_did_not_try(
    second: Script | None, *, stream: bool
) -> None:
    billed = sized(200, completion().replace(b'"Hello!"', b"1"))
    outcome = await asked(always(billed), second, stream=stream)
    assert "cannot be read" in outcome.answer.error["message"]
    # At the first one's price.
    assert (outcome.answer.status, outcome.spent_nanousd) == (502, 21_000)


async def test_providers_take_turns_while_tries_are_left() -> None:
    outcome = await asked(always(OUTAGE), always(BUSY))
    assert (outcome.answer.status, len(outcome.first), len(outcome.second)) == (502, 2, 1)
    assert outcome.spent_nanousd == 0


async def test_each_further_attempt_waits_for_a_random_time_up_to_twice_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounds: list[tuple[float, float]] = []

    class Dice:
        def uniform(self, least: float, most: float) -> float:
            bounds.append((least, most))
            return 3.0

    monkeypatch.setattr("gateway.pipeline.attempts.JITTER", Dice())
    began_s = asyncio.get_running_loop().time()
    await asked(always(BUSY), None)
    assert bounds == [(0, 0.04), (0, 0.08), (0, 0.16)]
    assert asyncio.get_running_loop().time() - began_s >= 9.0


async def test_a_provider_that_names_a_time_to_wait_has_no_further_turn() -> None:
    outcome = await asked(always(LIMITED), always(BUSY))
    assert (len(outcome.first), len(outcome.second)) == (1, 2)


async def test_a_provider_without_credentials_takes_no_try_from_the_others() -> None:
    outcome = await asked(always(BUSY), None)
    assert (outcome.answer.status, len(outcome.first)) == (503, 3)
    limited = await asked(always(LIMITED), None)
    assert (limited.answer.headers["retry-after"], len(limited.first)) == ("30", 1)


async def test_the_second_provider_alone_may_have_credentials() -> None:
    async with Scripted(always(SERVED)) as provider:
        rows = {"deepseek": Credential("k", provider.base_url)}
        async with app_under_test("", rows=rows, catalog=TWICE) as gateway:
            assert (await gateway.ask(hello(model="twice"))).status == 200


async def test_an_answer_that_is_too_large_is_not_generated_again() -> None:
    huge = always(sized(200, completion("x" * 60_000)))
    async with Scripted(huge) as provider, app_under_test(provider.base_url, memory_mb=1) as gateway:
        answer = await gateway.ask(hello())
    assert (answer.status, answer.error["message"]) == (502, "The provider's answer is too large.")
    assert len(provider.bodies) == 1


async def test_what_the_only_provider_that_was_asked_refuses_is_the_callers_mistake() -> None:
    async with Scripted(always(REFUSED)) as provider:
        rows = {"deepseek": Credential("k", provider.base_url)}
        async with app_under_test("", rows=rows, catalog=TWICE) as gateway:
            answer = await gateway.ask(hello(model="twice"))
            assert (answer.status, answer.error["param"]) == (400, "stop")


async def test_what_the_second_provider_cannot_take_is_not_the_callers_mistake() -> None:
    outcome = await asked(always(BUSY), always(REFUSED))
    assert (outcome.answer.status, len(outcome.first), len(outcome.second)) == (503, 2, 1)


async def test_what_the_first_provider_refuses_is_not_tried_at_the_second() -> None:
    outcome = await asked(always(REFUSED), always(SERVED))
    assert (outcome.answer.status, outcome.answer.error["param"], outcome.second) == (400, "stop", [])


@pytest.mark.parametrize(
    ("preferences", "served"),
    [
        ({"only": ["deepseek"]}, "hosted/twice"),
        ({"ignore": ["openai"]}, "hosted/twice"),
        ({"order": ["deepseek"]}, "hosted/twice"),
        ({"order": ["openai"]}, "twice"),
    ],
)
async def test_preferences_choose_among_the_providers_of_one_model(preferences: Mapping[str, Any], served: str) -> None:
    outcome = await asked(always(SERVED), always(SERVED), provider=preferences)
    assert [orjson.loads(body)["model"] for body in (*outcome.first, *outcome.second)] == [served]


async def test_without_fallbacks_the_first_provider_is_the_only_one() -> None:
    outcome = await asked(always(BUSY), always(SERVED), provider={"allow_fallbacks": False})
    assert (outcome.answer.status, len(outcome.first), outcome.second) == (503, 3, [])


async def test_a_price_limit_is_judged_for_each_provider() -> None:
    outcome = await asked(always(BUSY), always(SERVED), max_price={"prompt": "5", "completion": "5"})
    assert (outcome.answer.status, len(outcome.first), outcome.second) == (503, 3, [])


async def test_the_first_providers_connection_is_made_beside_the_admission(monkeypatch: pytest.MonkeyPatch) -> None:
    warmed: list[str] = []

    async def warm(_: HttpUpstream, origin: str, _patience: object) -> None:
        warmed.append(origin)

    monkeypatch.setattr(HttpUpstream, "warm", warm)
    async with Scripted(always(SERVED)) as one, Scripted(always(SERVED)) as two:
        rows = {"openai": Credential("k", one.base_url), "deepseek": Credential("k", two.base_url)}
        async with app_under_test("", rows=rows, catalog=TWICE) as gateway:
            assert (await gateway.ask(hello(model="twice"))).status == 200
    assert warmed == [one.base_url]


async def test_a_refused_request_makes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[asyncio.Task[Any] | None] = []

    async def warm(_: HttpUpstream, _origin: str, _patience: object) -> None:
        begun.append(asyncio.current_task())
        await asyncio.sleep(60)

    monkeypatch.setattr(HttpUpstream, "warm", warm)
    monkeypatch.setattr(MemoryMoney, "admit", slow(MemoryMoney.admit))
    rows = {"openai": Credential("k", "http://127.0.0.1:9")}
    async with app_under_test("", rows=rows, catalog=TWICE, balance_usd=0) as gateway:
        assert (await gateway.ask(hello(model="twice"))).status == 402
    (task,) = begun
    await asyncio.sleep(0)
    assert task is not None
    assert task.cancelled()


def slow(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def slower(*given: Any) -> Any:
        await asyncio.sleep(1)
        return await step(*given)

    return slower


async def test_what_completes_a_request_is_looked_up_beside_the_admission(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []

    def recall(_: ChatOperation, _account_id: str, _request: object, candidate: Candidate[Any]) -> None:
        looked_up.append(candidate.target.provider)

    monkeypatch.setattr(ChatOperation, "recall", recall)
    outcome = await asked(always(BUSY), always(SERVED))
    assert outcome.answer.status == 200
    assert looked_up == ["openai", "openai", "deepseek"]


async def test_a_request_goes_out_on_the_connection_that_was_made_beside_its_admission() -> None:
    async with Scripted(always(SERVED)) as one:
        rows = {"openai": Credential("k", one.base_url)}
        async with app_under_test("", rows=rows, catalog=TWICE) as gateway:
            assert (await gateway.ask(hello(model="twice"))).status == 200
        assert len(one._serving) == 1
