"""Builds accounts' own keys of providers: their management, and their use."""

from __future__ import annotations

from functools import cache

from gateway.accounts.provider_key_test import KeyTester
from gateway.accounts.provider_keys import ProviderKeys
from gateway.stores.aws.kms import KmsDataKeys
from gateway.stores.keys.provider_keys import DynamoProviderKeys
from gateway.upstream.provider import HttpUpstream
from gateway.wiring.chat import CATALOG
from gateway.wiring.key_store import key_store
from gateway.wiring.process import process


@cache
def provider_keys() -> ProviderKeys:
    """Accounts' own keys of providers, to be managed."""
    on, chosen = process(), process().settings
    return ProviderKeys(
        DynamoProviderKeys(on.aws, chosen.provider_keys_table),
        key_store(),
        KmsDataKeys(on.aws, chosen.provider_keys_key),
        KeyTester(CATALOG.models(), HttpUpstream(on.client, on.clock), on.clock, chosen.provider_urls),
        on.clock,
    )
