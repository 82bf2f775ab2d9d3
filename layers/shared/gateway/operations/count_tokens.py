"""Counts the tokens of a prompt without answering it; counting is free and holds nothing."""

from __future__ import annotations

from functools import partial

from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.estimate import estimated_input_tokens
from gateway.canonical.request import ChatRequest
from gateway.errors import CredentialRefused, ProviderKeyRefused
from gateway.operations.chat import provider_of, speaks, target_of
from gateway.operations.provider_state import keeping_state, refuse_provider_state
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.catalog import Catalog
from gateway.ports.clock import Clock
from gateway.routing.planning import plan


class TokenCounter(Struct, frozen=True):
    """Asks the provider that would serve the prompt, where it counts; else estimates."""

    catalog: Catalog[ChatModel]
    providers: ProviderClient
    clock: Clock

    async def count(self, principal: Principal, request: ChatRequest) -> int:
        """The prompt's tokens; raises what the provider refuses."""
        if not principal.own_keys:
            refuse_provider_state(request)
        planned = plan(request, self.catalog, principal)
        candidate = keeping_state(request, planned, partial(speaks, request)).candidates[0]
        provider = provider_of(candidate, request)
        found = await self.providers.choice(candidate, principal)
        if not found:
            return estimated_input_tokens(request)
        credential = await self.providers.ready(provider.name, found[0])
        credential = provider.located(credential, candidate.target.region)
        asked = provider.count_request(request, target_of(candidate), credential, self.clock.now_s())
        if asked is None:
            return estimated_input_tokens(request)
        answer = await self.providers.ask(asked)
        if answer.status != 200:
            error = provider.codec.decode_error(answer.status, answer.headers, answer.body)
            if candidate.own is not None and isinstance(error, CredentialRefused):
                raise ProviderKeyRefused(candidate.target.provider)
            raise error
        return provider.decode_count(answer.body)
