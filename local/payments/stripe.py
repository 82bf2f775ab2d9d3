"""Keeps the objects of a simulated Stripe: customers, pages, payments, refunds, disputes; and tells of each.

Objects have the members that the gateway reads, and those that the official package wants. Nothing is delivered here.
https://docs.stripe.com/api
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
API_VERSION = "2026-11-18.simulated"
CURRENCY = "usd"
# Saved methods of these names are refused when they are to pay.
DECLINED = "pm_card_declined"


class Refused(Exception):
    """A request that Stripe would refuse, with its status and its error."""

    def __init__(self, status: int, kind: str, code: str | None, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "code": code, "message": message}


def missing(kind: str, name: str) -> Refused:
    """The refusal of an id that is not known."""
    return Refused(404, "invalid_request_error", "resource_missing", f"No such {kind}: '{name}'")


class Stripe:
    """The objects of one account at Stripe. `tell` is handed each event as it happens."""

    def __init__(self, tell: Callable[[Json], None]) -> None:
        self._tell = tell
        self._numbers = itertools.count(1)
        self._once: dict[str, tuple[Json, Json]] = {}
        self.objects: dict[str, Json] = {}

    def once(self, key: str | None, asked: Json, answer: Callable[[], Json]) -> Json:
        """The answer to a key, which is the first one's for a repeat."""
        if key is None:
            return answer()
        if key not in self._once:
            self._once[key] = (asked, answer())
        before, given = self._once[key]
        if before != asked:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            raise Refused(400, "idempotency_error", None, message)
        return given

    def found(self, kind: str, name: str) -> Json:
        """An object; raises `Refused` for one that is not known."""
        stands = self.objects.get(name)
        if stands is None or stands["object"] != kind:
            raise missing(kind, name)
        return stands

    def create_customer(self, asked: Json) -> Json:
        """Creates a customer."""
        return self._made("cus", "customer", metadata=asked.get("metadata", {}))

    def create_session(self, asked: Json, root: str) -> Json:
        """Creates a page on which a payment can be made."""
        items = list(asked.get("line_items", {}).values())
        try:
            amount = sum(int(item["price_data"]["unit_amount"]) * int(item["quantity"]) for item in items)
            currency = items[0]["price_data"]["currency"]
        except (KeyError, IndexError, ValueError):
            raise Refused(400, "invalid_request_error", "parameter_missing", "Missing: line_items.") from None
        if asked.get("mode") != "payment" or amount < 50:
            raise Refused(400, "invalid_request_error", "amount_too_small", "The amount must be at least 50 cents.")
        session = self._made(
            "cs_test",
            "checkout.session",
            mode="payment",
            status="open",
            payment_status="unpaid",
            amount_total=amount,
            amount_subtotal=amount,
            currency=currency,
            customer=asked.get("customer"),
            client_reference_id=asked.get("client_reference_id"),
            metadata=asked.get("metadata", {}),
            success_url=asked.get("success_url"),
            cancel_url=asked.get("cancel_url"),
            payment_intent=None,
        )
        session["asked"] = asked.get("payment_intent_data", {})
        session["url"] = f"{root}/pay/{session['id']}"
        return session

    def pay(self, name: str) -> Json:
        """Pays on a page, as a browser does; once."""
        session = self.found("checkout.session", name)
        if session["status"] == "complete":
            return session
        wanted = session["asked"]
        intent = self._intent(
            session["amount_total"],
            session["currency"],
            customer=session["customer"],
            payment_method=f"pm_{next(self._numbers)}",
            metadata=wanted.get("metadata", {}),
            setup_future_usage=wanted.get("setup_future_usage"),
        )
        session.update(status="complete", payment_status="paid", payment_intent=intent["id"])
        self._succeed(intent)
        self._happened("checkout.session.completed", session)
        return session

    def create_intent(self, asked: Json) -> Json:
        """Has a saved method pay at once."""
        if asked.get("confirm") != "true" or asked.get("off_session") != "true":
            raise Refused(400, "invalid_request_error", None, "Only confirmed payments off session are simulated.")
        self.found("customer", asked.get("customer", ""))
        if asked.get("payment_method") == DECLINED:
            raise Refused(402, "card_error", "card_declined", "Your card was declined.")
        intent = self._intent(
            int(asked.get("amount", 0)),
            asked["currency"],
            customer=asked["customer"],
            payment_method=asked.get("payment_method"),
            metadata=asked.get("metadata", {}),
            setup_future_usage=None,
        )
        self._succeed(intent)
        return intent

    def create_refund(self, asked: Json) -> Json:
        """Pays a payment back, or a part of it."""
        intent = self.found("payment_intent", asked.get("payment_intent", ""))
        amount = int(asked.get("amount") or intent["amount_received"])
        charge = self.objects[intent["latest_charge"]]
        if amount > charge["amount"] - charge["amount_refunded"]:
            raise Refused(400, "invalid_request_error", "charge_already_refunded", "The charge has been refunded.")
        charge["amount_refunded"] += amount
        refund = self._made(
            "re",
            "refund",
            amount=amount,
            currency=intent["currency"],
            payment_intent=intent["id"],
            charge=charge["id"],
            status="succeeded",
            reason=asked.get("reason"),
            metadata=asked.get("metadata", {}),
        )
        self._happened("refund.created", refund)
        return refund

    def fail_refund(self, name: str) -> Json:
        """Has the bank send a refund back."""
        refund = self.found("refund", name)
        refund["status"] = "failed"
        self.objects[refund["charge"]]["amount_refunded"] -= refund["amount"]
        self._happened("refund.failed", refund)
        return refund

    def dispute(self, intent_id: str) -> Json:
        """Has the bank take a payment back."""
        intent = self.found("payment_intent", intent_id)
        dispute = self._made(
            "dp",
            "dispute",
            amount=intent["amount_received"],
            currency=intent["currency"],
            payment_intent=intent_id,
            charge=intent["latest_charge"],
            reason="fraudulent",
            status="needs_response",
            metadata={},
        )
        self._happened("charge.dispute.created", dispute)
        self._happened("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def win(self, name: str) -> Json:
        """Has the bank give a disputed payment again."""
        dispute = self.found("dispute", name)
        dispute["status"] = "won"
        self._happened("charge.dispute.funds_reinstated", dispute)
        return dispute

    def _intent(self, amount: int, currency: str, **members: Any) -> Json:
        return self._made(
            "pi", "payment_intent", amount=amount, currency=currency, amount_received=0, status="processing", **members
        )

    def _succeed(self, intent: Json) -> None:
        charge = self._made(
            "ch",
            "charge",
            amount=intent["amount"],
            amount_refunded=0,
            currency=intent["currency"],
            payment_intent=intent["id"],
            customer=intent["customer"],
            metadata=intent["metadata"],
            status="succeeded",
            paid=True,
        )
        charge["receipt_url"] = f"https://pay.stripe.test/receipts/{charge['id']}"
        intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"])
        self._happened("charge.succeeded", charge)
        self._happened("payment_intent.succeeded", intent)

    def _made(self, prefix: str, kind: str, **members: Any) -> Json:
        name = f"{prefix}_sim{next(self._numbers):08}"
        made = {"id": name, "object": kind, "created": int(time.time()), "livemode": False, **members}
        self.objects[name] = made
        return made

    def _happened(self, kind: str, about: Json) -> None:
        event = {
            "id": f"evt_sim{next(self._numbers):08}",
            "object": "event",
            "api_version": API_VERSION,
            "created": int(time.time()),
            "livemode": False,
            "pending_webhooks": 1,
            "type": kind,
            "data": {"object": shown(about)},
        }
        self._tell(event)


def shown(made: Json) -> Json:
    """An object as the API shows it now."""
    return {name: value for name, value in made.items() if name != "asked"}
