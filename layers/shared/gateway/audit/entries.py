"""Makes the entries of audit logs, and shows them. What an entry tells of an act is cut to a bound."""

from __future__ import annotations

import secrets
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.ledger.hold_ids import hold_id_at
from gateway.ports.audit import Actor, AuditEntry, Outcome

KEPT_S = 400 * 24 * 3600
TEXT_CHARACTERS_MAX, LIST_MAX = 200, 20
CHANGED = "changed"
# Entries of attempts at addresses that have no account, for the work of attempts at others. They are never read, and
# have many places, so that no partition of the table gets busy.
UNKNOWN_PREFIX = "unknown#"
UNKNOWN_KEPT_S = 24 * 3600


def entry_of(
    account_id: str,
    action: str,
    now_s: float,
    *,
    actor: Actor,
    source: str = "",
    target: str = "",
    outcome: Outcome = "done",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str = "",
) -> AuditEntry:
    """An entry of now, with an id of its own. Long texts and lists are cut, fractions are texts."""
    return AuditEntry(
        account_id=account_id,
        entry_id=hold_id_at(now_s, secrets.randbits(40)),
        at_s=int(now_s),
        action=action,
        actor=actor,
        source=source,
        target=target[:TEXT_CHARACTERS_MAX],
        outcome=outcome,
        before=_bounded(before or {}),
        after=_bounded(after or {}),
        note=note[:TEXT_CHARACTERS_MAX],
    )


def unknown_account() -> str:
    """Draws a place for the entry of an attempt at an address that has no account."""
    return UNKNOWN_PREFIX + secrets.token_hex(2)


def expires_at_s(entry: AuditEntry) -> int:
    """The time at which an entry is deleted."""
    return entry.at_s + (UNKNOWN_KEPT_S if entry.account_id.startswith(UNKNOWN_PREFIX) else KEPT_S)


def entry_view(entry: AuditEntry) -> dict[str, Any]:
    """An entry as the account sees it."""
    return {
        "object": "audit_entry",
        "id": entry.entry_id,
        "action": entry.action,
        "outcome": entry.outcome,
        "created_at": datetime.fromtimestamp(entry.at_s, UTC).isoformat().replace("+00:00", "Z"),
        "user_id": entry.actor.user_id,
        "key_id": entry.actor.key_id,
        "operator": entry.actor.operator,
        "source": entry.source or None,
        "target": entry.target or None,
        "before": dict(entry.before),
        "after": dict(entry.after),
        "note": entry.note or None,
    }


def differences(
    before: Mapping[str, Any], after: Mapping[str, Any], *, untold: Container[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The members that differ, before and after; those that are `untold` are named without their values."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    was = {name: before.get(name) for name in names if name not in untold and before}
    return was, {name: CHANGED if name in untold else after.get(name) for name in names}


def _bounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _cut(value) for name, value in values.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:TEXT_CHARACTERS_MAX]
    if isinstance(value, list | tuple):
        return [_cut(one) for one in value[:LIST_MAX]]
    # A store has whole numbers alone: a fraction is told as its text, like an amount of money.
    return str(value) if isinstance(value, float) else value
