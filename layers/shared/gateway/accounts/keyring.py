"""Creates, lists, changes and revokes an account's keys, on behalf of one key that may manage them.

A key's text leaves once, in the answer that creates it; its hash and its last 4 characters are stored. A change must
leave the account a key that manages keys and does not expire, because the owner could not undo the loss. A key manages
only keys that are within itself, gives none more than it has, and takes the keys that it has made with it at its end.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from gateway.accounts.lineage import bounding, descendants, kept_within, narrowed, refuse_wider
from gateway.accounts.pages import Page, iso_utc, page_of
from gateway.accounts.refusals import key_revoked, last_managing_key, no_key, shut_out
from gateway.auth.principal import Principal, admit_key, key_hash
from gateway.errors import Conflict, GatewayError, InvalidRequest, PermissionDenied
from gateway.ledger.hold_ids import hold_id_at
from gateway.ledger.money import format_usd
from gateway.ports.clock import Clock
from gateway.ports.keys import KeyRecord, KeyStore
from gateway.ports.money import Money

if TYPE_CHECKING:
    # Changes, and keys of organizations, alone need them.
    from gateway.audit.trail import Trail
    from gateway.ports.audit import AuditEntry
    from gateway.ports.organizations import Member

PREFIX = "sk-xc-"
RANDOM_BYTES = 32
KEY_ID = re.compile(r"key_[0-9a-z]{1,64}")
SEARCHED = 100
# Far enough for every use, and before the last year that a date can have.
EXPIRY_S_MAX = 100 * 365 * 24 * 3600
OWNED = ("user_id", "org_id", "seat", "seat_cap_nanousd")
UNANSWERED = "the answer that had its text was never given"
ONLY_OWNERS = "Only a key that no other key has made can keep the keys that this one has made."


# Keys, and what changes of each.
Family: TypeAlias = Sequence[tuple[KeyRecord, Mapping[str, Any]]]


class Caller(Struct, frozen=True):
    """The key that manages, or the person of the account, and the address its request comes from.

    `member` is what it is in an organization, whose key it creates; with `only_own` it manages the keys that the member
    has made alone. Its changes leave entries of the audit log by its `trail`.
    """

    principal: Principal
    source_ip: str
    is_person: bool = False
    member: Member | None = None
    only_own: bool = False
    trail: Trail | None = None

    def sees(self, key: KeyRecord) -> bool:
        """True for a key that the caller may know of."""
        return not self.only_own or key.user_id == self.principal.key.user_id

    @property
    def account_id(self) -> str:
        """The account whose keys are managed."""
        return self.principal.account_id

    @property
    def key_id(self) -> str:
        """The id of the managing key, or of the person."""
        return self.principal.key.key_id

    @property
    def owned(self) -> dict[str, Any]:
        """The settings by which a key that the caller creates belongs to the caller's person and organization."""
        return {name: getattr(self.principal.key, name) for name in OWNED}


class Keyring(Struct, frozen=True):
    """The keys of accounts, over the stores. `own_hosts` are the operator's own, which may be told of alerts."""

    store: KeyStore
    money: Money
    clock: Clock
    own_hosts: frozenset[str] = frozenset()

    def new_id(self) -> str:
        """Draws the id of a key to be created."""
        return f"key_{hold_id_at(self.clock.now_s(), secrets.randbits(40))}"

    async def disown(self, caller: Caller, key_id: str) -> None:
        """Revokes a key whose creation was never answered: its text is lost."""
        found = await self.store.get(caller.account_id, key_id)
        if found is not None and not found.revoked:
            told = _told(caller.trail, found, replace(found, revoked=True), note=UNANSWERED)
            await self.store.change(caller.account_id, key_id, {"revoked": True}, audit=told)

    async def create(
        self,
        account_id: str,
        key_id: str,
        settings: Mapping[str, Any],
        *,
        made_by: KeyRecord | None = None,
        while_member: Member | None = None,
        trail: Trail | None = None,
    ) -> tuple[str, KeyRecord]:
        """Creates a key; returns its text, which cannot be read again, and its record.

        `settings` are by names of `KeyRecord`'s fields, `name` among them. Bounds that they do not name are those of
        the key that it is `made_by`.
        """
        now_s = self.clock.now_s()
        refuse_expiry(settings, now_s)
        self._judge_webhook(settings)
        full_key = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
        given = settings if made_by is None else {**bounding(made_by), **settings, "parent_key_id": made_by.key_id}
        record = KeyRecord(
            key_id=key_id,
            account_id=account_id,
            last4=full_key[-4:],
            created_at_s=int(now_s),
            **given,
        )
        if made_by is not None:
            refuse_wider(record, made_by)
        told = _told(trail, None, record)
        await self.store.add(key_hash(full_key), record, made_by=made_by, while_member=while_member, audit=told)
        return full_key, record

    async def created(self, caller: Caller, key_id: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Creates a key for its caller and shows it with its text, this once."""
        maker = None if caller.is_person else await self.get(caller, caller.key_id)
        given = {**settings, **caller.owned}
        full_key, record = await self.create(
            caller.account_id, key_id, given, made_by=maker, while_member=caller.member, trail=caller.trail
        )
        return {"full_key": full_key, "key": key_view(record)}

    async def page(self, caller: Caller, limit: int, cursor: str | None) -> Page[KeyRecord]:
        """Lists the account's keys, newest first, revoked ones included."""
        if caller.only_own:
            seen = [key for key in await self._all(caller.account_id) if caller.sees(key)]
            older = [key for key in seen if cursor is None or key.key_id < cursor]
            return page_of(older[: limit + 1], limit, lambda record: record.key_id)
        found = await self.store.page(caller.account_id, limit=limit + 1, before=cursor)
        return page_of(found, limit, lambda record: record.key_id)

    async def get(self, caller: Caller, key_id: str) -> KeyRecord:
        """The account's key of that id; raises `NotFound`, also for a key of another account."""
        found = await self.store.get(caller.account_id, key_id) if KEY_ID.fullmatch(key_id) else None
        if found is None or not caller.sees(found):
            raise no_key(key_id)
        return found

    async def change(
        self, caller: Caller, key_id: str, changes: Mapping[str, Any], *, alone: bool = False
    ) -> KeyRecord:
        """Changes a key's settings, and those of the keys that it has made, so that they stay within it.

        Raises `Conflict` if it is revoked or the change would lock the account out, `PermissionDenied` if it is wider
        than the caller's own key, or would be, or would be wider than its maker. `alone` leaves the others as they are.
        """
        refuse_expiry(changes, self.clock.now_s())
        self._judge_webhook(changes)
        before = await self.get(caller, key_id)
        if before.revoked:
            raise key_revoked()
        after = replace(before, **changes)
        if not caller.is_person:
            own = before if key_id == caller.key_id else await self.get(caller, caller.key_id)
            refuse_wider(before, own)
            refuse_wider(after, own)
        if after == before:
            return before
        keys = await self._all(caller.account_id)
        for maker in keys:
            if maker.key_id == before.parent_key_id and not maker.revoked:
                # Judged by what changes: a key that was wider before can still be narrowed, disabled and revoked.
                refuse_wider(replace(before, **{**narrowed(before, maker), **changes}), maker)
        family = [] if alone else kept_within(after, keys)
        changed = await self._changed(caller, before, after, changes, family)
        await self._follow(caller, key_id, family)
        return changed

    def _judge_webhook(self, settings: Mapping[str, Any]) -> None:
        """Raises `InvalidRequest` for an address of alerts that is not to be called; it is judged at each use too."""
        url = settings.get("alert_webhook_url")
        if url is None:
            return
        from gateway.untrusted.urls import Policy, judge_url  # noqa: PLC0415  # no cold start pays for it

        try:
            judge_url(url, None, Policy(self.own_hosts))
        except InvalidRequest as refusal:
            raise InvalidRequest(refusal.message, param="alert_webhook_url", code="invalid_value") from None

    async def _changed(
        self,
        caller: Caller,
        before: KeyRecord,
        after: KeyRecord,
        changes: Mapping[str, Any],
        family: Family,
    ) -> KeyRecord:
        """The key after its own change; `family` are the changes that follow from it."""
        key_id, now_s = before.key_id, self.clock.now_s()
        if key_id == caller.key_id and "allowed_ips" in changes:
            _refuse_shutting_out(after, caller.source_ip, now_s)
        witness = await self._witness(caller, [(before, after), *((key, replace(key, **more)) for key, more in family)])
        if before.monthly_spend_cap_nanousd is None and after.monthly_spend_cap_nanousd is not None:
            # The count starts before the cap applies, so no request is counted by the cap yet and none is counted
            # twice.
            await self.money.track_spend(caller.account_id, key_id, now_s)
        told = _told(caller.trail, before, after)
        return await self.store.change(caller.account_id, key_id, changes, while_managed_by=witness, audit=told)

    async def revoke(self, caller: Caller, key_id: str, *, keep_made: bool = False) -> KeyRecord:
        """Revokes the key for good, with the keys that it has made; a repeat completes what was cut off.

        With `keep_made` the caller, whose own key no other key has made, takes those keys over.
        """
        found = await self.get(caller, key_id)
        if keep_made and not caller.is_person and (await self.get(caller, caller.key_id)).parent_key_id is not None:
            raise PermissionDenied(ONLY_OWNERS, code="insufficient_role")
        if not found.revoked:
            found = await self.change(caller, key_id, {"revoked": True}, alone=keep_made)
        if keep_made:
            await self._take_over(caller, found)
        else:
            await self._follow(caller, key_id, kept_within(found, await self._all(caller.account_id)))
        return found

    async def _take_over(self, caller: Caller, of: KeyRecord) -> None:
        """Makes the caller's key the maker of the keys that another has made; its own have none from then on."""
        maker_id = None if caller.is_person or caller.key_id == of.key_id else caller.key_id
        for key, made_by in descendants(of, await self._all(caller.account_id)):
            if made_by == of.key_id and not key.revoked:
                told = _told(caller.trail, key, replace(key, parent_key_id=maker_id), note=of.key_id)
                await self.store.change(caller.account_id, key.key_id, {"parent_key_id": maker_id}, audit=told)

    async def _all(self, account_id: str) -> list[KeyRecord]:
        """All keys of the account."""
        found: list[KeyRecord] = []
        cursor: str | None = None
        while True:
            page = await self.store.page(account_id, limit=SEARCHED, before=cursor)
            found += page
            if len(page) < SEARCHED:
                return found
            cursor = page[-1].key_id

    async def _follow(self, caller: Caller, of: str, family: Family) -> None:
        """Applies the changes that follow from a key's own, makers first; one that ended meanwhile needs none."""
        for key, changes in family:
            if key.monthly_spend_cap_nanousd is None and "monthly_spend_cap_nanousd" in changes:
                await self.money.track_spend(key.account_id, key.key_id, self.clock.now_s())
            told = _told(caller.trail, key, replace(key, **changes), note=of)
            try:
                await self.store.change(key.account_id, key.key_id, changes, audit=told)
            except Conflict as conflict:
                if conflict.code != "key_revoked":
                    raise

    async def _witness(self, caller: Caller, changed: Iterable[tuple[KeyRecord, KeyRecord]]) -> str | None:
        """Another key that must keep managing the account while the `changed` ones stop; `None` if none stops, or if
        the caller is a person, who manages the account without a key.
        """
        if caller.is_person:
            return None
        stopping = {
            before.key_id for before, after in changed if before.manages_lastingly and not after.manages_lastingly
        }
        if not stopping:
            return None
        for record in await self._all(caller.account_id):
            if record.manages_lastingly and record.key_id not in stopping:
                return record.key_id
        raise last_managing_key()


def refuse_expiry(settings: Mapping[str, Any], now_s: float) -> None:
    """Raises `InvalidRequest` for an expiry that is past, or so far that it is no date any more."""
    expires_at_s = settings.get("expires_at_s")
    if expires_at_s is None:
        return
    if expires_at_s <= now_s:
        raise InvalidRequest("Input should be a time in the future", param="expires_at", code="invalid_value")
    if expires_at_s > now_s + EXPIRY_S_MAX:
        message = "Input should be a time in the next hundred years; leave it out for a key that does not expire"
        raise InvalidRequest(message, param="expires_at", code="invalid_value")


def key_view(record: KeyRecord) -> dict[str, Any]:
    """A key as its owner sees it."""
    cap, threshold = record.monthly_spend_cap_nanousd, record.cache_threshold_thousandths
    return {
        "object": "key",
        "key_id": record.key_id,
        "parent_key_id": record.parent_key_id,
        "user_id": record.user_id,
        "org_id": record.org_id,
        "name": record.name,
        "last4": record.last4,
        "created_at": iso_utc(record.created_at_s),
        "expires_at": None if record.expires_at_s is None else iso_utc(record.expires_at_s),
        "disabled": record.disabled,
        "revoked": record.revoked,
        "can_manage_keys": record.can_manage_keys,
        "monthly_spend_cap_usd": None if cap is None else format_usd(cap),
        "rpm_limit": record.rpm_limit,
        "tpm_limit": record.tpm_limit,
        "max_parallel": record.max_parallel,
        "user_rpm_limit": record.user_rpm_limit,
        "allowed_ips": list(record.allowed_ips),
        "allowed_models": list(record.allowed_models),
        "region_policy": record.region_policy,
        "alert_webhook_url": record.alert_webhook_url,
        "cache": record.cache,
        "cache_threshold": None if threshold is None else threshold / 1000,
    }


def _told(trail: Trail | None, before: KeyRecord | None, after: KeyRecord, note: str = "") -> AuditEntry | None:
    """The entry of a key that is made, changed or revoked; `note` names the key that it follows."""
    if trail is None:
        return None
    from gateway.audit.keys import told  # noqa: PLC0415  # calls that change nothing do without

    return told(trail, None if before is None else key_view(before), key_view(after), note)


def _refuse_shutting_out(after: KeyRecord, source_ip: str, now_s: float) -> None:
    try:
        admit_key(replace(after, disabled=False, expires_at_s=None), source_ip, now_s)
    except GatewayError as refused:
        raise shut_out() from refused
