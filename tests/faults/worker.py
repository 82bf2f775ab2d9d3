"""A real process of the campaign on DynamoDB Local: it serves generations by the real pipeline until it is killed.

What its clients ask and get, and its queue, are lines of files, each appended by one write, so that they outlive it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from gateway.auth.principal import Principal
from gateway.canonical.money import Charge, Hold
from gateway.errors import GatewayError
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import parse_usd
from gateway.operations.chat import ChatOperation
from gateway.pipeline.charge import Billing
from gateway.pipeline.operation import InboundRequest
from gateway.pipeline.pipeline import Limits, Pipeline
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.keys import KeyRecord
from gateway.ports.upstream import UpstreamTimeouts
from gateway.protocols import openai_chat
from gateway.signatures import Vault
from gateway.stores.aws.deferred_settlements import message_of
from gateway.stores.money.store import DynamoMoney
from gateway.stores.money.sweep import sweep
from gateway.transport import Client as HttpClient
from tests.fakes.signatures import MemorySignatures
from tests.faults.faults import PROCESS, Faults, Process
from tests.faults.judge import OFFERS, Served, due
from tests.faults.provider import LONG, LONG_OUTPUT, OUTPUT, SHORT, Provider
from tests.faults.schedule import Asked
from tests.faults.world import CATALOG, FUNCTION_S, body_of
from tests.money.stores import WallClock, local_api

ACCOUNT, KEY = "acct_killed", "key_k"
ENDINGS = ("whole", "whole", "whole", "cut", "no usage", "refused")
AT_ONCE = 3
# A sweeper whose clock is so far ahead ends the holds of requests that still run; their ends are late ones.
AHEAD_S = 2_000.0


@dataclass(frozen=True, slots=True)
class Place:
    """The place that the processes share: DynamoDB Local, its tables, and a folder of files."""

    endpoint: str
    accounts: str
    ledger: str
    folder: str

    def money(self, client: HttpClient) -> DynamoMoney:
        """The money of a process with this HTTP client."""
        return DynamoMoney(local_api(client, self.endpoint), self.accounts, self.ledger)

    def note(self, name: str, line: bytes) -> None:
        """Appends a line to a file, whole or not at all."""
        file = os.open(Path(self.folder) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line + b"\n")
        os.close(file)

    def step(self, process: int) -> None:
        """Notes that a process is about to begin something."""
        self.note(f"steps-{process}", b"")

    def steps(self, process: int) -> int:
        """The number of things that a process has begun."""
        path = Path(self.folder) / f"steps-{process}"
        return path.stat().st_size if path.exists() else 0

    def notes(self, name: str) -> list[bytes]:
        """The lines of a file."""
        path = Path(self.folder) / name
        return path.read_bytes().splitlines() if path.exists() else []


@dataclass
class FileQueue:
    """The queue of settlements."""

    place: Place

    async def put(self, hold: Hold, charge: Charge | None) -> None:
        self.place.note("queue", message_of(hold, charge).encode())


@dataclass
class Client:
    """A client that reads a stream."""

    committed: bool = False

    def announce(self, headers: Mapping[str, str]) -> None:
        del headers

    async def write(self, data: bytes) -> None:
        self.committed = self.committed or bool(data)


def served(place: Place, process: int, seed: int) -> None:
    """The main function of a process that serves."""
    logging.disable(logging.CRITICAL)
    asyncio.run(_serve(place, process, random.Random(seed)))


def swept(place: Place, process: int, _seed: int) -> None:
    """The main function of a process that sweeps."""
    logging.disable(logging.CRITICAL)
    asyncio.run(_sweep(place, process))


async def _sweep(place: Place, process: int) -> None:
    money = place.money(HttpClient())
    while True:
        place.step(process)
        await sweep(money, WallClock().now_s() + AHEAD_S)
        await asyncio.sleep(0.05)


async def _serve(place: Place, process: int, chance: random.Random) -> None:
    PROCESS.set(Process())
    money, faults, numbers = place.money(HttpClient()), Faults([], over=True), itertools.count(chance.randrange(2**39))

    async def clients() -> None:
        while True:
            place.step(process)
            await _ask(place, money, _drawn(chance), next(numbers), faults)

    await asyncio.gather(*(clients() for _ in range(AT_ONCE)))


def _drawn(chance: random.Random) -> Asked:
    return Asked(
        stream=chance.random() < 0.7,
        bounded=chance.random() < 0.3,
        ending=chance.choice(ENDINGS),
        long=chance.random() < 0.4,
        pause_s=chance.choice((0.001, 0.01, 0.05)),
        cut_at=chance.random(),
        capped=chance.random() < 0.5,
    )


async def _ask(place: Place, money: DynamoMoney, asked: Asked, number: int, faults: Faults) -> None:
    """Sends one request, and notes what its client gets."""
    clock, body = WallClock(), orjson.dumps(body_of(asked))
    now_s = clock.now_s()
    one = Served(asked, hold_id_at(now_s, number), PROCESS.get(), Provider(asked, faults), body)
    place.note("asked", orjson.dumps({"hold_id": one.hold_id, "most": _most(asked, len(body))}))
    pipeline = Pipeline(
        providers=ProviderClient(one.provider, one.provider, UpstreamTimeouts(2, 60, 60)),
        billing=Billing(money, FileQueue(place), clock, checkpoint_s=0.02),
        clock=clock,
        limits=Limits(120.0, 10.0),
    )
    inbound = InboundRequest(Principal(ACCOUNT, _key(asked)), body, "req", now_s + FUNCTION_S)
    operation = ChatOperation(openai_chat.CLIENT, CATALOG, Vault(MemorySignatures(), clock))
    context = one.context = pipeline.open(operation, inbound, hold_id=one.hold_id)
    try:
        await pipeline.admit(context)
        await (pipeline.stream(context, Client()) if asked.stream else pipeline.answer(context))
    except GatewayError as refused:
        # A refusal of the account, or the answer's failure; its money is judged like that of the others.
        if type(refused) is GatewayError:
            raise
    if context.extension is not None:
        allowed = due(one)
        told = parse_usd(context.extension.cost_usd)
        place.note("told", orjson.dumps([one.hold_id, told, allowed.least, allowed.most]))


def _key(asked: Asked) -> KeyRecord:
    cap = 1_000_000_000_000 if asked.capped else None
    many = 10**6
    return KeyRecord(
        KEY, ACCOUNT, "k", "kkkk", 0, rpm_limit=many, tpm_limit=many * 1_000, max_parallel=500,
        monthly_spend_cap_nanousd=cap,
    )  # fmt: skip


def _most(asked: Asked, body_bytes: int) -> int:
    """The most that the request may cost, whenever its process dies."""
    text, tokens = (LONG, LONG_OUTPUT) if asked.long else (SHORT, OUTPUT)
    return OFFERS[asked.model].price((body_bytes, max(tokens, -(-len(text) // 3))))
