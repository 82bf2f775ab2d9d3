"""Serves the simulated Stripe: `/v1/...` as its API, `/pay/...` as its page, `/_sim/...` as the switches of tests."""

import html
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson

from local.payments import forms
from local.payments.deliveries import Deliveries
from local.payments.stripe import Json, Refused, Stripe, missing, shown

PREFIX = "/stripe"
API_KEY = "sk_test_simulated"
WEBHOOK_SECRET = "whsec_simulated"
JSON, HTML = "application/json", "text/html; charset=utf-8"

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Simulated Checkout</title></head>
<body style="font-family: sans-serif; max-width: 30em; margin: 3em auto"><h1>Simulated Checkout</h1>
<p>No money moves here.</p><p><strong id="amount">{amount} {currency}</strong></p><p id="status">{status}</p>
<form method="post"><button name="do" value="pay">Pay</button> <button name="do" value="cancel">Cancel</button></form>
</body></html>"""


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Serving:
    """The simulated Stripe of one stack, whose events go to `events_url`."""

    def __init__(self, events_url: str) -> None:
        self.deliveries = Deliveries(events_url, WEBHOOK_SECRET)
        self._stripe = Stripe(self.deliveries.tell)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer to one request below the prefix."""
        parts = path.removeprefix(PREFIX).strip("/").split("/")
        try:
            if parts[0] == "pay" and len(parts) == 2:
                return self._page(method, parts[1], body)
            if parts[0] == "_sim":
                return _json(self._control(parts[1:], body))
            return _json(self._api(method, parts[1:], headers, body))
        except Refused as refusal:
            return _json({"error": refusal.error}, refusal.status)

    def _api(self, method: str, parts: list[str], headers: dict[str, str], body: bytes) -> Json:
        if headers.get("authorization") != f"Bearer {API_KEY}":
            raise Refused(401, "invalid_request_error", None, "Invalid API Key provided")
        asked = forms.members(body)
        root = f"http://{headers.get('host', '')}{PREFIX}"
        creations: dict[str, Callable[[], Json]] = {
            "customers": lambda: self._stripe.create_customer(asked),
            "checkout/sessions": lambda: self._stripe.create_session(asked, root),
            "payment_intents": lambda: self._stripe.create_intent(asked),
            "refunds": lambda: self._stripe.create_refund(asked),
        }
        if method == "POST" and "/".join(parts) in creations:
            create = creations["/".join(parts)]
            return shown(self._stripe.once(headers.get("idempotency-key"), asked, create))
        kinds = {"customers": "customer", "payment_intents": "payment_intent", "refunds": "refund"}
        if method == "GET" and len(parts) == 2 and parts[0] in kinds:
            return shown(self._stripe.found(kinds[parts[0]], parts[1]))
        if method == "GET" and parts[:2] == ["checkout", "sessions"] and len(parts) == 3:
            return shown(self._stripe.found("checkout.session", parts[2]))
        raise missing("path", "/".join(parts))

    def _page(self, method: str, session_id: str, body: bytes) -> Answer:
        session = self._stripe.found("checkout.session", session_id)
        if method == "POST":
            is_paid = forms.members(body).get("do") == "pay"
            if is_paid:
                self._stripe.pay(session_id)
            return Answer(303, HTML, b"", (("location", session["success_url" if is_paid else "cancel_url"] or "/"),))
        amount = f"{session['amount_total'] / 100:.2f}"
        page = PAGE.format(
            amount=amount, currency=html.escape(session["currency"].upper()), status=html.escape(session["status"])
        )
        return Answer(200, HTML, page.encode())

    def _control(self, parts: list[str], body: bytes) -> Any:
        asked = orjson.loads(body) if body else {}
        match parts:
            case ["deliveries"]:
                self.deliveries.repeat = int(asked.get("repeat", self.deliveries.repeat))
                self.deliveries.shuffled = bool(asked.get("shuffled", self.deliveries.shuffled))
                return self.deliveries.describe()
            case ["sessions", session_id]:
                # A page that was changed between its creation and its payment.
                session = self._stripe.found("checkout.session", session_id)
                session.update({name: value for name, value in asked.items() if name in session})
                session["asked"].update(asked.get("payment_intent_data", {}))
                return shown(session)
            case ["refunds", refund_id, "fail"]:
                return shown(self._stripe.fail_refund(refund_id))
            case ["disputes"]:
                return shown(self._stripe.dispute(asked["payment_intent"]))
            case ["disputes", dispute_id, "win"]:
                return shown(self._stripe.win(dispute_id))
        raise missing("switch", "/".join(parts))


def _json(body: Any, status: int = 200) -> Answer:
    return Answer(status, JSON, orjson.dumps(body))
