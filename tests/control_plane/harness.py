"""Runs the keys, billing and webhooks apps over memory stores, with requests as API Gateway's events bring them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from functions.billing.app import app as billing_app
from functions.keys.app import app as keys_app
from functions.webhooks import app as webhooks_module
from gateway.auth.principal import key_hash
from gateway.canonical.money import Admission, Charge, HoldRequest, Tier
from gateway.canonical.usage import Usage
from gateway.idempotency.ring import Idempotency
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import parse_usd
from gateway.limits.windows import READS_RPM
from gateway.people.sessions import Sessions
from gateway.ports.keys import KeyRecord
from gateway.runtime.invocation import InvocationContext
from gateway.wiring.control_plane import ControlServices
from tests.fakes.audit import MemoryAudit
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.keys import MemoryKeyStore
from tests.fakes.mcp import FakeMcp, managed_mcp_servers
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects
from tests.fakes.organizations import MemoryOrganizations
from tests.fakes.people import MemoryPeople
from tests.fakes.provider_keys import AskedProvider, managed_provider_keys
from tests.fakes.webhooks import MemoryWebhookRecords

# 2026-11-21 06:40:10 UTC: ten seconds into a minute.
NOW_S = 1_795_243_210.0
DAY_S = 86_400
CALLER_IP = "203.0.113.7"
ACCOUNT, MANAGER_KEY, MANAGER_ID = "acc_one", "sk-xc-manager-of-one", "key_manager"
OTHER_ACCOUNT, OTHER_KEY = "acc_two", "sk-xc-manager-of-two"
FULL_KEY = re.compile(r"sk-xc-[A-Za-z0-9_-]{43}")
INVOCATION = InvocationContext("invocation-1", int(NOW_S + 29) * 1000, "", None, None, None, None)
Scope = MutableMapping[str, Any]

_numbers = itertools.count(1)


@dataclass
class StoppedClock:
    """Both clocks at once, turned by hand."""

    at_s: float = NOW_S

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@dataclass
class AppUnderTest:
    """Two accounts, each with one key that manages it, and the control plane over them."""

    clock: StoppedClock = field(default_factory=StoppedClock)
    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    money: MemoryMoney = field(default_factory=MemoryMoney)
    records: MemoryIdempotencyRecords = field(default_factory=MemoryIdempotencyRecords)
    answers: MemoryObjects = field(default_factory=MemoryObjects)
    webhooks: MemoryWebhookRecords = field(default_factory=MemoryWebhookRecords)
    reads_rpm: int = READS_RPM
    provider: AskedProvider = field(default_factory=AskedProvider)
    mcp: FakeMcp = field(default_factory=FakeMcp)
    people: MemoryPeople = field(default_factory=MemoryPeople)
    organizations: MemoryOrganizations = field(default_factory=MemoryOrganizations)
    audit: MemoryAudit = field(default_factory=MemoryAudit)

    def __post_init__(self) -> None:
        self.provider_keys = managed_provider_keys(self.keys, self.clock, self.provider)
        self.mcp_servers = managed_mcp_servers(self.clock, self.mcp)
        self.sessions = Sessions(self.people, self.clock)
        self.keys.organizations, self.organizations.people = self.organizations, self.people
        for store in (self.keys, self.people, self.organizations):
            store.log = self.audit
        for app in (keys_app, billing_app, webhooks_module.app):
            app._services = self.services
        vars(webhooks_module)["webhook_records"] = lambda: self.webhooks

    def services(self) -> ControlServices:
        ring = Idempotency(self.records, self.answers, self.clock)
        return ControlServices(
            self.clock,
            self.keys,
            self.keys,
            self.money,
            ring,
            reads_rpm=self.reads_rpm,
            provider_keys=lambda: self.provider_keys,
            mcp_servers=lambda: self.mcp_servers,
            sessions=lambda: self.sessions,
            organizations=lambda: self.organizations,
            audit=lambda: self.audit,
        )

    async def settle_in(self) -> None:
        for account_id, key in ((ACCOUNT, MANAGER_KEY), (OTHER_ACCOUNT, OTHER_KEY)):
            await self.money.open_account(account_id, 1_000)
            long_ago_s = NOW_S - 200 * DAY_S
            await self.money.credit(account_id, 10**10, once="start", now_s=long_ago_s, note="a gift")
            await self.give_key(key, KeyRecord(MANAGER_ID, account_id, "first", key[-4:], int(NOW_S)))

    async def give_key(self, text: str, record: KeyRecord, *, can_manage_keys: bool = True) -> None:
        settings = {"can_manage_keys": can_manage_keys}
        await self.keys.add(key_hash(text), record)
        await self.keys.change(record.account_id, record.key_id, settings)

    async def ask(
        self, method: str, path: str, body: object = None, key: str | None = MANAGER_KEY, **rest: Any
    ) -> httpx.Response:
        """Sends one call. A body of bytes is sent unchanged, any other as JSON."""
        app = billing_app if "billing" in path else webhooks_module.app if "webhooks" in path else keys_app
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        sent = {"content": body} if isinstance(body, bytes) else {} if body is None else {"json": body}
        transport = httpx.ASGITransport(as_from_api_gateway(app), raise_app_exceptions=False, client=(CALLER_IP, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.test") as client:
            more = httpx.Headers(rest.pop("headers", {})).multi_items()
            return await client.request(method, path, headers=[*headers.items(), *more], **sent, **rest)

    async def create(self, **settings: object) -> dict[str, Any]:
        """Creates a key and returns the answer."""
        answer = await self.ask("POST", "/v1/keys", {"name": "made", **settings})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def spend(
        self, usd: str, at_s: float = NOW_S, tier: Tier = Tier.PASSTHROUGH, key_id: str = MANAGER_ID
    ) -> str:
        """Charges a request with that cost, of 100 prompt and 10 answer tokens; returns its generation's id."""
        cost = parse_usd(usd)
        number = next(_numbers)
        wanted = HoldRequest(ACCOUNT, key_id, hold_id_at(at_s, number), cost, int(at_s) + 960, 1_000)
        outcome = await self.money.admit(wanted, at_s)
        assert isinstance(outcome, Admission), outcome
        charge = Charge(
            cost_nanousd=cost,
            request_id=f"req-{number}",
            generation_id=f"gen-nxn-{wanted.hold_id}",
            model_requested="gpt-4o",
            model_used="gpt-4o-2024-11-20",
            tier=tier,
            price_version="2026-11-20",
            usage=Usage(input=100, output=10, cache_read=7, reasoning=4),
            user_id="user-1",
            org_id="org-1",
            route="openai|gpt-4o|502 upstream_error|own\nopenai",
        )
        await self.money.settle(outcome.hold, charge, at_s + 1)
        return charge.generation_id


def as_from_api_gateway(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Wraps the app with the parts of Lambda's invocation that it reads."""

    async def called(scope: Scope, receive: Any, send: Any) -> None:
        event = {"requestContext": {"requestId": "trace-1"}}
        await app({**scope, "aws.event": event, "aws.context": INVOCATION}, receive, send)

    return called


def refusal(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    """Returns status, code and param of an answer that must be an error in the contract's shape."""
    error = answer.json()["error"]
    assert list(error) == ["message", "type", "param", "code"], error
    assert error["message"]
    return answer.status_code, error["code"], error["param"]
