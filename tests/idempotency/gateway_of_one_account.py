"""Runs one account's requests with idempotency keys on a money store, to check their cost after every failure."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.canonical.money import AccountSnapshot, Admission, Charge, Hold, HoldRequest, Tier
from gateway.errors import InsufficientBalance
from gateway.idempotency.ring import REPLAYED, Answer, Attempt, Idempotency, KeyedRequest, disown_hold, keyed_request
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.idempotency import IdempotencyRecords
from gateway.ports.money import Money
from gateway.ports.objects import Objects
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.money import MemoryMoney
from tests.fakes.objects import MemoryObjects

ACCOUNT = "acct_1"
PATH = "/v1/chat/completions"
CREDIT, HOLD, COST = 1_000_000, 5_000, 700
LEASE_S = 135
BODY = b'{"model": "gpt-4o", "messages": []}'


def is_repeat(answer: Answer) -> bool:
    """True if an answer was stored and is returned again."""
    return REPLAYED in answer.headers


@dataclass
class StoppedClock:
    """Both clocks at once, turned by hand."""

    at_s: float = 1_795_244_400.0

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@dataclass
class Gateway:
    """The idempotency ring with its stores. `served` lists the attempts that reached the provider."""

    clock: StoppedClock = field(default_factory=StoppedClock)
    records: IdempotencyRecords = field(default_factory=MemoryIdempotencyRecords)
    objects: Objects = field(default_factory=MemoryObjects)
    money: Money = field(default_factory=MemoryMoney)
    served: list[str] = field(default_factory=list)
    tries: int = 0

    async def open(self) -> None:
        await self.money.open_account(ACCOUNT, 1000)
        await self.money.credit(ACCOUNT, CREDIT, once="first", now_s=self.clock.at_s)

    async def ask(
        self, key: str | None = "key", body: bytes = BODY, *, provider: Callable[[], Awaitable[int]] | None = None
    ) -> Answer:
        """Sends one request through the ring. `provider` gives the answer's status, or raises."""
        self.tries += 1
        attempt_id = hold_id_at(self.clock.at_s, self.tries)
        attempt = Attempt(
            attempt_id=attempt_id,
            deadline_s=self.clock.at_s + LEASE_S,
            produce=partial(self._produce, attempt_id, provider),
            disown=self._disown,
        )
        ring = Idempotency(self.records, self.objects, self.clock)
        return await ring.run(keyed(key, body), attempt)

    async def _produce(self, hold_id: str, provider: Callable[[], Awaitable[int]] | None) -> Answer:
        wanted = HoldRequest(ACCOUNT, "key_1", hold_id, HOLD, deadline_s=int(self.clock.at_s) + 960, key_rpm_limit=60)
        outcome = await self.money.admit(wanted, self.clock.at_s)
        if not isinstance(outcome, Admission):
            raise InsufficientBalance("no")
        self.served.append(hold_id)
        try:
            status = await provider() if provider else 200
        except Exception:
            await self.money.release(outcome.hold, self.clock.at_s)
            raise
        await self.money.settle(outcome.hold, charge(outcome.hold), self.clock.at_s)
        return Answer(status, {"Content-Type": "application/json", "X-Trace-ID": hold_id}, f"by {hold_id}".encode())

    async def _disown(self, attempt_id: str) -> None:
        await disown_hold(self.money, self.clock, ACCOUNT, attempt_id)

    async def look(self) -> AccountSnapshot:
        """Reads the account and checks that every nano-dollar of it is accounted for."""
        look = await self.money.read_account(ACCOUNT)
        assert look is not None
        assert look.balanced
        return look

    async def paid(self) -> int:
        """Returns the account's total payment, after checking that no hold is open."""
        look = await self.look()
        assert look.held_nanousd == 0
        return CREDIT - look.free_nanousd


def keyed(key: str | None = "key", body: bytes = BODY) -> KeyedRequest | None:
    return keyed_request(key, ACCOUNT, "POST", PATH, "application/json", body)


def charge(hold: Hold) -> Charge:
    return Charge(COST, "req", f"gen-nxn-{hold.hold_id}", "gpt-4o", "gpt-4o", Tier.PASSTHROUGH, "2026-11-01")
