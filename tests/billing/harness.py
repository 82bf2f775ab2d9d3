"""Runs the billing app over a simulated DynamoDB and a simulated Stripe, which the official package talks to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import httpx
import orjson
from msgspec import Struct

from gateway.billing.automatic import TopUps
from gateway.billing.checkout import Checkouts
from gateway.billing.events import Events
from gateway.canonical.money import AccountSnapshot
from gateway.errors import ServiceUnavailable
from gateway.http import paying as paying_module
from gateway.ports.clock import Clock
from gateway.ports.upstream import Credential
from gateway.stores.money.payments import DynamoPaymentBooks
from gateway.stores.money.store import DynamoMoney
from gateway.stores.stripe import StripePayments
from gateway.transport import Client, PeerClosed
from gateway.wiring.billing import Paying
from local.payments.deliveries import signature
from local.payments.serving import API_KEY, WEBHOOK_SECRET, Serving
from tests.control_plane.harness import ACCOUNT, AppUnderTest
from tests.money.invariants import Checked, check
from tests.money.simulation.dynamodb import SimulatedDynamoDb

OLD_SECRET = "whsec_before"
CONSOLE = "https://console.test/billing"


class OneCredential(Struct, frozen=True):
    """The secret of payments, with a webhook secret before this one; or without a value."""

    is_set: bool = True

    async def of(self, provider: str) -> tuple[Credential, ...]:
        assert provider == "stripe"
        secrets = f"{WEBHOOK_SECRET}, {OLD_SECRET}"
        return (Credential(API_KEY, extra={"webhook_secret": secrets}),) if self.is_set else ()

    async def ready(self, provider: str, credential: Credential) -> Credential:
        del provider
        return credential


class StripeUnderTest(StripePayments):
    """The way to Stripe, whose bytes are handed over here; `lost` of its answers are lost after their effect."""

    def __init__(self, simulated: Serving, credentials: OneCredential) -> None:
        super().__init__(cast("Client", None), credentials, "http://stripe.test/stripe")
        self.simulated = simulated
        self.lost = 0
        self.asked: list[str] = []

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[bytes, int, Mapping[str, str]]:
        path = url.removeprefix("http://stripe.test")
        self.asked.append(f"{method.upper()} {path}")
        given = {name.lower(): value for name, value in headers.items()} | {"host": "stripe.test"}
        answer = self.simulated.answer(method.upper(), path, given, body)
        if self.lost:
            self.lost -= 1
            raise PeerClosed("the answer was lost")
        return answer.body, answer.status, {"content-type": answer.content_type}


def paying_over(dynamodb: SimulatedDynamoDb, clock: Clock) -> Paying:
    """Builds what accounts pay by, over tables and a simulated payment service of its own."""
    books, service = DynamoPaymentBooks(dynamodb, "accounts", "ledger"), StripeUnderTest(Serving(""), OneCredential())
    events = Events(books, service, clock)
    return Paying(books, service, Checkouts(books, service, clock, ""), events, TopUps(books, service, events, clock))


class Till:
    """The billing app, its books and its Stripe."""

    def __init__(self, *, is_configured: bool = True) -> None:
        self.dynamodb = SimulatedDynamoDb(page=3)
        self.money = Checked(DynamoMoney(self.dynamodb, "accounts", "ledger"))
        self.nexgate = AppUnderTest(money=cast("Any", self.money))
        self.clock = self.nexgate.clock
        self.simulated = Serving("")
        self.service = StripeUnderTest(self.simulated, OneCredential(is_configured))
        self.books = DynamoPaymentBooks(self.dynamodb, "accounts", "ledger")
        self.events = Events(self.books, self.service, self.clock)
        checkouts = Checkouts(self.books, self.service, self.clock, CONSOLE)
        self.top_ups = TopUps(self.books, self.service, self.events, self.clock)
        paying = Paying(self.books, self.service, checkouts, self.events, self.top_ups)
        vars(paying_module)["paying"] = lambda: paying
        self._told = 0

    async def ask(self, method: str, path: str, body: object = None, **rest: Any) -> httpx.Response:
        return await self.nexgate.ask(method, f"/v1/billing/{path}", body, **rest)

    async def checkout(self, usd: object = "20", key: str = "topup-1", **more: Any) -> dict[str, Any]:
        """Opens a page and returns it."""
        answer = await self.ask("POST", "checkout", {"amount_usd": usd, "idempotency_key": key, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def pay(self, page: Mapping[str, Any]) -> str:
        """Pays on a page as a browser does, and returns the payment's id at Stripe."""
        path = page["checkout_url"].removeprefix("http://stripe.test")
        assert self.simulated.answer("POST", path, {}, b"do=pay").status == 303
        session = self.simulated.answer("POST", path.replace("/pay/", "/_sim/sessions/"), {}, b"{}")
        return str(orjson.loads(session.body)["payment_intent"])

    def stripe(self, path: str, **asked: object) -> dict[str, Any]:
        """Does at Stripe what its dashboard does."""
        answer = self.simulated.answer("POST", f"/stripe/{path}", {}, orjson.dumps(asked))
        found: dict[str, Any] = orjson.loads(answer.body)
        assert answer.status == 200, found
        return found

    def refund(self, intent: str, cents: int) -> dict[str, Any]:
        """Pays back by Stripe's API."""
        headers = {"authorization": f"Bearer {API_KEY}"}
        body = f"payment_intent={intent}&amount={cents}".encode()
        found: dict[str, Any] = orjson.loads(self.simulated.answer("POST", "/stripe/v1/refunds", headers, body).body)
        assert found["object"] == "refund", found
        return found

    def new_events(self) -> list[dict[str, Any]]:
        """Returns the events since the last look."""
        found = self.simulated.deliveries.events[self._told :]
        self._told += len(found)
        return found

    async def deliver(self, event: object, secret: str = WEBHOOK_SECRET, at_s: int | None = None) -> httpx.Response:
        """Delivers an event, signed now or at that time."""
        body = event if isinstance(event, bytes) else orjson.dumps(event)
        signed = signature(secret, body, int(self.clock.at_s) if at_s is None else at_s)
        return await self.ask("POST", "webhook", body, key=None, headers={"stripe-signature": signed})

    async def deliver_all(self) -> list[Any]:
        """Delivers all new events in their order, and returns whether each was booked."""
        answers = [await self.deliver(event) for event in self.new_events()]
        assert {answer.status_code for answer in answers} <= {200}, [answer.text for answer in answers]
        return [answer.json()["booked"] for answer in answers]

    async def paid(self, usd: str = "20", key: str = "topup-1") -> str:
        """Tops the account up and returns the payment's id at Stripe."""
        intent = self.pay(await self.checkout(usd, key))
        await self.deliver_all()
        return intent

    async def look(self, account_id: str = ACCOUNT) -> AccountSnapshot:
        """Looks at an account, whose invariants hold."""
        found = await self.money.read_account(account_id)
        assert found is not None
        check(found)
        return found

    async def movements(self, account_id: str = ACCOUNT) -> list[tuple[str, int]]:
        """Returns kind and cents of each entry but the first balance, sorted: ids of one millisecond are not."""
        entries = [one for one in (await self.look(account_id)).entries if one.note != "a gift"]
        return sorted((entry.kind.value, entry.amount_nanousd // 10**7) for entry in entries)


class DeadStore:
    """A store that dies before or after its nth call, as a process does."""

    def __init__(self, api: SimulatedDynamoDb) -> None:
        self.api = api
        self.left = -1
        self.after = False

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Any:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Died
        answer = await self.api.call(service, operation, payload)
        if self.left == 0:
            raise Died
        return answer


class Died(ServiceUnavailable):
    """The process is gone: nothing after it happens, and its caller has no answer."""

    def __init__(self) -> None:
        super().__init__("the process died")
