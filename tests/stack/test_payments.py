"""Top-ups on the whole stack: the reference's calls by plain HTTP, and a page of the simulated Stripe that is paid."""

import secrets
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=f"{stack.base_url}/", timeout=HANGS_AFTER_S, trust_env=False, headers=headers) as made:
        yield made


def balance(client: httpx.Client) -> Decimal:
    return Decimal(client.get("billing/balance").json()["balance_usd"])


def soon(client: httpx.Client, expected: Decimal) -> Decimal:
    """Waits until the balance is as expected, and returns it."""
    ends = time.monotonic() + HANGS_AFTER_S
    while (found := balance(client)) != expected and time.monotonic() < ends:
        time.sleep(0.1)
    return found


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
