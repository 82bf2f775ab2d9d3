"""Runs the real pipeline against a store and a provider that fail by a seeded schedule, and judges what was paid.

A schedule is a value: the same one runs the same way, on virtual time. One that breaks an invariant is shrunk: faults
and requests are left out while it still does.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import orjson

from gateway.auth.principal import Principal
from gateway.canonical.money import Charge, EntryKind, Hold
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.errors import GatewayError, UpstreamError
from gateway.ledger.hold_ids import hold_id_at
from gateway.operations.chat import ChatOperation
from gateway.pipeline.charge import Billing
from gateway.pipeline.operation import InboundRequest
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.keys import KeyRecord
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamTimeouts
from gateway.protocols import openai_chat
from gateway.providers.chat.registry import KNOWN
from gateway.signatures import Vault
from gateway.stores.aws import client
from gateway.stores.aws.deferred_settlements import message_of, settle_deferred
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from tests.fakes.signatures import MemorySignatures
from tests.faults.store import PROCESS, Died, Fault, FaultyDynamoDb, Process
from tests.money.given import NOW_S
from tests.money.invariants import check
from tests.virtual_time import run

ACCOUNT = "acct_faults"
CATALOG = load(CHAT_MODELS, KNOWN)
BALANCE_NANOUSD = 400_000_000
TEXT = "Some words of an answer. " * 40
PROMPT, OUTPUT = 20, 300
# gpt-4o at list price and 5 %, in nano-USD a token.
INPUT_NANOUSD, OUTPUT_NANOUSD = 2_625, 10_500
ENDINGS = ("whole", "whole", "whole", "cut", "stall", "refused", "no usage", "lies")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and how its provider answers it."""

    at_s: float
    stream: bool
    bounded: bool
    ending: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that happens in one run."""

    requests: tuple[Asked, ...]
    faults: Mapping[int, Fault]
    delay_s: float
    swept_first: bool
    cap_nanousd: int | None
    tpm_limit: int | None = None
    max_parallel: int | None = None


def drawn(seed: int) -> Schedule:
    """Draws the schedule of a seed."""
    chance = random.Random(seed)
    requests = tuple(
        Asked(chance.choice((0.0, 0.01, 0.5)), chance.random() < 0.5, chance.random() < 0.5, chance.choice(ENDINGS))
        for _ in range(chance.choice((1, 1, 2, 2, 3)))
    )
    numbers = chance.sample(range(1, 16), chance.randint(1, 4))
    faults = {number: chance.choice(list(Fault)) for number in numbers}
    cap = chance.choice((None, 300_000_000))
    delay_s, swept_first = chance.choice((0.001, 0.3, 3.0, 50.0)), chance.random() < 0.5
    tpm_limit, max_parallel = chance.choice((None, 60_000)), chance.choice((None, 2))
    return Schedule(requests, faults, delay_s, swept_first, cap, tpm_limit, max_parallel)


class Clock:
    """The gateway's clock on the loop's time, from the same moment in every run."""

    def now_s(self) -> float:
        return NOW_S + self.monotonic_s()

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


# The members that every part of the provider's answer has.
ABOUT: Mapping[str, Any] = {"id": "c", "created": 1, "model": "gpt-4o"}


class Answer:
    """A provider's answer in the way that the request names."""

    status = 200
    headers: Mapping[str, str] = {}

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def _usage(self) -> dict[str, Any]:
        if self._asked.ending == "no usage":
            return {}
        tokens = 10**9 if self._asked.ending == "lies" else OUTPUT
        return {"usage": {"prompt_tokens": PROMPT, "completion_tokens": tokens, "total_tokens": PROMPT + tokens}}

    async def read(self) -> bytes:
        await asyncio.sleep(0.2)
        if self._asked.ending in {"cut", "stall"}:
            raise UpstreamError("The provider's answer was cut.")
        message = {"role": "assistant", "content": TEXT}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return orjson.dumps({**ABOUT, "object": "chat.completion", "choices": [choice], **self._usage()})

    async def chunks(self) -> AsyncIterator[bytes]:
        half = len(TEXT) // 2
        yield _frame({"content": TEXT[:half]}, None)
        await asyncio.sleep(0.2)
        if self._asked.ending in {"cut", "stall"}:
            raise UpstreamError("The provider's answer was cut.")
        yield _frame({"content": TEXT[half:]}, None)
        yield _frame({}, "stop")
        if usage := self._usage():
            yield _event({"choices": [], **usage})
        yield b"data: [DONE]\n\n"

    async def aclose(self) -> None:
        return


def _frame(delta: dict[str, Any], finish: str | None) -> bytes:
    return _event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _event(members: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps({**ABOUT, "object": "chat.completion.chunk", **members}) + b"\n\n"


class Provider:
    """`Credentials` and `Upstream` of one request."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    async def of(self, provider: str) -> Credential | None:
        return Credential("key", "http://provider.test/v1") if provider == "openai" else None

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        del url, patience

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> Answer:
        del request, patience
        if self._asked.ending == "refused":
            raise UpstreamError("The provider refused.", retryable=False)
        return Answer(self._asked)


@dataclass
class Queue:
    """The queue of settlements, which gives each message at least once."""

    messages: list[str] = field(default_factory=list)

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        PROCESS.get().live()
        self.messages.append(message_of(hold, charge))


@dataclass
class Client:
    """The client's end of a stream."""

    data: bytes = b""
    committed: bool = False

    def announce(self, headers: Mapping[str, str]) -> None:
        del headers

    async def write(self, data: bytes) -> None:
        PROCESS.get().live()
        self.data += data
        self.committed = True


@dataclass
class Served:
    """The result of one request, as its client and the schedule know it."""

    asked: Asked
    hold_id: str
    process: Process
    answered: bool = False
    delivered: bool = False


class World:
    """One account, its store, and the requests of a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.clock = Clock()
        self.api = FaultyDynamoDb(schedule.faults, schedule.delay_s)
        self.books = DynamoMoney(self.api, "accounts", "ledger")
        self.queue = Queue()

    async def played(self) -> None:
        """Plays the schedule to its end; raises for what breaks an invariant."""
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        await self.books.open_account(ACCOUNT, 1_000)
        await self.books.credit(ACCOUNT, BALANCE_NANOUSD, once="start", now_s=self.clock.now_s())
        requests = enumerate(self.schedule.requests)
        served = await asyncio.gather(*(self._request(number, asked) for number, asked in requests))
        await asyncio.sleep(60)
        await self._look()
        if self.schedule.swept_first:
            await sweep(self.books, self.clock.now_s() + 2_000)
            await self._look()
        for message in [*self.queue.messages, *reversed(self.queue.messages)]:
            await settle_deferred(self.books, message, self.clock.now_s())
            await self._look()
        for _ in range(2):
            await sweep(self.books, self.clock.now_s() + 2_000)
        await self._look()
        await self._judge(served)

    async def _look(self) -> None:
        look = await self.books.read_account(ACCOUNT)
        assert look is not None
        check(look)

    async def _request(self, number: int, asked: Asked) -> Served:
        await asyncio.sleep(asked.at_s)
        served = Served(asked, hold_id_at(self.clock.now_s(), number), Process())
        PROCESS.set(served.process)
        served.process.request = asyncio.create_task(self._serve(served))
        await asyncio.wait({served.process.request})
        return served

    async def _serve(self, served: Served) -> None:
        provider, asked = Provider(served.asked), served.asked
        pipeline = Pipeline(
            providers=ProviderClient(provider, provider, UpstreamTimeouts(2, 60, 60)),
            billing=Billing(DynamoMoney(self.api, "accounts", "ledger"), self.queue, self.clock),
            clock=self.clock,
            limits=Limits(120.0, 10.0),
        )
        key = KeyRecord(
            key_id="key_a", account_id=ACCOUNT, name="a", last4="aaaa", created_at_s=0,
            monthly_spend_cap_nanousd=self.schedule.cap_nanousd, alert_webhook_url="https://a.test/told",
            tpm_limit=self.schedule.tpm_limit, max_parallel=self.schedule.max_parallel, user_rpm_limit=100,
        )  # fmt: skip
        body = {"model": "gpt-4o", "stream": asked.stream, "messages": [{"role": "user", "content": "Hello"}]}
        body |= {"max_tokens": 400} if asked.bounded else {}
        inbound = InboundRequest(Principal(ACCOUNT, key), orjson.dumps(body), "req", self.clock.now_s() + 900)
        operation = ChatOperation(openai_chat.CLIENT, CATALOG, Vault(MemorySignatures(), self.clock))
        context = pipeline.open(operation, inbound, hold_id=served.hold_id)
        try:
            await pipeline.admit(context)
            if asked.stream:
                await pipeline.stream(context, Client())
            else:
                await pipeline.answer(context)
            served.answered = not served.process.dead
        except (GatewayError, Died):
            return
        finally:
            served.delivered = context.delivered_bytes > 0

    async def _judge(self, served: list[Served]) -> None:
        look = await self.books.read_account(ACCOUNT)
        assert look is not None
        assert (look.holds, look.held_nanousd) == ((), 0), look
        # Nothing stays reserved: no lease, and of the minute's tokens at most those that were charged for.
        assert not any(look.leases.values()), look
        charged = sum(entry.charge.usage.total for entry in look.entries if entry.charge and not entry.late)
        assert all(0 <= tokens <= charged for tokens in look.key_tokens.values()), look
        assert not [key for key in self.api.tables["ledger"].items if key[1].startswith("hold#")]
        for one in served:
            ends = [entry for entry in look.entries if entry.hold_id == one.hold_id]
            # What was charged; where the balance did not cover it, a part was written off beside it.
            charged = -sum(entry.amount_nanousd for entry in ends if entry.kind is EntryKind.CHARGE)
            least, most = _due(one, bounds_streams=self.schedule.tpm_limit is not None)
            assert least <= charged <= most, (one, charged, least, most, look)


def _due(one: Served, *, bounds_streams: bool) -> tuple[int, int]:
    """The least and the most that a request may have been charged; a key's tokens a minute may bound a stream."""
    asked = one.asked
    estimate = -(-len(TEXT) // 3)
    tokens = {"no usage": estimate, "lies": 400 if asked.bounded else 16_384}.get(asked.ending, OUTPUT)
    whole = PROMPT * INPUT_NANOUSD + tokens * OUTPUT_NANOUSD
    if asked.ending == "no usage":
        # The prompt is estimated too.
        whole += 200 * INPUT_NANOUSD
    if one.answered and asked.ending == "lies" and not asked.bounded:
        # The bound that was sent is a share of what the account, or the key's minute, had left.
        is_bounded = bounds_streams or not asked.stream
        return PROMPT * INPUT_NANOUSD + 4_096 * OUTPUT_NANOUSD if is_bounded else whole, whole
    if one.answered and asked.ending in {"whole", "lies"}:
        return whole, whole
    if one.answered or one.delivered:
        return (0 if one.process.dead else 1), whole + (200 * INPUT_NANOUSD + estimate * OUTPUT_NANOUSD)
    return 0, 0


def broken(schedule: Schedule) -> str | None:
    """Names the invariant that a schedule breaks, or `None`."""
    world: list[World] = []

    async def story() -> None:
        world.append(World(schedule))
        await world[0].played()

    with patch.object(client, "JITTER", random.Random(1)):
        try:
            run(story())
        except AssertionError as error:
            return str(error) or "an invariant"
    REACHED.update(world[0].api.met)
    return None


# The pairs of operation and fault that were met so far.
REACHED: Counter[tuple[str, Fault]] = Counter()


def shrunk(schedule: Schedule) -> Schedule:
    """The schedule with as few faults and requests as still break it."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _less(schedule):
            if broken(candidate) is not None:
                schedule, smaller = candidate, True
                break
    return schedule


def _less(schedule: Schedule) -> Iterator[Schedule]:
    for number in schedule.faults:
        yield replace(schedule, faults={other: fault for other, fault in schedule.faults.items() if other != number})
    for place in range(len(schedule.requests)):
        if len(schedule.requests) > 1:
            yield replace(schedule, requests=(*schedule.requests[:place], *schedule.requests[place + 1 :]))
