"""Tests of the answers and costs of a caller with an Idempotency-Key."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from gateway.canonical.money import Charge, Hold, Settlement
from gateway.errors import (
    Conflict,
    GatewayError,
    InsufficientBalance,
    InvalidRequest,
    RateLimited,
    RequestTimeout,
    ServiceUnavailable,
    UpstreamError,
)
from gateway.idempotency.ring import REPLAYED, Answer, disown_hold
from gateway.logs.metrics import METRIC
from gateway.ports.idempotency import IdempotencyRecord
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects
from tests.idempotency.gateway_of_one_account import BODY, COST, LEASE_S, Gateway, is_repeat
from tests.money.given import DEADLINE_S, NOW_S, admitted, charge, free_and_held, opened, seen, wanted
from tests.virtual_time import LoopClock

pytestmark = pytest.mark.anyio

DAY_S = 86_400


@pytest.fixture
async def gateway() -> Gateway:
    made = Gateway()
    await made.open()
    return made


def answering(outcome: int | BaseException) -> Callable[[], Awaitable[int]]:
    async def provider() -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return provider


async def conflict(asked: Awaitable[Answer]) -> tuple[str | None, int | None, bool | None]:
    with pytest.raises(Conflict) as raised:
        await asked
    return raised.value.code, raised.value.retry_after_s, raised.value.should_retry


async def test_the_same_request_again_gets_the_same_answer(gateway: Gateway) -> None:
    first, second = await gateway.ask(), await gateway.ask()
    assert (second.status, second.body) == (first.status, first.body)


async def test_the_same_request_again_is_paid_once(gateway: Gateway) -> None:
    await gateway.ask()
    await gateway.ask()
    assert (len(gateway.served), await gateway.paid()) == (1, COST)


async def test_a_replay_says_so(gateway: Gateway) -> None:
    first, second = await gateway.ask(), await gateway.ask()
    assert (is_repeat(first), is_repeat(second), second.headers[REPLAYED]) == (False, True, "true")


async def test_a_replay_bears_the_answers_headers_and_not_the_old_requests(gateway: Gateway) -> None:
    await gateway.ask()
    assert (await gateway.ask()).headers == {"Content-Type": "application/json", REPLAYED: "true"}


async def test_without_a_key_nothing_is_kept_and_each_request_is_paid(gateway: Gateway) -> None:
    await gateway.ask(None)
    await gateway.ask(None)
    assert await gateway.paid() == 2 * COST
    assert (gateway.records, gateway.objects) == (unused(gateway.records), unused(gateway.objects))


def unused(store: object) -> object:
    """Returns the store after checking that it is empty."""
    assert isinstance(store, MemoryIdempotencyRecords | MemoryObjects)
    assert not any(vars(store).values())
    return store


async def test_another_key_is_another_request(gateway: Gateway) -> None:
    await gateway.ask("one")
    await gateway.ask("two")
    assert await gateway.paid() == 2 * COST


async def test_another_body_under_the_same_key_is_a_conflict_that_is_not_worth_a_retry(gateway: Gateway) -> None:
    await gateway.ask()
    assert await conflict(gateway.ask(body=b'{"model": "o1"}')) == ("idempotency_key_reused", None, False)


async def test_another_body_while_the_first_is_in_flight_is_the_same_conflict(gateway: Gateway) -> None:
    async def meanwhile() -> int:
        assert await conflict(gateway.ask(body=b"{}")) == ("idempotency_key_reused", None, False)
        return 200

    assert (await gateway.ask(provider=meanwhile)).status == 200


@pytest.mark.parametrize(("so_far_s", "retry_after_s"), [(0, 1), (0.5, 1), (7.2, 8), (100, 30)])
async def test_a_request_in_flight_is_a_conflict_to_be_retried(
    gateway: Gateway, so_far_s: float, retry_after_s: int
) -> None:
    async def meanwhile() -> int:
        gateway.clock.at_s += so_far_s
        assert await conflict(gateway.ask()) == ("idempotency_in_progress", retry_after_s, None)
        return 200

    assert (await gateway.ask(provider=meanwhile)).status == 200


async def test_of_twenty_at_once_one_is_served_and_paid(gateway: Gateway) -> None:
    all_asked = asyncio.Event()

    async def wait() -> int:
        await all_asked.wait()
        return 200

    async def ask() -> str | None:
        try:
            await gateway.ask(provider=wait)
        except Conflict as refused:
            if gateway.tries == 20:
                all_asked.set()
            return refused.code
        return "served"

    outcomes = await asyncio.gather(*(ask() for _ in range(20)))
    assert sorted(map(str, outcomes)) == ["idempotency_in_progress"] * 19 + ["served"]
    assert (len(gateway.served), await gateway.paid()) == (1, COST)


async def test_the_answer_is_given_again_for_a_day(gateway: Gateway) -> None:
    await gateway.ask()
    gateway.clock.at_s += DAY_S - 1
    assert is_repeat(await gateway.ask())


async def test_after_a_day_the_key_is_new(gateway: Gateway) -> None:
    await gateway.ask()
    gateway.clock.at_s += DAY_S
    assert not is_repeat(await gateway.ask(body=b"{}"))
    assert await gateway.paid() == 2 * COST


async def test_the_day_begins_with_the_answer(gateway: Gateway) -> None:
    async def slow() -> int:
        gateway.clock.at_s += 100
        return 200

    await gateway.ask(provider=slow)
    gateway.clock.at_s += DAY_S - 1
    assert is_repeat(await gateway.ask())


REFUSALS = [
    InvalidRequest("no"),
    InsufficientBalance("no"),
    RequestTimeout("no"),
    RateLimited("no"),
    ServiceUnavailable("no"),
    UpstreamError("no"),
    GatewayError("no"),
    ValueError("unforeseen"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda error: type(error).__name__)
async def test_what_was_refused_frees_the_key(gateway: Gateway, refusal: BaseException) -> None:
    with pytest.raises(type(refusal)):
        await gateway.ask(provider=answering(refusal))
    corrected = await gateway.ask(body=b'{"corrected": true}')
    assert (is_repeat(corrected), await gateway.paid()) == (False, COST)


async def test_what_was_refused_leaves_the_refusal_as_it_was(gateway: Gateway) -> None:
    refusal = RateLimited("no", retry_after_s=7)
    with pytest.raises(RateLimited) as raised:
        await gateway.ask(provider=answering(refusal))
    assert raised.value is refusal


@pytest.mark.parametrize("status", [199, 300, 302, 400, 408, 429, 500, 502])
async def test_an_answer_that_is_an_error_is_not_kept(gateway: Gateway, status: int) -> None:
    await gateway.ask(provider=answering(status))
    assert not is_repeat(await gateway.ask())


@pytest.mark.parametrize("outcome", [400, RateLimited("no")])
async def test_what_moved_nothing_is_not_undone(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, outcome: int | Exception
) -> None:
    disowned: list[str] = []

    async def disown(_: Gateway, attempt_id: str) -> None:
        disowned.append(attempt_id)

    monkeypatch.setattr(Gateway, "_disown", disown)
    with suppress(RateLimited):
        await gateway.ask(provider=answering(outcome))
    assert disowned == []


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_success_is_kept(gateway: Gateway, status: int) -> None:
    await gateway.ask(provider=answering(status))
    assert (is_repeat(again := await gateway.ask()), again.status) == (True, status)


UNFORESEEN = [ValueError("unforeseen"), ServiceUnavailable("unforeseen"), GatewayError("unforeseen")]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
async def test_a_request_that_fails_unforeseen_after_its_charge_is_paid_back(error: Exception) -> None:
    gateway = Gateway()
    gateway.money = BrokenMoney(error)
    await gateway.open()
    with pytest.raises(type(error), match="unforeseen"):
        await gateway.ask()
    assert await gateway.paid() == 0


class BrokenMoney(MemoryMoney):
    """A store whose caller fails right after each charge."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        await super().settle(hold, charge, now_s)
        raise self._error


class DownRecords(MemoryIdempotencyRecords):
    """A table that cannot be reached once a key is claimed."""

    async def finish(self, record: IdempotencyRecord) -> bool:
        raise ServiceUnavailable(record.scope)

    async def free(self, record: IdempotencyRecord) -> None:
        raise ServiceUnavailable(record.scope)


class DownObjects(MemoryObjects):
    """A bucket that accepts nothing."""

    async def put(self, name: str, body: bytes) -> None:
        raise ServiceUnavailable(f"{name}: {len(body)}")


Made = Callable[[], Gateway]
with_a_store_down = pytest.mark.parametrize(
    "made", [lambda: Gateway(records=DownRecords()), lambda: Gateway(objects=DownObjects())], ids=["table", "bucket"]
)


@with_a_store_down
async def test_an_answer_that_cannot_be_kept_is_still_given_and_counted(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    gateway = made()
    await gateway.open()
    assert (await gateway.ask()).status == 200
    assert {"AnswersNotKept": 1} in [record.__dict__.get(METRIC) for record in caplog.records]


@with_a_store_down
async def test_an_answer_that_was_not_kept_is_not_paid_twice(made: Made) -> None:
    gateway = made()
    await gateway.open()
    await gateway.ask()
    assert (await conflict(gateway.ask()))[0] == "idempotency_in_progress"
    gateway.clock.at_s += LEASE_S
    await gateway.ask()
    assert (len(gateway.served), await gateway.paid()) == (2, COST)


@with_a_store_down
async def test_another_body_undoes_no_attempt_that_died(made: Made) -> None:
    gateway = made()
    await gateway.open()
    await gateway.ask()
    gateway.clock.at_s += LEASE_S
    assert await conflict(gateway.ask(body=b"{}")) == ("idempotency_key_reused", None, False)
    assert (len(gateway.served), await gateway.paid()) == (1, COST)


async def test_a_refusal_reaches_the_caller_although_the_key_cannot_be_freed() -> None:
    gateway = Gateway(records=DownRecords())
    await gateway.open()
    with pytest.raises(RateLimited):
        await gateway.ask(provider=answering(RateLimited("no")))


async def test_a_kept_body_that_is_gone_is_an_error_not_worth_a_retry(gateway: Gateway) -> None:
    await gateway.ask()
    gateway.objects = MemoryObjects()
    with pytest.raises(GatewayError) as raised:
        await gateway.ask()
    assert (raised.value.status, raised.value.should_retry, await gateway.paid()) == (500, False, COST)


async def test_an_attempt_that_outlived_its_lease_leaves_no_body_behind(gateway: Gateway) -> None:
    async def outlive() -> int:
        gateway.clock.at_s += LEASE_S
        assert (await gateway.ask()).status == 200
        return 200

    await gateway.ask(provider=outlive)
    assert isinstance(gateway.objects, MemoryObjects)
    assert list(gateway.objects._bodies.values()) == [f"by {gateway.served[1]}".encode()]


async def test_an_attempt_that_outlived_its_lease_is_not_charged(gateway: Gateway) -> None:
    async def outlive() -> int:
        gateway.clock.at_s += LEASE_S
        await gateway.ask()
        return 200

    await gateway.ask(provider=outlive)
    assert (len(gateway.served), await gateway.paid()) == (2, COST)


async def test_a_body_can_only_be_asked_for_by_a_name_that_cannot_be_guessed(gateway: Gateway) -> None:
    await gateway.ask(body=BODY)
    assert isinstance(gateway.objects, MemoryObjects)
    (name,) = gateway.objects._bodies
    assert len(bytes.fromhex(name.removeprefix("answers/"))) == 32


@pytest.mark.parametrize(("cost", "swept"), [(130, False), (90, False), (130, True), (90, True)])
async def test_a_disowned_request_is_paid_back_what_was_paid_and_no_more(cost: int, *, swept: bool) -> None:
    money, clock = MemoryMoney(), LoopClock()
    await opened(money, "acct", balance=100)
    hold = await admitted(money, wanted("acct", 100))
    if swept:
        await money.expire(await money.checkpoint(hold, charge(70)), NOW_S + DEADLINE_S)
    await money.settle(hold, charge(cost), NOW_S + DEADLINE_S)
    for _ in range(2):
        await disown_hold(money, clock, "acct", hold.hold_id)
        assert await free_and_held(money, "acct") == (100, 0)
    assert (await seen(money, "acct")).entries[-1].note == f"refund of {hold.hold_id}: its answer was lost"
