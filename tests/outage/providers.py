"""Simulates three providers of one model on virtual time, each in one of the ways in which providers fail.

A provider's answer is made of words that name its request and their own place, so that a lost or a doubled one shows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

import orjson

from gateway.errors import UpstreamError, UpstreamTimeout
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamTimeouts
from tests.app.harness import completion, delta, usage

WORDS = 8
FIRST_WORD_S, WORD_S, SLOW_S = 0.4, 0.05, 300.0
RETRY_AFTER_S = 20
PROMPT_TOKENS = 12


class Trouble(StrEnum):
    """One way in which a provider fails its requests."""

    NONE = "well"
    DOWN = "down"
    UNREACHABLE = "unreachable"
    SLOW = "slow"
    CUT_BEFORE = "cut before content"
    CUT_AFTER = "cut after content"
    ERROR_IN_200 = "200 with an error"
    GARBAGE = "200 with garbage"
    EMPTY = "200 with nothing"
    LIMITED = "one key limited"
    REFUSED = "one key refused"


def words(request: str) -> list[str]:
    """The answer to a request, a word in each piece."""
    return [f"{request}.{place} " for place in range(WORDS)]


@dataclass
class Provider:
    """One provider. `trouble` holds between `from_s` and `until_s`; `asked_s` has the times of all requests by key."""

    name: str
    trouble: Trouble = Trouble.NONE
    from_s: float = 0.0
    until_s: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    cancelled: int = 0

    def now(self, key: str) -> Trouble:
        """The trouble that a request with this key meets now."""
        at_s = asyncio.get_running_loop().time()
        if not self.from_s <= at_s < self.until_s:
            return Trouble.NONE
        if self.trouble in {Trouble.LIMITED, Trouble.REFUSED} and key != f"{self.name}-a":
            return Trouble.NONE
        return self.trouble


class Providers:
    """`Credentials` and `Upstream` of all providers."""

    def __init__(self, providers: Sequence[Provider], *, keys: int = 1) -> None:
        self.by_name = {provider.name: provider for provider in providers}
        self._keys = keys

    async def of(self, provider: str) -> list[Credential]:
        ids = "abc"[: self._keys]
        found = provider in self.by_name
        return [Credential(f"{provider}-{each}", f"http://{provider}.test", id=each) for each in ids] if found else []

    async def ready(self, provider: str, credential: Credential) -> Credential:
        del provider
        return credential

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        del url, patience

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> Answer:
        key = dict(request.headers)["authorization"].removeprefix("Bearer ")
        provider = self.by_name[key.rpartition("-")[0]]
        provider.asked.append((asyncio.get_running_loop().time(), key))
        trouble, body = provider.now(key), orjson.loads(request.body)
        if trouble is Trouble.UNREACHABLE:
            raise UpstreamError("The provider could not be reached.")
        if trouble is Trouble.SLOW:
            try:
                await asyncio.sleep(min(SLOW_S, patience.first_byte_s))
            except asyncio.CancelledError:
                provider.cancelled += 1
                raise
            raise UpstreamTimeout("The provider did not answer in time.")
        return Answer(provider, trouble, body)


class Answer:
    """One answer of a provider, on its way."""

    status: int
    headers: Mapping[str, str]

    def __init__(self, provider: Provider, trouble: Trouble, body: Mapping[str, Any]) -> None:
        self._trouble = trouble
        messages = body["messages"]
        self._words = words(messages[0]["content"])
        self._provider = provider
        self.status, self.headers = 200, {}
        if trouble is Trouble.DOWN:
            self.status = 500
        if trouble is Trouble.REFUSED:
            self.status = 401
        if trouble is Trouble.LIMITED:
            self.status, self.headers = 429, {"retry-after": str(RETRY_AFTER_S)}

    async def read(self) -> bytes:
        if self.status != 200 or self._trouble is Trouble.ERROR_IN_200:
            return b'{"error": {"message": "It failed.", "type": "server_error"}}'
        await asyncio.sleep(FIRST_WORD_S + WORD_S * WORDS)
        if self._trouble in {Trouble.CUT_BEFORE, Trouble.CUT_AFTER}:
            raise UpstreamError("The provider's answer was cut off.")
        if self._trouble is Trouble.NONE:
            return completion("".join(self._words), PROMPT_TOKENS, WORDS)
        return b"<html>" if self._trouble is Trouble.GARBAGE else b""

    async def chunks(self) -> AsyncIterator[bytes]:
        if self._trouble in {Trouble.ERROR_IN_200, Trouble.GARBAGE, Trouble.EMPTY}:
            yield await self.read()
            return
        yield _event(delta(""))
        await asyncio.sleep(FIRST_WORD_S)
        if self._trouble is Trouble.CUT_BEFORE:
            raise UpstreamError("The provider's answer was cut off.")
        for place, word in enumerate(self._words):
            if place == WORDS // 2 and self._trouble is Trouble.CUT_AFTER:
                raise UpstreamError("The provider's answer was cut off.")
            yield _event(delta(word))
            await asyncio.sleep(WORD_S)
        yield _event(delta(finish="stop")) + _event(usage(PROMPT_TOKENS, WORDS)) + b"data: [DONE]\n\n"

    async def aclose(self) -> None:
        return


def _event(value: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def gaps(provider: Provider, from_s: float, until_s: float) -> list[float]:
    """The times between the provider's requests within a span."""
    times = [at_s for at_s, _ in provider.asked if from_s <= at_s < until_s]
    return [later - earlier for earlier, later in pairwise(times)]


def by_key(provider: Provider, from_s: float, until_s: float) -> Counter[str]:
    """The provider's requests within a span, by key."""
    return Counter(key for at_s, key in provider.asked if from_s <= at_s < until_s)
