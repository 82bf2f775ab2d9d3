"""Makes the entries of API keys, from what a caller is shown of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.audit.entries import differences
from gateway.audit.trail import Trail
from gateway.ports.audit import AuditEntry

# A person writes these, and they are erased with it; of a webhook's address a part may be secret.
UNTOLD = frozenset({"name", "allowed_ips", "alert_webhook_url"})
# They say which key it is, and not how it is set.
IDENTITY = frozenset({"object", "key_id", "created_at", "revoked", "org_id", "user_id", "name", "last4"})


def told(trail: Trail, before: Mapping[str, Any] | None, after: Mapping[str, Any], note: str = "") -> AuditEntry:
    """The entry of a key that is made, changed or revoked, by what is shown of it before and after."""
    target = after["key_id"]
    if before is None:
        given = {
            name: value for name, value in after.items() if name not in IDENTITY and value not in (None, [], False)
        }
        return trail.entry("key.created", target=target, after=differences({}, given, untold=UNTOLD)[1], note=note)
    was, now = differences(before, after, untold=UNTOLD)
    action = "key.revoked" if after["revoked"] and not before["revoked"] else "key.changed"
    return trail.entry(action, target=target, before=was, after=now, note=note)
