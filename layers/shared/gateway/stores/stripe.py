"""Takes payments by Stripe: Checkout pages, saved payment methods, and what became of a payment.

The official package writes the requests and reads the answers (docs/adr/0038-stripe.md); its bytes travel by the
house's own client. It is loaded by the first call that reaches Stripe: no cold start pays for it. Each creation bears
the id of what is created as Stripe's idempotency key, so a repeat after a lost answer creates nothing more.
https://docs.stripe.com/api
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.errors import ServiceUnavailable
from gateway.ledger.money import NANO_PER_USD
from gateway.ports.payments import Paid, Payment, PaymentRefused
from gateway.ports.upstream import Credential, Credentials
from gateway.transport import Client, Timeouts, TransportError, parse_url

if TYPE_CHECKING:
    # 323 modules, which only calls of Stripe need.
    from stripe import PaymentIntent, StripeClient

ROW = "stripe"
NANO_PER_CENT = NANO_PER_USD // 100
CURRENCY = "usd"
NOT_CONFIGURED = "Payments are not configured in this deployment."
NOT_CONFIGURED_CODE = "payments_not_configured"
DOWN = "The payment service cannot be reached now; please try again."
RETRIES = 2
ANSWER_BYTES_MAX = 2 * 1024 * 1024
TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=10.0)
API = "https://api.stripe.com"

T = TypeVar("T")

log = logging.getLogger(__name__)


class StripePayments:
    """`PaymentService` by Stripe, with the credential of a secret; `api_base` stands in for Stripe's own address."""

    def __init__(self, client: Client, credentials: Credentials, api_base: str = "") -> None:
        self._client = client
        self._credentials = credentials
        self._api_base = api_base or API
        self._made: tuple[str, StripeClient] | None = None

    async def secrets(self) -> Sequence[str]:
        found = await self._credential()
        given = "" if found is None else found.extra.get("webhook_secret", "")
        return tuple(filter(None, map(str.strip, given.split(","))))

    async def checkout(self, payment: Payment, return_url: str, *, customer: str | None, saves: bool) -> str:
        metadata = metadata_of(payment)
        intent: dict[str, Any] = {"metadata": metadata, **({"setup_future_usage": "off_session"} if saves else {})}
        price = {
            "currency": CURRENCY,
            "unit_amount": payment.amount_nanousd // NANO_PER_CENT,
            "product_data": {"name": "Credit for API usage"},
        }
        wanted: Any = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": payment.payment_id,
            "metadata": metadata,
            "payment_intent_data": intent,
            "success_url": f"{return_url}{'&' if '?' in return_url else '?'}topup=done",
            "cancel_url": f"{return_url}{'&' if '?' in return_url else '?'}topup=canceled",
            **({} if customer is None else {"customer": customer}),
        }
        stripe = await self._stripe()
        session = await self._asked(stripe.v1.checkout.sessions.create_async(wanted, _once(payment.payment_id)))
        return session.url or ""

    async def customer(self, account_id: str) -> str:
        stripe = await self._stripe()
        wanted: Any = {"metadata": {"account_id": account_id}}
        made = await self._asked(stripe.v1.customers.create_async(wanted, _once(f"customer-{account_id}")))
        return made.id

    async def charge(self, payment: Payment, customer: str, method: str) -> Paid:
        wanted: Any = {
            "amount": payment.amount_nanousd // NANO_PER_CENT,
            "currency": CURRENCY,
            "customer": customer,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
            "metadata": metadata_of(payment),
        }
        stripe = await self._stripe()
        return _paid(await self._asked(stripe.v1.payment_intents.create_async(wanted, _once(payment.payment_id))))

    async def look(self, intent: str) -> Paid:
        stripe = await self._stripe()
        return _paid(await self._asked(stripe.v1.payment_intents.retrieve_async(intent)))

    async def _credential(self) -> Credential | None:
        found = await self._credentials.of(ROW)
        return found[0] if found and found[0].api_key else None

    async def _stripe(self) -> StripeClient:
        found = await self._credential()
        if found is None:
            raise ServiceUnavailable(NOT_CONFIGURED, code=NOT_CONFIGURED_CODE, should_retry=False)
        if self._made is None or self._made[0] != found.api_key:
            self._made = (found.api_key, stripe_client(found.api_key, self._api_base, self._send))
        return self._made[1]

    async def _asked(self, answer: Awaitable[T]) -> T:
        """The answer; a refusal of the card is the owner's to know, and any other is the operator's alone."""
        import stripe

        try:
            return await answer
        except stripe.CardError as refused:
            raise PaymentRefused(refused.code or "card_declined") from None
        except stripe.StripeError as error:
            # The code alone: a message may quote a part of the key.
            log.warning("Stripe refused a call: %s %s", type(error).__name__, error.code)
            raise ServiceUnavailable(DOWN, code="payments_unavailable") from None

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[bytes, int, Mapping[str, str]]:
        origin, _ = parse_url(url.partition("?")[0])
        target = url[url.index("/", url.index("//") + 2) :]
        fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        response = await self._client.request(
            method.upper(), origin, target, fields, body, timeouts=TIMEOUTS, replayable=True
        )
        answer = await response.read(ANSWER_BYTES_MAX)
        return answer, response.status, {name.decode(): value.decode() for name, value in response.headers}


Send = Callable[[str, str, Mapping[str, str], bytes], Awaitable[tuple[bytes, int, Mapping[str, str]]]]


def stripe_client(api_key: str, api_base: str, send: Send) -> StripeClient:
    """The official client over the house's transport."""
    import stripe

    # Its constructor has no types.
    connection_lost: Any = stripe.APIConnectionError

    class Transport(stripe.HTTPClient):
        """The package's way out."""

        name = "nexgate"

        async def request_async(
            self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
        ) -> tuple[bytes, int, Mapping[str, str]]:
            body = post_data.encode() if isinstance(post_data, str) else post_data or b""
            try:
                return await send(method, url, headers, body)
            except TransportError as error:
                lost: stripe.StripeError = connection_lost(type(error).__name__, should_retry=True)
                raise lost from None

        def sleep_async(self, secs: float) -> Awaitable[None]:
            return asyncio.sleep(secs)

    return stripe.StripeClient(
        api_key, base_addresses={"api": api_base}, http_client=Transport(), max_network_retries=RETRIES
    )


def metadata_of(payment: Payment) -> dict[str, str]:
    """The names by which an event finds the payment that we have noted; alone they prove nothing."""
    return {"account_id": payment.account_id, "payment_id": payment.payment_id}


def _once(key: str) -> Any:
    return {"idempotency_key": f"nexgate-{key}"}


def _paid(intent: PaymentIntent) -> Paid:
    named = intent.metadata.to_dict()
    is_paid = intent.status == "succeeded"
    amount = intent.amount_received if is_paid else intent.amount
    return Paid(intent.id, is_paid, amount, intent.currency, named.get("account_id", ""), named.get("payment_id", ""))
