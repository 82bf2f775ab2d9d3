"""Provider keys in a process's own memory, sealed under data keys that only their context unwraps."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from msgspec.json import encode

from gateway.accounts.provider_key_seal import sealed_credential
from gateway.accounts.provider_key_test import KeyTester
from gateway.accounts.provider_keys import ProviderKeys
from gateway.accounts.refusals import no_provider_key, provider_key_changed, provider_key_exists
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.errors import ServiceUnavailable
from gateway.ports.clock import Clock
from gateway.ports.keys import KeyStore
from gateway.ports.provider_keys import DataKey, DataKeys, Mode, ProviderKey
from gateway.ports.upstream import Credential, Upstream, UpstreamRequest, UpstreamTimeouts
from gateway.providers.chat.registry import KNOWN
from gateway.stores.aws.client import STORE_DOWN

CATALOG = load(CHAT_MODELS, KNOWN)


# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
ITEM_BYTES_MAX = 400 * 1024


class MemoryProviderKeys:
    """`ProviderKeyStore` in a dictionary. A key that no item could hold is refused as DynamoDB refuses it."""

    def __init__(self) -> None:
        self.keys: dict[tuple[str, str], ProviderKey] = {}
        self.reads = 0

    async def all(self, account_id: str) -> Sequence[ProviderKey]:
        self.reads += 1
        return [key for (owner, _), key in sorted(self.keys.items()) if owner == account_id]

    async def add(self, key: ProviderKey) -> None:
        _bound(key)
        if self.keys.setdefault((key.account_id, key.provider), key) != key:
            raise provider_key_exists(key.provider)

    async def put(self, key: ProviderKey, *, instead_of: ProviderKey) -> None:
        _bound(key)
        stands = self.keys.get((key.account_id, key.provider))
        if stands is None:
            raise no_provider_key(key.key_id)
        if stands == key:
            return
        if (stands.key_id, stands.version) != (instead_of.key_id, instead_of.version):
            raise provider_key_changed()
        self.keys[key.account_id, key.provider] = key

    async def remove(self, key: ProviderKey) -> None:
        stands = self.keys.get((key.account_id, key.provider))
        if stands is not None and stands.key_id == key.key_id:
            del self.keys[key.account_id, key.provider]


def _bound(key: ProviderKey) -> None:
    if len(encode(key)) > ITEM_BYTES_MAX:
        raise ServiceUnavailable(STORE_DOWN)


@dataclass
class AskedProvider:
    """`Upstream` that answers each request with one status and body, and keeps the requests."""

    status: int = 200
    body: bytes = b"{}"
    fails: Exception | None = None
    asked: list[UpstreamRequest] = field(default_factory=list)

    async def warm(self, url: str, patience: UpstreamTimeouts) -> None:
        del url, patience

    async def send(self, request: UpstreamRequest, patience: UpstreamTimeouts) -> AskedAnswer:
        del patience
        self.asked.append(request)
        if self.fails is not None:
            raise self.fails
        return AskedAnswer(self.status, self.body)


@dataclass
class AskedAnswer:
    """A whole `UpstreamResponse`."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    async def read(self) -> bytes:
        return self.body

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.body

    async def aclose(self) -> None:
        """Closes nothing."""


async def own_key(
    account_id: str, provider: str, api_key: str, data_keys: DataKeys, *, mode: Mode = "first", **settings: str
) -> ProviderKey:
    """A sealed key of an account's own."""
    key_id = f"pvk_{provider}"
    credential = Credential(api_key, extra=settings)
    envelope = await sealed_credential(credential, data_keys, account_id=account_id, provider=provider, key_id=key_id)
    return ProviderKey(
        account_id=account_id,
        provider=provider,
        key_id=key_id,
        name="own",
        mode=mode,
        last4=api_key[-4:],
        created_at_s=0,
        updated_at_s=0,
        version=1,
        envelope=envelope,
        settings=settings,
    )


def managed_provider_keys(keys: KeyStore, clock: Clock, upstream: Upstream | None = None) -> ProviderKeys:
    """The management of provider keys over memory; a provider that takes every key, if none is given."""
    data_keys = MemoryDataKeys()
    tester = KeyTester(CATALOG.models(), upstream or AskedProvider(), clock)
    return ProviderKeys(MemoryProviderKeys(), keys, data_keys, tester, clock)


class MemoryDataKeys:
    """`DataKeys` that remembers what it has wrapped, each with its context."""

    def __init__(self) -> None:
        self._wrapped: dict[str, tuple[bytes, bytes]] = {}
        self.unwrappings = 0

    async def new(self, context: Mapping[str, str]) -> DataKey:
        plain, wrapped = secrets.token_bytes(32), base64.b64encode(secrets.token_bytes(64)).decode()
        self._wrapped[wrapped] = plain, _written(context)
        return DataKey(plain, wrapped)

    async def unwrapped(self, wrapped: str, context: Mapping[str, str]) -> bytes:
        self.unwrappings += 1
        plain, made_for = self._wrapped.get(wrapped, (b"", b""))
        if not plain or made_for != _written(context):
            raise ServiceUnavailable("InvalidCiphertextException")
        return plain


def _written(context: Mapping[str, str]) -> bytes:
    return orjson.dumps(dict(context), option=orjson.OPT_SORT_KEYS)
