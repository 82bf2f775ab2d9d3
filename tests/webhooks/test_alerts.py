"""Tests of spend alerts: what a look finds, that each share is told once, and how it is delivered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.alerts import KeySpend, SpendAlert, levels_reached
from gateway.canonical.money import HoldRequest, Refusal
from gateway.ports.keys import KeyRecord
from gateway.providers.auth.standard_webhooks import verify
from gateway.stores.aws.notices import SqsNotices
from gateway.stores.money.alerting import AlertingMoney
from gateway.stores.money.sweep import sweep
from gateway.webhooks.alerts import Alerts
from gateway.webhooks.batch import SpendCheck, read_notice
from gateway.webhooks.posting import Posting, TryResult
from gateway.webhooks.secrets import secrets_of
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.money import MemoryMoney
from tests.fakes.webhooks import MemoryWebhookRecords
from tests.money.given import NOW_S as MONEY_S
from tests.money.given import admitted, charge, opened, wanted
from tests.money.simulation.dynamodb import SimulatedDynamoDb
from tests.virtual_time import run
from tests.webhooks.conftest import Receiver, Time

pytestmark = pytest.mark.anyio

URL = "https://customer.test/spend"
KEY = KeyRecord("key_aaaaaaaaaa", "acct_1", "prod", "1234", 0, monthly_spend_cap_nanousd=100, alert_webhook_url=URL)


@dataclass
class Told:
    """The queue of alerts, and the looks that were asked for."""

    alerts: list[SpendAlert] = field(default_factory=list)
    looks: list[tuple[str, str, bool]] = field(default_factory=list)
    balances: list[str] = field(default_factory=list)
    broken: bool = False

    async def put_alert(self, alert: SpendAlert) -> None:
        self.alerts.append(alert)

    async def look(self, account_id: str, key_id: str, *, refused: bool) -> None:
        if self.broken:
            raise TimeoutError
        self.looks.append((account_id, key_id, refused))

    async def look_balance(self, account_id: str) -> None:
        if self.broken:
            raise TimeoutError
        self.balances.append(account_id)


@dataclass
class World:
    """An account with a capped key, and what its owner is told."""

    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    money: MemoryMoney = field(default_factory=MemoryMoney)
    records: MemoryWebhookRecords = field(default_factory=MemoryWebhookRecords)
    queue: Told = field(default_factory=Told)
    receiver: Receiver = field(default_factory=Receiver)
    time: Time = field(default_factory=lambda: Time(MONEY_S))

    @property
    def alerts(self) -> Alerts:
        posting = Posting(self.records, self.receiver, self.time)
        return Alerts(self.keys, self.money, self.records, self.queue, posting, self.time)

    async def spend(self, amount: int) -> None:
        hold = await admitted(self.money, replace(wanted("acct_1", amount), spend_cap_nanousd=100))
        await self.money.settle(hold, charge(amount), MONEY_S)

    async def look(self, *, refused: bool = False) -> list[int]:
        """Returns the shares that all looks so far have found."""
        await self.alerts.look("acct_1", KEY.key_id, refused=refused)
        return [alert.percent for alert in self.queue.alerts]


@pytest.fixture
async def world() -> World:
    made = World()
    await opened(made.money, "acct_1", balance=10_000)
    await made.keys.add("hash", KEY)
    return made


@pytest.mark.parametrize(
    ("spent", "refused", "levels"),
    [(79, False, ()), (79, True, ()), (80, False, (80,)), (80, True, (80, 100)), (100, False, (80, 100))],
)
def test_a_share_is_reached_by_what_was_charged(spent: int, refused: bool, levels: tuple[int, ...]) -> None:  # a case
    assert levels_reached(KeySpend(202611, spent, 50), 100, refused=refused) == levels


async def test_each_share_is_told_once(world: World) -> None:
    await world.spend(79)
    assert await world.look() == []
    await world.spend(1)
    assert await world.look() == [80]
    await world.spend(5)
    assert await world.look() == [80]
    assert await world.look(refused=True) == [80, 100]
    assert await world.look(refused=True) == [80, 100]


async def test_what_is_held_is_not_spent(world: World) -> None:
    await world.spend(70)
    hold = await admitted(world.money, replace(wanted("acct_1", 30), spend_cap_nanousd=100))
    assert await world.look() == []
    await world.money.settle(await world.money.park(hold), charge(10), MONEY_S)
    assert await world.look() == [80]


async def test_another_cap_and_another_month_are_told_anew(world: World) -> None:
    await world.spend(90)
    await world.look()
    await world.keys.change("acct_1", KEY.key_id, {"monthly_spend_cap_nanousd": 110})
    assert await world.look() == [80, 80]
    world.time.at_s += 40 * 86_400
    assert await world.look() == [80, 80]


@pytest.mark.parametrize("change", [{"alert_webhook_url": None}, {"monthly_spend_cap_nanousd": None}])
async def test_a_key_without_webhook_or_cap_tells_nothing(world: World, change: dict[str, object]) -> None:
    await world.spend(90)
    await world.keys.change("acct_1", KEY.key_id, change)
    assert await world.look() == []


async def test_an_alert_is_signed_and_says_what_was_spent(world: World) -> None:
    await world.spend(80)
    await world.look()
    (alert,) = world.queue.alerts
    assert await world.alerts.deliver(alert, 1) == TryResult(delivered=True)
    ((url, headers, body),) = world.receiver.received
    verify((await secrets_of(world.records, "acct_1")).current, headers, body, MONEY_S)
    assert url == URL
    assert headers["webhook-id"] == f"msg_202611_{KEY.key_id}_100_80"
    assert world.receiver.bodies == [
        {
            "type": "key.spend_alert",
            "timestamp": "2026-11-21T06:40:00Z",
            "data": {
                "object": "spend_alert",
                "key_id": KEY.key_id,
                "name": "prod",
                "month": "2026-11",
                "threshold_percent": 80,
                "spent_usd": "0.00000008",
                "monthly_spend_cap_usd": "0.0000001",
            },
        }
    ]
    (logged,) = await world.records.deliveries("acct_1", limit=9)
    assert (logged.event_type, logged.delivered, logged.job_id) == ("key.spend_alert", True, "")


async def test_an_alert_that_was_not_taken_comes_again(world: World) -> None:
    await world.spend(80)
    await world.look()
    world.receiver.status = 500
    assert await world.alerts.deliver(world.queue.alerts[0], 2) == TryResult(delivered=False, again_s=30)


def capped(amount: int) -> HoldRequest:
    """Builds a request of the capped key."""
    return replace(wanted("acct_1", amount), spend_cap_nanousd=100, alert_at_nanousd=80)


async def test_ends_and_refusals_ask_for_a_look() -> None:
    told = Told()
    money = AlertingMoney(SimulatedDynamoDb(), "accounts", "ledger", told)
    await opened(money, "acct_1", balance=10_000)
    hold = await admitted(money, capped(40))
    await money.settle(hold, charge(40), MONEY_S)
    assert told.looks == []
    other = await admitted(money, capped(40))
    await money.checkpoint(other, charge(40))
    await sweep(money, MONEY_S + 1_000)
    assert told.looks == [("acct_1", KEY.key_id, False)]
    for later_s in (0, 59, 60):
        assert isinstance(await money.admit(capped(30), MONEY_S + later_s), Refusal)
    assert told.looks[1:] == [("acct_1", KEY.key_id, True)] * 2


async def test_only_a_refusal_by_the_cap_asks_for_a_look() -> None:
    told = Told()
    money = AlertingMoney(SimulatedDynamoDb(), "accounts", "ledger", told)
    await opened(money, "acct_1", balance=50)
    assert isinstance(await money.admit(capped(60), MONEY_S), Refusal)
    assert told.looks == []


def test_a_process_remembers_ten_thousand_keys_that_it_asked_for_and_no_more() -> None:
    money = AlertingMoney(SimulatedDynamoDb(), "accounts", "ledger", Told())
    for number in range(10_000):
        money._note("acct_1", f"key_{number}", MONEY_S)
    assert not money._is_due("acct_1", "key_0", MONEY_S)
    money._note("acct_1", "key_10000", MONEY_S)
    assert (money._is_due("acct_1", "key_0", MONEY_S), len(money._asked_s)) == (True, 1)


def test_a_queue_that_hangs_holds_an_end_back_for_a_second() -> None:
    class Hanging(Told):
        async def look(self, account_id: str, key_id: str, *, refused: bool) -> None:
            await asyncio.sleep(60)
            await super().look(account_id, key_id, refused=refused)

    async def story() -> None:
        money = AlertingMoney(SimulatedDynamoDb(), "accounts", "ledger", Hanging())
        await opened(money, "acct_1", balance=1_000)
        hold = await admitted(money, capped(100))
        began_s = asyncio.get_running_loop().time()
        assert (await money.settle(hold, charge(90), MONEY_S)).applied
        assert asyncio.get_running_loop().time() - began_s == 1.0

    run(story())


async def test_a_queue_that_fails_does_not_fail_the_ledger() -> None:
    money = AlertingMoney(SimulatedDynamoDb(), "accounts", "ledger", Told(broken=True))
    await opened(money, "acct_1", balance=10_000)
    hold = await admitted(money, capped(90))
    assert (await money.settle(hold, charge(90), MONEY_S)).applied


async def test_what_is_put_into_the_queue_can_be_read_from_it() -> None:
    bodies: list[str] = []

    class Aws:
        async def call(self, _service: str, _operation: str, payload: Any) -> dict[str, Any]:
            bodies.append(payload["MessageBody"])
            return {}

    aws: Any = Aws()
    notices = SqsNotices(aws, "url")
    alert = SpendAlert("acct_1", "key_1", 202611, 80, 8, 10, 7)
    await notices.look("acct_1", "key_1", refused=True)
    await notices.put_alert(alert)
    assert [read_notice(body) for body in bodies] == [SpendCheck("acct_1", "key_1", refused=True), alert]
