"""Top-ups on the whole stack: the reference's calls by plain HTTP, and a page of the simulated Stripe that is paid."""

import secrets
import time
from collections.abc import Iterator
from decimal import Decimal
from functools import reduce
from operator import getitem
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.hangs import HANGS_AFTER_S, comes_true
from tests.stack.conftest import Stack
from tests.stack.test_accounts import letters_to, registered, signed_in

# The reference's samples of billing and keys: what they send, and what they read from the answer.
SAMPLES: tuple[tuple[str, str, dict[str, Any] | None, tuple[str, ...]], ...] = (
    ("GET", "billing/balance", None, ("balance_usd",)),
    ("GET", "billing/usage?days=7", None, ("by_tier",)),
    ("GET", "billing/plan", None, ("plan",)),
    ("GET", "billing/upgrade-hint", None, ("hint",)),
    ("POST", "billing/checkout", {"amount_usd": 20, "idempotency_key": "topup-2026-04-27-001"}, ("checkout_url",)),
    ("POST", "billing/topup", {"amount_usd": 20, "idempotency_key": "topup-2026-04-27-001"}, ("checkout_url",)),
    ("POST", "keys", {"name": "prod-2026"}, ("full_key", "key.key_id")),
    ("PATCH", "keys/{key_id}/spend-cap", {"monthly_spend_cap_usd": "100"}, ("monthly_spend_cap_usd",)),
    ("PATCH", "keys/{key_id}/spend-cap", {"monthly_spend_cap_usd": "100.00"}, ("monthly_spend_cap_usd",)),
    ("PATCH", "keys/{key_id}/spend-cap", {"clear": True}, ("monthly_spend_cap_usd",)),
    ("PATCH", "keys/{key_id}/alert-webhook", {"url": "https://your-app.com/billing-alert"}, ("alert_webhook_url",)),
)


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=f"{stack.base_url}/", timeout=HANGS_AFTER_S, trust_env=False, headers=headers) as made:
        yield made


def balance(client: httpx.Client) -> Decimal:
    return Decimal(client.get("billing/balance").json()["balance_usd"])


def soon(client: httpx.Client, expected: Decimal) -> Decimal:
    """Waits until the balance is as expected, and returns it."""
    comes_true(lambda: balance(client) == expected)
    return balance(client)


def test_the_references_samples_of_billing_and_a_page_that_a_browser_pays_on(client: httpx.Client) -> None:
    assert client.get("billing/plan").json()["plan"] == "payg"
    assert client.get("billing/upgrade-hint").json()["hint"] is None
    before = balance(client)
    asked = {"amount_usd": 20, "idempotency_key": f"topup-{secrets.token_hex(4)}", "save_payment_method": True}
    first, again = (client.post(path, json=asked).json() for path in ("billing/checkout", "billing/topup"))
    assert first["checkout_url"] == again["checkout_url"]
    page = first["checkout_url"]
    root = f"{urlsplit(page).scheme}://{urlsplit(page).netloc}/stripe"
    with httpx.Client(timeout=HANGS_AFTER_S, trust_env=False) as browser:
        browser.post(f"{root}/_sim/deliveries", json={"repeat": 3, "shuffled": True})
        assert "20.00 USD" in browser.get(page).text
        paid = browser.post(page, data={"do": "pay"})
        assert (paid.status_code, paid.headers["location"].endswith("topup=done")) == (303, True)
        assert soon(client, before + 20) == before + 20
        session: dict[str, Any] = browser.post(f"{root}/_sim/sessions/{page.rsplit('/', 1)[1]}", json={}).json()
        browser.post(f"{root}/_sim/disputes", json={"payment_intent": session["payment_intent"]})
        assert soon(client, before) == before
        while browser.post(f"{root}/_sim/deliveries", json={"repeat": 1, "shuffled": False}).json()["sending"]:
            time.sleep(0.1)
    # Three deliveries of each event have booked it once.
    assert balance(client) == before
    (receipt,) = client.get("billing/receipts?limit=1").json()["data"]
    assert (receipt["amount_usd"], receipt["returned_usd"]) == ("20", "20")
    kinds = [entry["kind"] for entry in client.get("billing/transactions?limit=2").json()["data"]]
    assert sorted(kinds) == ["credit", "dispute"]
    forged = client.post("billing/webhook", json={"id": "evt_1"}, headers={"stripe-signature": "t=1,v1=00"})
    assert forged.status_code == 401


def test_a_low_balance_is_filled_up_by_the_saved_method_and_its_owner_is_mailed(
    stack: Stack, client: httpx.Client
) -> None:
    email = registered(stack, client)
    client.headers.update(signed_in(client, email))
    asked = {"amount_usd": 5, "idempotency_key": "topup-first", "save_payment_method": True}
    page = client.post("billing/checkout", json=asked).json()["checkout_url"]
    httpx.post(page, data={"do": "pay"}, timeout=HANGS_AFTER_S, trust_env=False)
    assert soon(client, Decimal(5)) == Decimal(5)
    terms = {"enabled": True, "threshold_usd": "20", "amount_usd": "20", "monthly_ceiling_usd": "20"}
    assert client.put("billing/auto-topup", json=terms).json()["payment_method_saved"] is True
    assert client.put("billing/alerts", json={"low_balance_usd": "50"}).status_code == 200
    key = {"Authorization": f"Bearer {client.post('keys', json={'name': 'spends'}).json()['full_key']}"}
    wanted = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How fast is the train?"}]}
    assert client.post("chat/completions", json=wanted, headers=key).status_code == 200
    assert comes_true(lambda: balance(client) > 20)
    # Each process asks for a look once a minute; this one finds the balance low, and the ceiling reached.
    embedded = {"model": "text-embedding-3-small", "input": "How fast is the train?"}
    assert client.post("embeddings", json=embedded, headers=key).status_code == 200
    assert comes_true(lambda: "balance" in letters_to(stack, email)[-1]["subject"])
    settled = {"spent_this_month_usd": "20", "pending": False, "failed": None}
    assert comes_true(lambda: settled.items() <= client.get("billing/auto-topup").json().items())


@pytest.mark.parametrize("root", ["/v1/", "/"])
def test_the_references_samples_of_billing_and_keys_run_as_written(stack: Stack, root: str) -> None:
    account = stack.with_new_account("5")
    headers, key_id, pages = {"Authorization": f"Bearer {account.api_key}"}, "", set()
    with httpx.Client(base_url=stack.root_url, timeout=HANGS_AFTER_S, trust_env=False, headers=headers) as http:
        for method, path, body, read in SAMPLES:
            answer = http.request(method, root + path.format(key_id=key_id), json=body)
            assert answer.status_code in {200, 201}, (path, answer.text)
            found = answer.json()
            for member in read:
                reduce(getitem, member.split("."), found)
            key_id = found["key"]["key_id"] if path == "keys" else key_id
            pages |= {found["checkout_url"]} if "checkout_url" in found else set()
    # The same idempotency key opens the same page by both names.
    assert len(pages) == 1
