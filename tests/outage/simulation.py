"""Serves many requests by the real pipeline while one of three providers is in trouble, and counts what came of them.

Requests come at an even pace to several processes, which share what they know of targets as they do in AWS. Every
second one is a stream.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from statistics import mean

import orjson

from gateway.auth.principal import Principal
from gateway.canonical.money import EntryKind
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import parse
from gateway.errors import GatewayError
from gateway.ledger.money import parse_usd
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
from tests.app.harness import Deferred
from tests.fakes.health import MemoryHealth
from tests.fakes.money import MemoryMoney
from tests.fakes.signatures import MemorySignatures
from tests.fakes.sinks import Received
from tests.outage.providers import Provider, Providers, Trouble, words
from tests.virtual_time import LoopClock, run

NAMES = ("openai", "groq", "together")
PRICES = (("1", "2"), ("2", "4"), ("4", "8"))
PROCESSES, PER_SECOND = 4, 5.0
ACCOUNT = "acct_outage"
MODEL = {
    "id": "thrice",
    "owned_by": "openai",
    "created": 1_760_000_000,
    "context_window": 1_000,
    "max_output_tokens": 100,
    "input": ["text"],
    "capabilities": ["tools"],
    "profile": "openai_gpt",
    "price": {"input": "1", "output": "2"},
    "targets": [
        {
            "provider": name,
            "upstream_model": "thrice",
            "price": {"input": price[0], "output": price[1]},
            "latency_ms": 400,
            "throughput_tps": 20,
        }
        for name, price in zip(NAMES, PRICES, strict=True)
    ],
}
CATALOG = parse(CHAT_MODELS, {"price_version": "2026-01-01", "models": [MODEL]}, KNOWN)


@dataclass(frozen=True, slots=True)
class Setting:
    """One simulation: `share_from` and `share_until` are the parts of its time between which there is trouble."""

    trouble: Trouble
    requests: int = 500
    fallbacks: bool = True
    keys: int = 1
    share_from: float = 0.1
    share_until: float = 0.6
    hedging: HedgeRules | None = None

    @property
    def from_s(self) -> float:
        return self.requests / PER_SECOND * self.share_from

    @property
    def until_s(self) -> float:
        return self.requests / PER_SECOND * self.share_until


@dataclass
class Result:
    """The result of a simulation; `wrong` holds texts that are not the beginning of what was asked for."""

    served: int = 0
    cut: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    # Of each request that was served, its beginning and how long it took.
    begun_s: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    told_nanousd: int = 0
    charged_nanousd: int = 0
    charges: int = 0
    providers: dict[str, Provider] = field(default_factory=dict)
    store: MemoryHealth = field(default_factory=MemoryHealth)

    @property
    def share(self) -> float:
        """The share of requests that were served."""
        return self.served / (self.served + self.cut + sum(self.failed.values()))

    def row(self, name: str) -> str:
        """One line of the table."""
        cost_usd = self.told_nanousd / max(1, self.served) / 1e9
        slow_s = sorted(self.latencies_s)[int(len(self.latencies_s) * 0.99)] if self.latencies_s else 0.0
        mean_s = mean(self.latencies_s) if self.latencies_s else 0.0
        return f"{name:<44}{self.share:>9.2%}{mean_s:>9.2f}{slow_s:>9.2f}{cost_usd:>12.8f}{self.cut:>6}"


HEAD = f"{'':<44}{'served':>9}{'mean s':>9}{'99 % s':>9}{'USD each':>12}{'cut':>6}"


def simulated(setting: Setting) -> Result:
    """Runs a simulation on a virtual clock."""
    logging.disable(logging.CRITICAL)
    try:
        return run(_Simulation(setting).played())
    finally:
        logging.disable(logging.NOTSET)


class _Simulation:
    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        first = Provider(NAMES[0], setting.trouble, setting.from_s, setting.until_s)
        everything = [first, *(Provider(name) for name in NAMES[1:])]
        self.result = Result(providers={provider.name: provider for provider in everything})
        self.providers = Providers(everything, keys=setting.keys)
        self.money = MemoryMoney()

    async def played(self) -> Result:
        clock = LoopClock()
        await self.money.open_account(ACCOUNT, rpm_limit=10**9)
        await self.money.credit(ACCOUNT, 10**14, once="start", now_s=clock.now_s() - 1)
        processes = [self._process(clock) for _ in range(PROCESSES)]
        asking = []
        for number in range(self.setting.requests):
            asking.append(asyncio.create_task(self._ask(processes[number % PROCESSES], clock, number)))
            await asyncio.sleep(1 / PER_SECOND)
        await asyncio.gather(*asking)
        look = await self.money.read_account(ACCOUNT)
        assert look is not None
        assert (look.balanced, look.holds) == (True, ())
        charges = [entry for entry in look.entries if entry.kind is EntryKind.CHARGE]
        self.result.charges = len({entry.hold_id for entry in charges})
        assert self.result.charges == len(charges)
        self.result.charged_nanousd = -sum(entry.amount_nanousd for entry in charges)
        return self.result

    def _process(self, clock: LoopClock) -> Pipeline:
        return Pipeline(
            providers=ProviderClient(self.providers, self.providers, UpstreamTimeouts(5, 300, 300)),
            billing=Billing(self.money, Deferred(), clock),
            clock=clock,
            limits=Limits(120.0, 10.0),
            health=Health(clock, self.result.store),
            hedging=self.setting.hedging,
        )

    async def _ask(self, pipeline: Pipeline, clock: LoopClock, number: int) -> None:
        """Sends one request, and compares what its client gets with what it asked for."""
        stream, asked, begun_s = bool(number // PROCESSES % 2), f"r{number}", clock.monotonic_s()
        body = {"model": "thrice", "stream": stream, "messages": [{"role": "user", "content": asked}]}
        body |= {"provider": {"allow_fallbacks": self.setting.fallbacks}}
        principal = Principal(ACCOUNT, KeyRecord("key", ACCOUNT, "k", "kkkk", 0, rpm_limit=10**9))
        inbound = InboundRequest(principal, orjson.dumps(body), "req", clock.now_s() + 900)
        operation = ChatOperation(openai_chat.CLIENT, CATALOG, Vault(MemorySignatures(), clock))
        context, client = pipeline.open(operation, inbound), Received()
        text = ""
        try:
            await pipeline.admit(context)
            if stream:
                await pipeline.stream(context, client)
            else:
                text = orjson.loads(await pipeline.answer(context))["choices"][0]["message"]["content"]
        except GatewayError as error:
            context.error = error
        self._judge(asked, text or _text(client.received), context.error)
        if context.error is None:
            self.result.begun_s.append(begun_s)
            self.result.latencies_s.append(clock.monotonic_s() - begun_s)
        if context.extension is not None:
            self.result.told_nanousd += parse_usd(context.extension.cost_usd)

    def _judge(self, asked: str, text: str, error: GatewayError | None) -> None:
        expected = "".join(words(asked))
        if not expected.startswith(text) or (error is None and text != expected):
            self.result.wrong.append(text)
        if error is None:
            self.result.served += 1
        elif text:
            self.result.cut += 1
        else:
            self.result.failed[f"{error.status} {error.code}"] += 1


def _text(received: bytes) -> str:
    events = (line[6:] for line in received.split(b"\n") if line.startswith(b"data: {"))
    choices = (choice for event in events for choice in orjson.loads(event).get("choices", []))
    return "".join(choice["delta"].get("content") or "" for choice in choices)
