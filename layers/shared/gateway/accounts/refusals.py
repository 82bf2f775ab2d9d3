"""What an account's owner is told when a key cannot be shown or changed."""

from __future__ import annotations

from gateway.errors import Conflict, NotFound


def no_key(key_id: str) -> NotFound:
    """Also for a key of another account, of which nothing may be learned."""
    return NotFound(f"There is no API key '{key_id[:80]}'.", param="key_id", code="key_not_found")


def key_revoked() -> Conflict:
    """Revocation is final; `disabled` is what can be undone."""
    return Conflict("This API key is revoked; nothing of it can be changed any more.", code="key_revoked")


def last_managing_key() -> Conflict:
    """What would leave an account with no key to manage it by."""
    return Conflict(
        "This is the account's last API key that manages keys without an end; make another one manage keys first.",
        code="last_managing_key",
    )


def shut_out() -> Conflict:
    """What would make the very key that asks for it unusable from where it is used."""
    return Conflict(
        "This would shut out the address that this request comes from; use another key to do so.",
        code="address_shut_out",
    )
