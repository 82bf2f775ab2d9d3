"""Tests of automatic top-ups and of what owners are told of a low balance."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.billing.automatic import PENDING_S_MAX, TopUps, claim
from gateway.billing.events import Events
from gateway.canonical.alerts import LowBalance
from gateway.canonical.money import Admission, HoldRequest
from gateway.ledger.hold_ids import hold_id_at
from gateway.people.tokens import hashed
from gateway.ports.people import User
from gateway.stores.money.alerting import AlertingMoney
from gateway.stores.money.payments import DynamoPaymentBooks
from gateway.webhooks.balance import AGAIN_S, TELLING_S, BalanceWatch
from gateway.webhooks.posting import Posting
from local.payments.stripe import DECLINED
from tests.billing.harness import DeadStore, Died, Till
from tests.control_plane.harness import ACCOUNT, MANAGER_ID, NOW_S, refusal
from tests.fakes.people import MemoryPeople, Outbox
from tests.fakes.webhooks import MemoryWebhookRecords

pytestmark = pytest.mark.anyio
USD = 10**9
DECEMBER_S = 1_796_083_200
TERMS = {"enabled": True, "threshold_usd": "50", "amount_usd": "20", "monthly_ceiling_usd": "60"}


async def saved(till: Till, **terms: object) -> None:
    """Pays once by a method that is saved, and turns the automatic top-up on."""
    till.pay(await till.checkout("5", "first", save_payment_method=True))
    await till.deliver_all()
    answer = await till.ask("PUT", "auto-topup", {**TERMS, **terms})
    assert answer.status_code == 200, answer.text


def at(balance: int) -> Callable[[], Awaitable[int]]:
    """A balance that stands."""

    async def read() -> int:
        return balance

    return read


async def why(till: Till) -> str | None:
    return (await till.books.terms(ACCOUNT)).failed


def charges(till: Till) -> int:
    return sum(path == "POST /stripe/v1/payment_intents" for path in till.service.asked)


async def test_a_balance_below_the_threshold_is_filled_up_by_the_saved_method(till: Till) -> None:
    await saved(till)
    assert await till.top_ups.fill(ACCOUNT, at(60 * USD)) is False
    assert await till.top_ups.fill(ACCOUNT, at(49 * USD)) is True
    await till.deliver_all()
    assert await till.movements() == [("credit", 500), ("credit", 2000)]
    shown = (await till.ask("GET", "auto-topup")).json()
    assert (shown["spent_this_month_usd"], shown["pending"], shown["failed"]) == ("20", False, None)


async def test_many_triggers_at_once_and_deaths_never_pass_the_ceiling(till: Till) -> None:
    await saved(till)
    chance = random.Random(7)
    outcomes: Counter[str] = Counter()

    async def trigger() -> None:
        store = DeadStore(till.dynamodb)
        store.left, store.after = chance.choice(
            [(-1, False), *((n, after) for n in range(1, 7) for after in (True, False))]
        )
        books = DynamoPaymentBooks(store, "accounts", "ledger")
        events = Events(books, till.service, till.clock)
        try:
            outcomes[str(await TopUps(books, till.service, events, till.clock).fill(ACCOUNT, at(10 * USD)))] += 1
        except Died:
            outcomes["died"] += 1

    till.money.resting = False
    for _ in range(20):
        await asyncio.gather(*(trigger() for _ in range(5)))
    await till.top_ups.fill(ACCOUNT, at(10 * USD))
    await till.deliver_all()
    till.money.resting = True
    assert outcomes["died"] > 10, outcomes
    assert await till.movements() == [("credit", 500), *[("credit", 2000)] * 3]
    # The month turns: so does its ceiling.
    till.clock.at_s += 15 * 86_400
    assert await till.top_ups.fill(ACCOUNT, at(10 * USD)) is True


async def test_a_refused_card_is_tried_once_until_the_owner_changes_the_terms(till: Till) -> None:
    await saved(till)
    terms = await till.books.terms(ACCOUNT)
    assert await till.books.set_terms(replace(terms, method=DECLINED))
    for _ in range(2):
        assert await till.top_ups.fill(ACCOUNT, at(USD)) is False
        assert await why(till) == "card_declined"
    shown = (await till.ask("GET", "auto-topup")).json()
    assert (charges(till), shown["failed"], shown["spent_this_month_usd"]) == (1, "card_declined", "0")
    assert (await till.ask("PUT", "auto-topup", TERMS)).json()["failed"] is None


async def test_a_top_up_whose_outcome_stays_unknown_is_not_asked_for_again(till: Till) -> None:
    await saved(till)
    terms = await till.books.terms(ACCOUNT)
    stuck = replace(terms, pending="pay_stuck", pending_s=int(NOW_S) - PENDING_S_MAX - 1, pending_nanousd=20 * USD)
    assert await till.books.set_terms(stuck)
    assert await till.top_ups.fill(ACCOUNT, at(USD)) is False
    assert await why(till) == "outcome_unknown"
    assert charges(till) == 0


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"amount_usd": "0.5"}, "amount_usd"),
        ({"amount_usd": "60.01"}, "monthly_ceiling_usd"),
        ({"threshold_usd": None}, "threshold_usd"),
        ({"enabled": "yes"}, "enabled"),
    ],
)
async def test_terms_that_cannot_be_are_refused(till: Till, changed: dict[str, object], param: str) -> None:
    await saved(till)
    answer = await till.ask("PUT", "auto-topup", {**TERMS, **changed})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


async def test_without_a_saved_method_it_cannot_be_turned_on(till: Till) -> None:
    assert refusal(await till.ask("PUT", "auto-topup", TERMS)) == (400, "payment_method_required", "enabled")
    assert (await till.ask("PUT", "auto-topup", {"enabled": False})).json()["enabled"] is False


class Queue:
    """The queue of what is to be told and of looks."""

    def __init__(self) -> None:
        self.lows: list[LowBalance] = []
        self.balances: list[str] = []

    async def put_low(self, low: LowBalance) -> None:
        self.lows.append(low)

    async def look_balance(self, account_id: str) -> None:
        self.balances.append(account_id)

    async def look(self, account_id: str, key_id: str, *, refused: bool) -> None:
        raise AssertionError((account_id, key_id, refused))


class Receiver:
    """An owner's server."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def post(self, url: str, headers: Any, body: bytes) -> int:
        assert (url, "webhook-signature" in headers) == ("https://owner.example/low", True)
        self.bodies.append(body)
        return 200


class Desk:
    """A watch of balances, and what it tells the account's owner."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.people, self.mail, self.queue, self.receiver = MemoryPeople(), Outbox(), Queue(), Receiver()
        self.watch = self.another()

    async def settle(self) -> None:
        jane = User("user_1", ACCOUNT, "jane@example.com", "hash", int(NOW_S))
        await self.people.add(jane, hashed(jane.email))

    def another(self) -> BalanceWatch:
        """The watch of another process."""
        posting = Posting(MemoryWebhookRecords(), self.receiver, self.till.clock)
        on, console = self.till, "https://console.test"
        return BalanceWatch(
            on.money, on.books, on.top_ups, self.people, self.mail, self.queue, posting, on.clock, console
        )


@pytest.fixture
async def desk(till: Till) -> Desk:
    made = Desk(till)
    await made.settle()
    return made


async def test_an_old_look_at_the_balance_makes_no_second_top_up(till: Till) -> None:
    await saved(till, threshold_usd="16")
    overtaken = False

    async def slow() -> int:
        nonlocal overtaken
        balance = (await till.look()).free_nanousd
        if not overtaken:
            overtaken = True
            # Another trigger pays between this one's look and its claim.
            assert await till.top_ups.fill(ACCOUNT, at(balance)) is True
        return balance

    assert await till.top_ups.fill(ACCOUNT, slow) is False
    assert (overtaken, charges(till)) == (True, 1)


async def test_looks_of_many_processes_at_once_make_one_top_up_and_tell_once(till: Till, desk: Desk) -> None:
    await saved(till, threshold_usd="16")
    alerts = {"low_balance_usd": "40", "webhook_url": "https://owner.example/low"}
    await till.ask("PUT", "alerts", alerts)
    till.money.resting = False
    await asyncio.gather(*(desk.another().look(ACCOUNT) for _ in range(8)))
    assert (charges(till), (await till.look()).free_nanousd) == (1, 35 * USD)
    # Those that did not pay find the balance low still; one of them tells.
    await asyncio.gather(*(desk.another().look(ACCOUNT) for _ in range(8)))
    assert (charges(till), len(desk.mail.letters), len(desk.queue.lows)) == (1, 1, 1)


async def test_a_top_up_that_goes_on_after_the_months_turn_counts_in_the_new_month(till: Till) -> None:
    await saved(till, monthly_ceiling_usd="40")
    till.clock.at_s = DECEMBER_S - 60
    terms = await till.books.terms(ACCOUNT)
    begun = claim(terms, 10 * USD, "pay_begun", till.clock.at_s)
    assert begun is not None
    assert await till.books.set_terms(begun)
    # The process died; the card is asked in December, for 20 of the 40 USD that it may pay then.
    till.clock.at_s = DECEMBER_S + 60
    for _ in range(5):
        await till.top_ups.fill(ACCOUNT, at(10 * USD))
    assert charges(till) == 2
    till.clock.at_s = DECEMBER_S + 20 * 86_400
    await till.top_ups.fill(ACCOUNT, at(10 * USD))
    assert charges(till) == 2


async def test_a_refusal_after_the_months_turn_gives_its_amount_back_to_the_new_month(till: Till) -> None:
    await saved(till)
    till.clock.at_s = DECEMBER_S - 60
    terms = replace(await till.books.terms(ACCOUNT), method=DECLINED)
    begun = claim(terms, 10 * USD, "pay_begun", till.clock.at_s)
    assert begun is not None
    assert await till.books.set_terms(begun)
    till.clock.at_s = DECEMBER_S + 60
    await till.top_ups.fill(ACCOUNT, at(10 * USD))
    stands = await till.books.terms(ACCOUNT)
    assert (stands.month, stands.spent_nanousd, stands.failed) == (202612, 0, "card_declined")


async def test_a_top_up_that_was_begun_waits_while_the_balance_is_enough_again(till: Till) -> None:
    await saved(till)
    begun = claim(await till.books.terms(ACCOUNT), 10 * USD, "pay_begun", NOW_S)
    assert begun is not None
    assert await till.books.set_terms(begun)
    assert await till.top_ups.fill(ACCOUNT, at(1_000 * USD)) is False
    assert charges(till) == 0
    assert await till.top_ups.fill(ACCOUNT, at(10 * USD)) is True


@pytest.mark.parametrize(
    ("changed", "asked"), [({"enabled": False}, 0), ({"amount_usd": "10", "monthly_ceiling_usd": "10"}, 0), ({}, 1)]
)
async def test_terms_that_are_changed_let_go_of_a_top_up_that_does_not_fit_them(
    till: Till, changed: dict[str, object], asked: int
) -> None:
    await saved(till)
    begun = claim(await till.books.terms(ACCOUNT), 10 * USD, "pay_begun", NOW_S)
    assert begun is not None
    assert await till.books.set_terms(begun)
    shown = (await till.ask("PUT", "auto-topup", {**TERMS, **changed})).json()
    # It may be under way at the service: its amount counts.
    assert (shown["spent_this_month_usd"], shown["pending"]) == ("20", asked == 1)
    await till.top_ups.fill(ACCOUNT, at(10 * USD))
    assert charges(till) == asked


async def test_an_owner_is_told_of_a_refused_card_once_also_after_a_death_while_it_was_told(
    till: Till, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await saved(till)
    await till.ask("PUT", "alerts", {"webhook_url": "https://owner.example/low"})
    assert await till.books.set_terms(replace(await till.books.terms(ACCOUNT), method=DECLINED))

    async def dies(_: LowBalance) -> None:
        raise Died

    till.money.resting = False
    with monkeypatch.context() as patched:
        patched.setattr(desk.queue, "put_low", dies)
        with pytest.raises(Died):
            await desk.watch.look(ACCOUNT)
    await desk.watch.look(ACCOUNT)
    assert desk.queue.lows == []
    for _ in range(3):
        till.clock.at_s += TELLING_S
        await asyncio.gather(*(desk.another().look(ACCOUNT) for _ in range(4)))
    assert [low.failed for low in desk.queue.lows] == ["card_declined"]
    assert charges(till) == 1
    # Another failure is told again.
    await till.ask("PUT", "auto-topup", TERMS)
    await desk.watch.look(ACCOUNT)
    assert [low.failed for low in desk.queue.lows] == ["card_declined"] * 2


async def test_a_credit_that_comes_while_a_low_balance_is_told_has_it_told_anew(
    till: Till, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await till.ask("PUT", "alerts", {"low_balance_usd": "40", "webhook_url": "https://owner.example/low"})
    put = desk.queue.put_low

    async def paid_meanwhile(low: LowBalance) -> None:
        await put(low)
        await till.paid("2")

    with monkeypatch.context() as patched:
        patched.setattr(desk.queue, "put_low", paid_meanwhile)
        await desk.watch.look(ACCOUNT)
    await desk.watch.look(ACCOUNT)
    assert [low.balance_nanousd // USD for low in desk.queue.lows] == [10, 12]


async def test_an_owner_is_told_of_a_low_balance_once_a_day_by_mail_and_webhook(till: Till, desk: Desk) -> None:
    alerts = {"low_balance_usd": "8", "webhook_url": "https://owner.example/low"}
    assert (await till.ask("PUT", "alerts", alerts)).json() == {"object": "billing_alerts", **alerts}
    assert refusal(await till.ask("PUT", "alerts", {"webhook_url": "https://127.0.0.1/"}))[2] == "webhook_url"
    mail, queue, receiver, watch = desk.mail, desk.queue, desk.receiver, desk.watch
    await watch.look(ACCOUNT)
    assert (queue.lows, mail.letters) == ([], [])
    await till.nexgate.spend("3")
    for _ in range(3):
        await watch.look(ACCOUNT)
    (low,) = queue.lows
    (letter,) = mail.letters
    assert "The balance of your account is 7 USD, below 8 USD." in letter.text
    assert (await watch.deliver(low, 1)).delivered
    assert b'"balance_usd":"7","threshold_usd":"8"' in receiver.bodies[0]
    till.clock.at_s += AGAIN_S
    await watch.look(ACCOUNT)
    assert len(queue.lows) == 2
    await till.paid("1.50")
    await till.nexgate.spend("1", at_s=till.clock.at_s)
    await watch.look(ACCOUNT)
    assert len(mail.letters) == 3


async def test_only_a_request_of_an_account_below_its_mark_asks_for_a_look_once_a_minute(till: Till) -> None:
    queue = Queue()
    money = AlertingMoney(till.dynamodb, "accounts", "ledger", queue)

    async def request(number: int, later_s: float = 0) -> None:
        at_s = NOW_S + later_s
        wanted = HoldRequest(ACCOUNT, MANAGER_ID, hold_id_at(at_s, number), 2 * USD, int(at_s) + 960, 1_000)
        assert isinstance(await money.admit(wanted, at_s), Admission)

    await request(1)
    await till.ask("PUT", "alerts", {"low_balance_usd": "7"})
    assert queue.balances == []
    for number in (2, 3):
        await request(number)
    assert queue.balances == [ACCOUNT]
    await request(4, 60)
    assert queue.balances == [ACCOUNT] * 2
    await till.ask("PUT", "alerts", {})
    await till.paid("9", "more")
    await request(5, 120)
    assert queue.balances == [ACCOUNT] * 2


async def test_a_suspended_account_is_not_topped_up_by_itself(till: Till, desk: Desk) -> None:
    await saved(till)
    await till.money.set_account(ACCOUNT, disabled=True)
    await desk.watch.look(ACCOUNT)
    assert charges(till) == 0
    await till.money.set_account(ACCOUNT, disabled=False)
    await desk.watch.look(ACCOUNT)
    assert charges(till) == 1
