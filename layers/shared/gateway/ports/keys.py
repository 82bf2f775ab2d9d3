"""API keys: the stored record, the management of an account's keys, and the look-up by hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    # Changes, and keys of organizations, alone need them.
    from gateway.ports.audit import AuditEntry
    from gateway.ports.organizations import Member


# The settings of a key's `cache`, and the header in which a single request says what it wants.
OFF, EXACT, SEMANTIC = "off", "exact", "semantic"
CACHE_CONTROL = "x-nexevo-cache-control"
# The bounds of a key's `cache_threshold`, the least similarity of questions that share an answer.
THRESHOLD_MIN, THRESHOLD_MAX = 0.5, 1.0


class KeyRecord(Struct, frozen=True):
    """A stored API key: its settings, never its text. Times are epoch seconds, money is nano-USD.

    `parent_key_id` is the key that created it; an operator's own have none. `has_provider_keys` is true once the
    account has brought a key of a provider, and stays true: only such an account's requests look for them.

    `user_id` is the person who made it, or whose key did, and `org_id` the organization that its account is of; an
    operator's own keys have neither. An organization's key counts at its person's `seat`: the member's number, whose
    spend of a month `seat_cap_nanousd` bounds.
    """

    key_id: str
    account_id: str
    name: str
    last4: str
    created_at_s: int
    disabled: bool = False
    revoked: bool = False
    expires_at_s: int | None = None
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel: int | None = None
    allowed_ips: tuple[str, ...] = ()
    allowed_models: tuple[str, ...] = ()
    monthly_spend_cap_nanousd: int | None = None
    region_policy: str = "any"
    alert_webhook_url: str | None = None
    can_manage_keys: bool = False
    user_rpm_limit: int | None = None
    parent_key_id: str | None = None
    has_provider_keys: bool = False
    user_id: str | None = None
    org_id: str | None = None
    seat: int | None = None
    seat_cap_nanousd: int | None = None
    cache: str = OFF
    cache_threshold_thousandths: int | None = None

    @property
    def manages_lastingly(self) -> bool:
        """True if this key alone keeps its account manageable: it manages keys, and never expires."""
        return self.can_manage_keys and not self.revoked and not self.disabled and self.expires_at_s is None

    @property
    def alert_at_nanousd(self) -> int | None:
        """The month's spend from which the owner is told; `None` if there is no one to tell or nothing to tell of."""
        if self.monthly_spend_cap_nanousd is None or self.alert_webhook_url is None:
            return None
        from gateway.canonical.alerts import LEVELS  # noqa: PLC0415  # what reads keys and holds no money does without

        return -(-self.monthly_spend_cap_nanousd * LEVELS[0] // 100)


class KeyStore(Protocol):
    """Management of an account's keys. Every read sees every write before it."""

    async def add(
        self,
        key_hash: str,
        record: KeyRecord,
        *,
        made_by: KeyRecord | None = None,
        while_member: Member | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Adds a key under the hash of its text, with an entry of the audit log; raises `Conflict` if the key or its id
        exists.

        With `made_by`, raises `Conflict` with the code `key_changed` if that key is another one by now, and with
        `while_member` if that member of the organization is.
        """

    async def get(self, account_id: str, key_id: str) -> KeyRecord | None:
        """The account's key of that id, or `None`."""

    async def page(self, account_id: str, *, limit: int, before: str | None = None) -> Sequence[KeyRecord]:
        """Keys by id, highest (newest) first; with `before`, only ids below it."""

    async def change(
        self,
        account_id: str,
        key_id: str,
        changes: Mapping[str, object],
        *,
        while_managed_by: str | None = None,
        audit: AuditEntry | None = None,
    ) -> KeyRecord:
        """Applies `changes`, by names of `KeyRecord`'s fields, with an entry of the audit log, and returns the key.
        Other fields keep their values.

        Raises `Conflict` if the key is already revoked. With `while_managed_by`, raises `Conflict` with the code
        `last_managing_key` if that key of the account no longer manages keys at that moment.
        """

    async def note_provider_keys(self, account_id: str) -> None:
        """Notes with each key of the account, those that are added later too, that it has keys of providers."""


class Keys(Protocol):
    """Keys by the SHA-256 of their text, as hex."""

    async def find(self, key_hash: str) -> KeyRecord | None:
        """The key as of at most 5 s ago, as the contract allows, or `None`."""
