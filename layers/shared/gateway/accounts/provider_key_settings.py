"""Reads an account's own key of a provider from requests, and shows it. The key's text goes in and never out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from msgspec import UNSET, Meta, UnsetType, field

from gateway.accounts.key_settings import KeyName
from gateway.accounts.pages import iso_utc
from gateway.ports.provider_keys import FIRST, Mode, ProviderKey
from gateway.protocols.shared.body import Body, text

# Visible ASCII: a key goes into a header, whose end a line break would be.
_KEY = re.compile(r"[!-~]{8,2048}")


class ProviderApiKey(str):
    """The text of a provider's key. No text shows it but itself."""

    __slots__ = ()
    SCHEMA: ClassVar[Mapping[str, Any]] = {
        "type": "string",
        "minLength": 8,
        "maxLength": 2048,
        "pattern": r"^[!-~]+$",
        "writeOnly": True,
    }

    @classmethod
    def read(cls, value: object) -> Self:
        given = text(value)
        if _KEY.fullmatch(given) is None:
            raise ValueError("Input should be a key of 8 to 2048 visible ASCII characters")
        return cls(given)

    def __repr__(self) -> str:
        return "ProviderApiKey()"


ProviderName = Annotated[str, Meta(max_length=64, pattern=r"^[!-~]+$(?!\n)")]
Settings = Annotated[dict[str, Annotated[str, Meta(max_length=256)]], Meta(max_length=8)]


class NewProviderKey(Body, frozen=True, kw_only=True):
    """A key of a provider to bring. `verify` asks the provider first, and refuses a key that it refuses."""

    provider: ProviderName
    api_key: ProviderApiKey
    settings: Settings = field(default_factory=dict)
    mode: Mode = FIRST
    name: KeyName | None = None
    verify: bool = True


class ProviderKeyChanges(Body, frozen=True, kw_only=True):
    """Changes of a provider key. A new `api_key` replaces the old one together with its settings."""

    name: KeyName | UnsetType = UNSET
    mode: Mode | UnsetType = UNSET
    api_key: ProviderApiKey | UnsetType = UNSET
    settings: Settings | UnsetType = UNSET
    verify: bool = True

    def __post_init__(self) -> None:
        if self.settings is not UNSET and self.api_key is UNSET:
            raise ValueError("Give 'api_key' with 'settings': they are replaced together")

    @property
    def replaces(self) -> bool:
        """True if the key itself is replaced."""
        return self.api_key is not UNSET


def provider_key_view(key: ProviderKey) -> dict[str, Any]:
    """A provider key as its owner sees it."""
    return {
        "object": "provider_key",
        "id": key.key_id,
        "provider": key.provider,
        "name": key.name,
        "mode": key.mode,
        "last4": key.last4,
        "settings": dict(key.settings),
        "verified": key.verified,
        "reason": key.reason,
        "tested_at": None if key.tested_at_s is None else iso_utc(key.tested_at_s),
        "created_at": iso_utc(key.created_at_s),
        "updated_at": iso_utc(key.updated_at_s),
    }
