"""One account before the ring, on the real money store: what a request with a key costs, however its process ends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.canonical.money import Admission, Charge, Hold, Look, Tier, Wanted
from gateway.errors import InsufficientBalance
from gateway.idempotency import Answer, Attempt, Idempotency, KeyedRequest, disown_hold, keyed_request
from gateway.ledger.hold_ids import hold_id_at
from gateway.ports import IdempotencyRecords, Money, Objects
from gateway.stores.idempotency_memory import MemoryIdempotencyRecords
from gateway.stores.money_memory import MemoryMoney
from gateway.stores.objects_memory import MemoryObjects

ACCOUNT = "acct_1"
PATH = "/v1/chat/completions"
CREDIT, HOLD, COST = 1_000_000, 5_000, 700
LEASE_S = 135
BODY = b'{"model": "gpt-4o", "messages": []}'


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
    """The ring and what it stands on; `served` has the attempts that reached the provider."""

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
        """One request through the ring; `provider` gives the answer's status, or raises."""
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
        wanted = Wanted(ACCOUNT, "key_1", hold_id, HOLD, deadline_s=int(self.clock.at_s) + 960, key_rpm_limit=60)
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

    async def look(self) -> Look:
        """The account, every nano-dollar of it accounted for."""
        look = await self.money.look(ACCOUNT)
        assert look is not None
        assert look.balanced
        return look

    async def paid(self) -> int:
        """What the account has paid in all, with nothing left on hold."""
        look = await self.look()
        assert look.held_nanousd == 0
        return CREDIT - look.free_nanousd


def keyed(key: str | None = "key", body: bytes = BODY) -> KeyedRequest | None:
    return keyed_request(key, ACCOUNT, "POST", PATH, "application/json", body)


def charge(hold: Hold) -> Charge:
    return Charge(COST, "req", f"gen-nxn-{hold.hold_id}", "gpt-4o", "gpt-4o", Tier.PASSTHROUGH, "2026-11-01")
