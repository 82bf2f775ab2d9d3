"""Asks a provider whether it takes an account's key: the least request that shows it, at the row's own address.

Where the provider counts prompts, one is counted, which is free; else the cheapest model of the catalog answers a word.
What the provider says is told in our words alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.chat_models import ChatModel, ListPrice
from gateway.canonical.models import ModelTarget
from gateway.canonical.parts import Message, Text
from gateway.canonical.request import ChatRequest
from gateway.canonical.target import Target
from gateway.errors import CredentialRefused, GatewayError, UpstreamError, UpstreamOverloaded, UpstreamTimeout
from gateway.ledger.money import parse_usd
from gateway.ports.clock import Clock
from gateway.ports.upstream import Credential, Upstream, UpstreamRequest, UpstreamTimeouts
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.chat.registry import PROVIDERS, Provider

# Shorter than the 29 s of API Gateway by what is around it.
TEST_S = 15.0
TIMEOUTS = UpstreamTimeouts(connect_s=5.0, first_byte_s=TEST_S, idle_s=TEST_S)
# The least bound that all wires take.
WORD_TOKENS = 16
REFUSED = "The provider refused the key."
BUSY = "The provider is overloaded, or the key's quota or credit is used up."
LATE = "The provider did not answer in time."
UNKNOWN = "The provider could not be asked with this key."


class Verdict(Struct, frozen=True):
    """The outcome of a test: `reason` says why a key is not verified, `refused` that the provider does not take it."""

    verified: bool
    reason: str | None = None
    refused: bool = False


class KeyTester(Struct, frozen=True):
    """Tests keys of chat providers. `models` are those of the catalog, `urls` stand in for providers' own addresses."""

    models: Iterable[ChatModel]
    upstream: Upstream
    clock: Clock
    urls: Mapping[str, str] = field(default_factory=dict)

    async def verdict(self, provider: str, credential: Credential) -> Verdict:
        """The provider's word on a key; a provider that cannot be asked leaves it unverified."""
        try:
            async with asyncio.timeout(TEST_S):
                return await self._asked(PROVIDERS[provider], replace(credential, base_url=self.urls.get(provider)))
        except (TimeoutError, UpstreamTimeout):
            return Verdict(verified=False, reason=LATE)
        except UpstreamOverloaded:
            return Verdict(verified=False, reason=BUSY)
        except CredentialRefused:
            return Verdict(verified=False, reason=REFUSED, refused=True)
        except GatewayError:
            return Verdict(verified=False, reason=UNKNOWN)

    async def _asked(self, row: Provider, credential: Credential) -> Verdict:
        request, row = self._least(row, credential)
        response = await self.upstream.send(request, TIMEOUTS)
        try:
            body = await response.read()
        finally:
            await response.aclose()
        if response.status != 200:
            raise row.codec.decode_error(response.status, response.headers, body)
        return Verdict(verified=True)

    def _least(self, row: Provider, credential: Credential) -> tuple[UpstreamRequest, Provider]:
        """The cheapest request that shows whether the key is taken, and the row whose wire it speaks."""
        model, target = self._cheapest(row.name)
        asked = ChatRequest(
            protocol="",
            model=model.id,
            messages=(Message("user", (Text("Hi"),)),),
            source=b"",
            max_output_tokens=WORD_TOKENS,
        )
        to = Target(target.upstream_model, PROFILES[target.profile], model.max_output_tokens, model.context_window)
        located, now_s = row.located(credential, target.region), self.clock.now_s()
        rows = {one.wire: one for one in (row, *row.others)}
        for speaking in (rows[wire] for wire in target.wires or rows):
            counting = speaking.count_request(asked, to, located, now_s)
            if counting is not None:
                return counting, speaking
        speaking = row.speaking("", target.wires)
        return speaking.request(asked, to, located, now_s), speaking

    def _cheapest(self, provider: str) -> tuple[ChatModel, ModelTarget[ListPrice]]:
        found = [(model, one) for model in self.models for one in model.targets if one.provider == provider]
        if not found:
            raise UpstreamError("The catalog has no model of this provider.", retryable=False)
        return min(found, key=lambda pair: parse_usd(pair[1].price.output))
