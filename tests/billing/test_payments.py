"""Tests of top-ups: from a page of Stripe's to the credit, by signed events in any order and number."""

from __future__ import annotations

import itertools
import random

import pytest
import stripe

from gateway.billing.events import KINDS
from gateway.billing.signature import signed, verify
from gateway.canonical.money import EntryKind
from gateway.errors import AuthenticationFailed
from local.payments.deliveries import signature
from local.payments.serving import WEBHOOK_SECRET
from tests.billing.harness import OLD_SECRET, Till
from tests.control_plane.harness import ACCOUNT, NOW_S, OTHER_ACCOUNT, OTHER_KEY, refusal

pytestmark = pytest.mark.anyio
GIFT = 10 * 10**9


async def test_a_payment_on_stripes_page_is_credited_once(till: Till) -> None:
    page = await till.checkout(20)
    assert page["checkout_url"].startswith("http://stripe.test/stripe/pay/cs_test_")
    assert await till.movements() == []
    till.pay(page)
    assert await till.deliver_all() == [True, True, True]
    assert await till.movements() == [("credit", 2000)]
    assert (await till.look()).free_nanousd == GIFT + 20 * 10**9


async def test_the_same_key_opens_the_same_page_and_another_amount_is_refused(till: Till) -> None:
    first, again = [await till.checkout("20") for _ in range(2)]
    assert first == again
    assert till.service.asked == ["POST /stripe/v1/checkout/sessions"]
    other = await till.ask("POST", "topup", {"amount_usd": "21", "idempotency_key": "topup-1"})
    assert refusal(other) == (409, "idempotency_key_reused", None)


async def test_a_lost_answer_of_stripes_makes_no_second_page(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "_sleep_time_seconds", lambda *_: 0)
    till.service.lost = 5
    answer = await till.ask("POST", "checkout", {"amount_usd": "20", "idempotency_key": "topup-1"})
    assert refusal(answer) == (503, "payments_unavailable", None)
    till.service.lost = 1
    till.pay(await till.checkout())
    await till.deliver_all()
    sessions = [name for name in till.simulated._stripe.objects if name.startswith("cs_")]
    assert (len(sessions), await till.movements()) == (1, [("credit", 2000)])


@pytest.mark.parametrize("usd", ["0", "0.99", "10000.01", "1.001", "1e3", "-5"])
async def test_an_amount_that_no_page_may_ask_for_is_refused(till: Till, usd: str) -> None:
    answer = await till.ask("POST", "checkout", {"amount_usd": usd, "idempotency_key": "k"})
    assert refusal(answer) == (400, "invalid_value", "amount_usd")
    assert till.service.asked == []


async def test_a_checkout_needs_a_key_of_its_own_or_of_its_header(till: Till) -> None:
    answer = await till.ask("POST", "checkout", {"amount_usd": 5})
    assert refusal(answer) == (400, "missing_required_parameter", "idempotency_key")
    given = await till.ask("POST", "checkout", {"amount_usd": 5}, headers={"Idempotency-Key": "topup-9"})
    assert given.json()["amount_usd"] == "5"


async def test_without_a_key_of_stripes_payments_say_so_before_they_do_anything() -> None:
    till = Till(is_configured=False)
    await till.nexgate.settle_in()
    answer = await till.ask("POST", "topup", {"amount_usd": "20", "idempotency_key": "k"})
    assert refusal(answer) == (503, "payments_not_configured", None)
    assert answer.headers["x-should-retry"] == "false"
    assert refusal(await till.deliver({"id": "evt_1"})) == (503, "payments_not_configured", None)
    assert [name for name in till.dynamodb.tables["ledger"].items if "payment" in name[1]] == []


async def test_events_in_every_order_and_twice_credit_once(till: Till) -> None:
    pages = [await till.checkout("1", f"key-{number}") for number in range(6)]
    for page, order in zip(pages, itertools.permutations(range(3)), strict=True):
        till.pay(page)
        events = till.new_events()
        for index in (*order, *order):
            assert (await till.deliver(events[index])).status_code == 200
    assert await till.movements() == [("credit", 100)] * 6


@pytest.mark.parametrize("secret", [WEBHOOK_SECRET, OLD_SECRET])
async def test_both_secrets_of_a_rotation_are_good(till: Till, secret: str) -> None:
    till.pay(await till.checkout())
    for event in till.new_events():
        assert (await till.deliver(event, secret)).status_code == 200
    assert await till.movements() == [("credit", 2000)]


async def test_an_event_that_stripe_has_not_just_signed_is_refused(till: Till) -> None:
    till.pay(await till.checkout())
    event = till.new_events()[1]
    stale = await till.deliver(event, at_s=int(NOW_S) - 301)
    early = await till.deliver(event, at_s=int(NOW_S) + 301)
    forged = await till.deliver(event, "whsec_of_a_stranger")
    unsigned = await till.ask("POST", "webhook", event, key=None)
    for answer in (stale, early, forged, unsigned):
        assert refusal(answer)[0] == 401
    assert await till.movements() == []


async def test_an_event_whose_body_was_changed_after_signing_is_refused(till: Till) -> None:
    till.pay(await till.checkout())
    event = till.new_events()[1]
    event["data"]["object"]["amount_received"] = 999_999
    body = b'{"id": "evt_1", "type": "x", "data": {"object": {}}}'
    header = {"stripe-signature": signature(WEBHOOK_SECRET, body, int(NOW_S))}
    assert (await till.ask("POST", "webhook", event, key=None, headers=header)).status_code == 401


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"nothing", b'{"id": "evt_1", "type": 3}'])
async def test_a_signed_body_that_is_no_event_is_a_400(till: Till, body: bytes) -> None:
    assert refusal(await till.deliver(body))[:2] == (400, "invalid_body")


def test_the_signature_is_judged_as_by_the_official_package(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, body = 1_795_243_210, b'{"id": "evt_1"}'
    monkeypatch.setattr("stripe._webhook.time.time", lambda: float(now_s))
    headers = {
        "own": signed(WEBHOOK_SECRET, body, now_s),
        "at the edge": signed(WEBHOOK_SECRET, body, now_s - 300),
        "stale": signed(WEBHOOK_SECRET, body, now_s - 301),
        "of another body": signed(WEBHOOK_SECRET, body + b" ", now_s),
        "of another secret": signed("whsec_other", body, now_s),
        "of an old scheme": signed(WEBHOOK_SECRET, body, now_s).replace("v1=", "v0="),
        "with two signatures": f"{signed('whsec_other', body, now_s)},v1={signed(WEBHOOK_SECRET, body, now_s)[-64:]}",
        "without a time": signed(WEBHOOK_SECRET, body, now_s).partition(",")[2],
        "with no number": signed(WEBHOOK_SECRET, body, now_s).replace("t=", "t=x"),
        "empty": "",
    }
    verdicts = {}
    for name, header in headers.items():
        try:
            verify([WEBHOOK_SECRET], header, body, now_s)
            verdicts[name] = True
        except AuthenticationFailed:
            verdicts[name] = False
        try:
            stripe.WebhookSignature.verify_header(body.decode(), header, WEBHOOK_SECRET, 300)
            theirs = True
        except stripe.SignatureVerificationError:
            theirs = False
        assert verdicts[name] is theirs, name
    assert [name for name, good in verdicts.items() if good] == ["own", "at the edge", "with two signatures"]


async def test_what_was_paid_is_credited_where_the_page_was_changed_meanwhile(till: Till) -> None:
    page = await till.checkout("20")
    session = page["checkout_url"].rsplit("/", 1)[1]
    till.stripe(f"_sim/sessions/{session}", amount_total=150)
    till.pay(page)
    await till.deliver_all()
    assert await till.movements() == [("credit", 150)]


@pytest.mark.parametrize(
    "changed",
    [
        {"metadata": {"account_id": OTHER_ACCOUNT, "payment_id": "PAYMENT"}},
        {"metadata": {"account_id": OTHER_ACCOUNT, "payment_id": "pay_none"}},
        {"metadata": {"account_id": ACCOUNT, "payment_id": "pay_none"}},
        {"currency": "jpy"},
    ],
    ids=["another account", "another account and payment", "another payment", "another currency"],
)
async def test_a_payment_that_is_not_the_one_asked_for_credits_no_account(
    till: Till, changed: dict[str, object]
) -> None:
    await till.checkout("5", "of another", save_payment_method=False)
    page = await till.checkout("20")
    metadata = changed.get("metadata")
    if isinstance(metadata, dict):
        metadata = {name: value.replace("PAYMENT", page["payment_id"]) for name, value in metadata.items()}
        changed = {"metadata": metadata, "payment_intent_data": {"metadata": metadata}}
    session = page["checkout_url"].rsplit("/", 1)[1]
    till.stripe(f"_sim/sessions/{session}", **changed)
    till.pay(page)
    assert True not in [booked for booked in await till.deliver_all() if booked is not None][1:]
    assert (await till.movements(), await till.movements(OTHER_ACCOUNT)) == ([], [])


async def test_a_page_that_is_paid_later_credits_when_it_is(till: Till) -> None:
    till.pay(await till.checkout())
    (*_, done) = till.new_events()
    done["data"]["object"]["payment_status"] = "unpaid"
    assert (await till.deliver(done)).json() == {"received": True, "booked": False}
    later = {**done, "id": "evt_later", "type": "checkout.session.async_payment_succeeded"}
    later["data"]["object"]["payment_status"] = "paid"
    assert (await till.deliver(later)).json()["booked"] is True
    assert await till.movements() == [("credit", 2000)]


async def test_events_of_other_products_of_the_same_stripe_account_are_let_go(till: Till) -> None:
    for kind in (*KINDS, "customer.created", "invoice.paid"):
        about = {"id": "pi_other", "amount": 500, "currency": "usd", "status": "succeeded", "payment_status": "paid"}
        answer = await till.deliver({"id": f"evt_{kind}", "type": kind, "data": {"object": about}})
        assert answer.json() == {"received": True, "booked": False}, kind
    assert await till.movements() == []


async def test_receipts_are_listed_newest_first_page_by_page_to_their_account_alone(till: Till) -> None:
    for number in range(3):
        till.clock.at_s += 1
        await till.paid(str(number + 1), f"key-{number}")
    await till.checkout("9", "never paid")
    first = (await till.ask("GET", "receipts?limit=2")).json()
    rest = (await till.ask("GET", f"receipts?limit=2&cursor={first['next_cursor']}")).json()
    shown = [*first["data"], *rest["data"]]
    assert [one["amount_usd"] for one in shown] == ["3", "2", "1"]
    assert shown[0]["receipt_url"].startswith("https://pay.stripe.test/receipts/ch_")
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert (await till.ask("GET", "receipts", key=OTHER_KEY)).json()["data"] == []


async def test_random_orders_repeats_and_losses_end_in_the_same_ledger(till: Till) -> None:
    chance = random.Random(15)
    intents = [till.pay(await till.checkout("2", f"key-{number}")) for number in range(8)]
    for intent in intents[:4]:
        till.refund(intent, 50)
    failing = till.refund(intents[4], 30)
    till.stripe(f"_sim/refunds/{failing['id']}/fail")
    won = till.stripe("_sim/disputes", payment_intent=intents[5])
    till.stripe(f"_sim/disputes/{won['id']}/win")
    till.stripe("_sim/disputes", payment_intent=intents[6])
    events = till.new_events() * 3
    chance.shuffle(events)
    for event in events:
        assert (await till.deliver(event)).status_code == 200
    found = (await till.look()).entries
    sums = {kind: sum(one.amount_nanousd for one in found if one.kind is kind) // 10**7 for kind in EntryKind}
    assert (sums[EntryKind.CREDIT], sums[EntryKind.REFUND], sums[EntryKind.DISPUTE]) == (1000 + 1600, -200, -200)
