"""Builds the counting of prompts, apart from `wiring.chat` since few requests need it."""

from __future__ import annotations

from functools import cache

from gateway.auth.principal import Principal
from gateway.canonical.codec import ClientCodec
from gateway.canonical.file_ids import MARK
from gateway.operations.count_tokens import TokenCounter
from gateway.wiring.chat import CATALOG, inputs
from gateway.wiring.process import process
from gateway.wiring.providers import provider_client


async def with_files(principal: Principal, body: bytes, wire: ClientCodec) -> bytes:
    """The body with the uploaded files that it names: they are counted as a part of the prompt."""
    if body.find(MARK) < 0:
        return body
    from gateway.operations import file_inputs  # noqa: PLC0415  # few requests name files

    return await file_inputs.with_files(body, wire, principal.account_id, inputs()) or body


@cache
def token_counter() -> TokenCounter:
    """Counts prompts."""
    return TokenCounter(CATALOG, provider_client(), process().clock)
