"""One account, its stores and the processes of a schedule, on virtual time; the books are checked at each write."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.auth.principal import Principal
from gateway.canonical.jobs import JobStatus
from gateway.canonical.money import AccountSnapshot, Entry
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.errors import Conflict, GatewayError
from gateway.idempotency.ring import REPLAYED, Answer, Attempt, Idempotency, Recording, disown_hold, keyed_request
from gateway.jobs.media.steps import ProviderBusy
from gateway.ledger.hold_ids import hold_id_at
from gateway.operations.chat import ChatOperation
from gateway.pipeline.charge import Billing
from gateway.pipeline.health import Health
from gateway.pipeline.hedging import HedgeRules
from gateway.pipeline.operation import InboundRequest
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.keys import KeyRecord
from gateway.ports.upstream import UpstreamTimeouts
from gateway.protocols import openai_chat
from gateway.providers.chat.registry import KNOWN
from gateway.signatures import Vault
from gateway.stores.aws.deferred_settlements import SqsDeferredSettlements, settle_batch
from gateway.stores.money.sweep import sweep
from gateway.stores.money.tables import MoneyTables
from gateway.stores.money.usage import UsageSums
from tests.fakes.idempotency import MemoryIdempotencyRecords
from tests.fakes.objects import MemoryObjects
from tests.fakes.signatures import MemorySignatures
from tests.faults import newer
from tests.faults.faults import (
    ANYWHERE,
    CLOCKS,
    LOSSES,
    PROCESS,
    STEP,
    Fault,
    Faults,
    Kind,
    Process,
    ProcessClock,
    Through,
)
from tests.faults.jobs import Jobs
from tests.faults.judge import Served, check_count, check_end, check_one_key, check_try, check_within_hold, paid_for
from tests.faults.provider import Provider
from tests.faults.schedule import Asked, Schedule
from tests.faults.store import FaultyDynamoDb, SteppedMoney
from tests.jobs.world import COST
from tests.money.invariants import check, check_usage

ACCOUNT, KEY = "acct_faults", "key_a"
CATALOG = load(CHAT_MODELS, KNOWN)
FALLBACK = "gpt-4.1-mini"
FUNCTION_S = 900.0
# What is left to a hung call, a late write and a step that runs on after its request.
QUIET_S = 150.0
LONG_AFTER_S = 200_000.0
HEDGED_AFTER_S = 0.1
CLIENT_TRIES = 3
# A clock that is wrong, a death or a lost write lets a living try pass for a dead one, which is then disowned.
DISOWNING = (ANYWHERE - {Fault.SLOW}) | LOSSES


@dataclass
class Client:
    """The client's end of a stream."""

    faults: Faults
    committed: bool = False
    slow_s: float = 0.0

    def announce(self, headers: Mapping[str, str]) -> None:
        del headers

    async def write(self, data: bytes) -> None:
        async def written() -> None:
            self.committed = self.committed or bool(data)

        await self.faults.through("client", Kind.CLIENT, written)


class World:
    """Everything of one schedule. `broken` is the first invariant that did not hold."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.broken: str | None = None
        self.faults = Faults.of(schedule.faults)
        self.api: Any = FaultyDynamoDb(self.faults, schedule.delay_s, self._written)
        self.money = SteppedMoney(self.api, "accounts", "ledger")
        self.jobs = Jobs(self.faults, SteppedMoney(self.api, "accounts", "ledger"), self._in_process)
        self.records = MemoryIdempotencyRecords()
        self.objects = MemoryObjects()
        self.served: list[Served] = []
        # True once the count of the key's spend has begun for certain.
        self.counted = False
        self._entries: tuple[Entry, ...] = ()
        # The last amount of each hold, by which its cost beyond it is known.
        self._amounts: dict[str, int] = {}
        self._numbers = itertools.count(1)

    async def played(self) -> None:
        """Plays the schedule to its end; raises `AssertionError` for what breaks an invariant."""
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        schedule = self.schedule
        await self.money.open_account(ACCOUNT, 1_000)
        await self.money.credit(ACCOUNT, schedule.balance_nanousd, once="start", now_s=self.faults.now_s())
        if schedule.newer:
            newer.leave(self.api)
        await asyncio.gather(
            *(self._client(asked) for asked in schedule.requests),
            *(self.jobs.live(order, f"gen_{self._new_id()}", self._key()) for order in schedule.jobs),
            self._sweep_beside(),
            self._sum_up_beside(),
            self._begin_count(),
        )
        await asyncio.sleep(QUIET_S)
        if schedule.swept_first:
            await self._swept(2_000.0)
        await self._deliver(self.api.messages)
        await self._clean_up()
        self._judge()
        await self._judge_jobs()

    async def _clean_up(self) -> None:
        """Lets all that is left over come to its end; from here on nothing fails."""
        await asyncio.sleep(QUIET_S)
        self.faults.over = True
        if self.schedule.same_key:
            self.faults.turned_s += FUNCTION_S * 2
            await self._client(replace(self.schedule.requests[0], at_s=0.0, skew_s=0.0))
        await self.jobs.end()
        for messages in (self.api.messages, self.api.messages[::-1]):
            await self._deliver(messages)
        for _ in range(2):
            await self._swept(LONG_AFTER_S)

    def _written(self) -> None:
        """Checks the books just after a write."""
        look = self.api.look(ACCOUNT)
        if look is None or self.broken is not None:
            return
        try:
            check(look, self._entries)
            check_usage(self.api.usage(ACCOUNT), look.entries)
            self._check_cap(look)
        except AssertionError as error:
            self.broken = str(error) or "an invariant"
        self._entries = look.entries
        self._amounts |= {hold.hold_id: hold.amount_nanousd for hold in look.holds}

    def _check_cap(self, look: AccountSnapshot) -> None:
        """Raises if a key that always had its cap has spent and holds more, but for what came after the sweeper."""
        if not all(asked.capped for asked in self.schedule.requests) or self.schedule.jobs:
            return
        late = sum(entry.charge.cost_nanousd for entry in look.entries if entry.late and entry.charge)
        spent = look.key_spent.get(KEY, 0)
        assert spent <= self.schedule.cap_nanousd + late, ("the cap", spent, self.schedule.cap_nanousd, late)

    async def _in_process(self, skew_s: float, work: Callable[[Process], Awaitable[Any]]) -> Process:
        """Runs work in a process of its own; raises what neither a client nor a caller would be told."""
        process = Process(skew_s)

        async def working() -> None:
            PROCESS.set(process)
            await work(process)

        process.serving = asyncio.create_task(working())
        await asyncio.wait({process.serving})
        error = None if process.serving.cancelled() else process.serving.exception()
        if isinstance(error, Exception) and not process.dead:
            unforeseen = not isinstance(error, GatewayError) or type(error) is GatewayError
            known = isinstance(error, ProviderBusy)
            assert known or not unforeseen, f"unforeseen: {error!r}"
        return process

    def _new_id(self) -> str:
        return hold_id_at(self.faults.now_s(), next(self._numbers))

    def _key(self, *, capped: bool = False) -> KeyRecord:
        schedule = self.schedule
        return KeyRecord(
            key_id=KEY, account_id=ACCOUNT, name="a", last4="aaaa", created_at_s=0,
            monthly_spend_cap_nanousd=schedule.cap_nanousd if capped else None, alert_webhook_url="https://a.test/told",
            tpm_limit=schedule.tpm_limit, max_parallel=schedule.max_parallel, user_rpm_limit=100,
        )  # fmt: skip

    async def _client(self, asked: Asked) -> None:
        """Sends one request; under an Idempotency-Key it is sent again while it is in progress or was cut off."""
        await asyncio.sleep(asked.at_s)
        for _ in range(CLIENT_TRIES if self.schedule.same_key else 1):
            served, wait_s = await self._try(asked)
            if served.answer is not None or wait_s is None:
                return
            await asyncio.sleep(wait_s)

    async def _try(self, asked: Asked) -> tuple[Served, float | None]:
        """One try, and the seconds after which its client tries again."""
        body = body_of(asked)
        served = Served(asked, "", Process(), Provider(asked, self.faults), orjson.dumps(body))
        waits: list[float] = []

        async def work(process: Process) -> None:
            served.process = process
            try:
                await self._serve(served, ProcessClock(self.faults, process))
            except Conflict as conflict:
                waits.append(float(conflict.retry_after_s or 1))
            finally:
                served.ended_s = asyncio.get_running_loop().time()

        self.served.append(served)
        process = await self._in_process(asked.skew_s, work)
        return served, waits[0] if waits else (1.0 if process.dead else None)

    async def _serve(self, served: Served, clock: ProcessClock) -> None:
        asked, money = served.asked, SteppedMoney(self.api, "accounts", "ledger")
        pipeline = Pipeline(
            providers=ProviderClient(served.provider, served.provider, UpstreamTimeouts(2, 60, 60)),
            billing=Billing(money, SqsDeferredSettlements(self.api, "queue"), clock),
            clock=clock,
            limits=Limits(120.0, 10.0),
            health=_hedging_soon(clock) if asked.hedged else None,
            hedging=HedgeRules(frozenset({"*"}), share=1e9) if asked.hedged else None,
        )
        pipeline._attempts.billed(10**9)
        now_s = clock.now_s()
        principal = Principal(ACCOUNT, self._key(capped=asked.capped))
        inbound = InboundRequest(principal, served.body, "req", now_s + FUNCTION_S)
        operation = ChatOperation(openai_chat.CLIENT, CATALOG, Vault(MemorySignatures(), clock))
        served.hold_id = hold_id_at(now_s, next(self._numbers))
        context = served.context = pipeline.open(operation, inbound, hold_id=served.hold_id)

        async def produce() -> Answer:
            await pipeline.admit(context)
            if not asked.stream:
                return Answer(200, {}, await pipeline.answer(context))
            recording = Recording(Client(self.faults))
            await pipeline.stream(context, recording)
            return Answer(context.outcome_status, {}, recording.body)

        async def disown(hold_id: str) -> None:
            await disown_hold(money, clock, ACCOUNT, hold_id)

        keyed = keyed_request("one", ACCOUNT, "POST", "/v1/chat/completions", "application/json", served.body)
        ring = Idempotency(Through(self.records, self.faults), Through(self.objects, self.faults), clock)
        attempt = Attempt(served.hold_id, pipeline.over_by_s(context), produce, disown)
        answer = await ring.run(keyed if self.schedule.same_key else None, attempt)
        if answer.status == 200:
            served.answer, served.replayed = answer.body, REPLAYED in answer.headers

    async def _sweep_beside(self) -> None:
        if self.schedule.sweep_at_s is not None:
            await asyncio.sleep(self.schedule.sweep_at_s)
            await self._swept(self.schedule.sweep_ahead_s)

    async def _swept(self, ahead_s: float) -> None:
        async def work(process: Process) -> None:
            STEP.set("sweep")
            await sweep(self.money, ProcessClock(self.faults, process).now_s())

        await self._in_process(ahead_s, work)

    async def _sum_up_beside(self) -> None:
        """Sums usage up twice, by processes that do not know of one another."""
        schedule = self.schedule
        if schedule.summed_at_s is None:
            return

        async def work(process: Process) -> None:
            STEP.set("sum_up")
            sums = UsageSums(MoneyTables(self.api, "accounts", "ledger"))
            until_s = ProcessClock(self.faults, process).now_s() + schedule.summed_ahead_s
            await sums.sum_up(ACCOUNT, until_s, at_least=1)

        for _ in range(2):
            await asyncio.sleep(schedule.summed_at_s)
            await self._in_process(0.0, work)

    async def _begin_count(self) -> None:
        if self.schedule.cap_set_at_s is None:
            return
        await asyncio.sleep(self.schedule.cap_set_at_s)

        async def work(process: Process) -> None:
            now_s = ProcessClock(self.faults, process).now_s()
            await SteppedMoney(self.api, "accounts", "ledger").track_spend(ACCOUNT, KEY, now_s)

        process = await self._in_process(0.0, work)
        self.counted = not process.dead and process.serving is not None and _succeeded(process.serving)

    async def _deliver(self, messages: list[str]) -> None:
        """Delivers the queue's messages in one batch; they all come again at the end."""
        records = [{"messageId": str(number), "body": body} for number, body in enumerate(messages)]

        async def work(process: Process) -> None:
            STEP.set("queue")
            await settle_batch(self.money, ProcessClock(self.faults, process), {"Records": records})

        if records:
            await self._in_process(0.0, work)

    def _judge(self) -> None:
        look = self.api.look(ACCOUNT)
        assert self.broken is None, self.broken
        assert (look.holds, look.held_nanousd) == ((), 0), look
        # Nothing stays reserved: no lease, and of the minute's tokens at most those that were charged for.
        assert not any(look.leases.values()), look
        used = sum(entry.charge.usage.total for entry in look.entries if entry.charge and not entry.late)
        assert all(0 <= tokens <= used for tokens in look.key_tokens.values()), look
        assert not [key for key in self.api.tables["ledger"].items if key[0] == ACCOUNT and key[1].startswith("hold#")]
        if self.schedule.newer:
            newer.check(self.api)
        # A hold belongs to the month of its id, which a wrong clock may have named otherwise.
        if self.counted and not self.faults.met_any(CLOCKS) and not any(one.asked.skew_s for one in self.served):
            check_count(look, KEY)
        sent = [one for one in self.served if one.hold_id]
        lossy = any(place.endswith("SendMessage") for place, _ in self.faults.met)
        exact = not self.faults.met_any(DISOWNING) and not any(one.asked.skew_s for one in sent)
        for one in sent:
            if not self.schedule.same_key or exact:
                check_try(one, look, self._amounts, lossy=lossy)
            check_within_hold(one, look, self._amounts)
            if Fault.SLOW not in {fault for _, fault in self.faults.met}:
                check_end(one)
        if self.schedule.same_key and sent:
            check_one_key(sent, look, self._amounts, exact=exact and not lossy)

    async def _judge_jobs(self) -> None:
        """Raises unless each job that has succeeded was paid, once, and no other was."""
        look = self.api.look(ACCOUNT)
        for job_id in self.jobs.providers:
            hold_id = job_id.removeprefix("gen_")
            job = await self.jobs.table.get(job_id)
            assert job is None or job.status.terminal, job
            due = COST if job is not None and job.status is JobStatus.SUCCEEDED else 0
            paid = paid_for(look, hold_id)
            assert paid == due, ("a job", job, "paid", paid, [one for one in look.entries if one.hold_id == hold_id])


class _Paces(dict[str, float]):
    """One time for every target."""

    def get(self, *_: object) -> float:
        return HEDGED_AFTER_S


def _hedging_soon(clock: ProcessClock) -> Health:
    """The health of a process that was told that every target is late after a moment."""
    health = Health(clock)
    health.paces = _Paces()
    return health


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None


def body_of(asked: Asked) -> dict[str, Any]:
    """The body of a generation's request."""
    body = {"model": asked.model, "stream": asked.stream, "messages": [{"role": "user", "content": "Hello"}]}
    body |= {"max_completion_tokens": 400} if asked.bounded else {}
    return body | ({"models": [FALLBACK]} if asked.falls_back else {})
