"""Tests of the queue for ends of holds that the store refused: its messages, and the function that reads them."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.canonical.money import Admission, Charge, Hold, HoldRequest, Settlement, Tier, ToolCost
from gateway.canonical.usage import Usage
from gateway.errors import ServiceUnavailable
from gateway.stores.aws.deferred_settlements import (
    SqsDeferredSettlements,
    UnreadableMessage,
    message_of,
    read_message,
    settle_batch,
    settle_deferred,
)
from gateway.stores.money.sweep import sweep
from gateway.transport import Client
from tests.fakes.money import MemoryMoney
from tests.stores.conftest import StoppedClock, api, boto, fresh
from tests.stores.servers import Endpoints

pytestmark = pytest.mark.anyio

CHARGE = Charge(
    cost_nanousd=2**62,
    request_id="req-1",
    generation_id="gen-nxn-1",
    model_requested="nexevo/fast",
    model_used="gpt-4o-mini",
    tier=Tier.FAST,
    price_version="2026-11-01",
    usage=Usage(input=7, cache_read=3, output=5, reasoning=2, uses=(("web_search", 2),)),
    user_id="user-1",
    tools=(ToolCost("web_search", 2, 21_000_000),),
    cache="exact",
)
HOLD = Hold("acct_1", "hold-1", "key_1", 500, deadline_s=1_795_244_999)
CHECKPOINTED = replace(HOLD, month=202611, parked=True, crowded=True, checkpoint=replace(CHARGE, estimated=True))


@pytest.mark.parametrize("hold", [HOLD, CHECKPOINTED], ids=["young", "checkpointed"])
@pytest.mark.parametrize("charge", [CHARGE, None], ids=["charge", "release"])
def test_a_message_says_all_that_it_was_made_of(hold: Hold, charge: Charge | None) -> None:
    assert read_message(message_of(hold, charge)) == (hold, charge)


def test_money_in_a_message_is_an_integer() -> None:
    assert f'"cost_nanousd":{2**62},' in message_of(HOLD, CHARGE)


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    document = orjson.loads(message_of(HOLD, CHARGE))
    change(document)
    return orjson.dumps(document).decode()


@pytest.mark.parametrize(
    "message",
    [
        "",
        "[]",
        "{}",
        edited(lambda d: d.update(schema_version=2)),
        edited(lambda d: d.update(hold=None)),
        edited(lambda d: d["hold"].update(new_member=1)),
        edited(lambda d: d["hold"].pop("checkpoint")),
        edited(lambda d: d["charge"].update(cost_nanousd=-1)),
        edited(lambda d: d["charge"].update(tier="unheard of")),
    ],
)
def test_a_message_that_is_not_understood_is_refused_whole(message: str) -> None:
    with pytest.raises(UnreadableMessage):
        read_message(message)


HOLD_IDS = ("01jd0000abcdefgh", "01jd0000abcdefgj")


async def admitted(money: MemoryMoney, hold_id: str, clock: StoppedClock) -> Hold:
    wanted = HoldRequest("acct_1", "key_1", hold_id, 500, deadline_s=int(clock.at_s) + 60, key_rpm_limit=60)
    outcome = await money.admit(wanted, clock.at_s)
    assert isinstance(outcome, Admission)
    return outcome.hold


async def one_hold(money: MemoryMoney, clock: StoppedClock) -> Hold:
    """Holds 500 of an account's 1,000 nano-USD."""
    await money.open_account("acct_1", 1000)
    await money.credit("acct_1", 1000, once="first", now_s=clock.at_s)
    return await admitted(money, HOLD_IDS[0], clock)


async def left(money: MemoryMoney) -> tuple[int, int]:
    look = await money.read_account("acct_1")
    assert look is not None
    assert look.balanced
    return look.free_nanousd, look.held_nanousd


async def test_a_charge_that_waited_is_settled(clock: StoppedClock) -> None:
    money = MemoryMoney()
    hold = await one_hold(money, clock)
    await settle_deferred(money, message_of(hold, replace(CHARGE, cost_nanousd=120)), clock.at_s)
    assert await left(money) == (880, 0)


async def test_a_release_that_waited_is_released(clock: StoppedClock) -> None:
    money = MemoryMoney()
    hold = await one_hold(money, clock)
    await settle_deferred(money, message_of(hold, None), clock.at_s)
    assert await left(money) == (1000, 0)


async def test_a_release_that_waited_is_an_end_for_good(clock: StoppedClock) -> None:
    money = MemoryMoney()
    hold = await one_hold(money, clock)
    await settle_deferred(money, message_of(hold, None), clock.at_s)
    assert not (await money.settle(hold, CHARGE, clock.at_s)).applied


async def test_a_message_that_comes_twice_charges_once(clock: StoppedClock) -> None:
    money = MemoryMoney()
    hold = await one_hold(money, clock)
    message = message_of(hold, replace(CHARGE, cost_nanousd=120))
    await settle_deferred(money, message, clock.at_s)
    await settle_deferred(money, message, clock.at_s)
    assert await left(money) == (880, 0)


async def test_a_message_that_comes_after_the_sweeper_is_charged_from_the_balance_once(clock: StoppedClock) -> None:
    money = MemoryMoney()
    hold = await one_hold(money, clock)
    await sweep(money, hold.deadline_s + 1)
    message = message_of(hold, replace(CHARGE, cost_nanousd=120))
    for _ in range(3):
        await settle_deferred(money, message, hold.deadline_s + 60)
    assert await left(money) == (880, 0)


async def test_a_message_that_comes_after_a_release_charges_nothing(clock: StoppedClock) -> None:
    money = MemoryMoney()
    hold = await one_hold(money, clock)
    await money.release(hold, clock.at_s)
    await settle_deferred(money, message_of(hold, replace(CHARGE, cost_nanousd=120)), clock.at_s)
    assert await left(money) == (1000, 0)


class BusyMoney(MemoryMoney):
    """A store that is out of reach for one account."""

    async def settle(self, hold: Hold, charge: Charge, now_s: float) -> Settlement:
        if hold.account_id == "acct_busy":
            raise ServiceUnavailable("busy")
        return await super().settle(hold, charge, now_s)


def batch(*messages: str) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{number}", "body": body} for number, body in enumerate(messages)]}


async def test_only_what_could_not_be_settled_comes_again(clock: StoppedClock) -> None:
    money = BusyMoney()
    charged, released = await one_hold(money, clock), await admitted(money, HOLD_IDS[1], clock)
    event = batch(
        message_of(charged, replace(CHARGE, cost_nanousd=120)),
        message_of(replace(HOLD, account_id="acct_busy"), CHARGE),
        "unreadable",
        message_of(released, None),
    )
    assert await settle_batch(money, clock, event) == {
        "batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]
    }
    assert await left(money) == (880, 0)


async def test_the_queue_gives_back_what_was_put(endpoints: Endpoints, client: Client, clock: StoppedClock) -> None:
    queue = boto("sqs", endpoints.moto)
    url = queue.create_queue(QueueName=fresh("settlements"))["QueueUrl"]
    deferred = SqsDeferredSettlements(api(client, clock, "sqs", endpoints.moto), url)
    await deferred.put(HOLD, CHARGE)
    (message,) = queue.receive_message(QueueUrl=url)["Messages"]
    assert read_message(message["Body"]) == (HOLD, CHARGE)


async def test_an_end_that_the_queue_does_not_take_is_in_the_log_and_raises_nothing(
    endpoints: Endpoints, client: Client, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    deferred = SqsDeferredSettlements(api(client, clock, "sqs", endpoints.moto), f"{endpoints.moto}/0/no-queue")
    await deferred.put(HOLD, replace(CHARGE, cost_nanousd=120))
    assert [record.getMessage() for record in caplog.records] == [
        "settlement lost: hold hold-1 of account acct_1, 120 nano-USD"
    ]
