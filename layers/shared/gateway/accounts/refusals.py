"""Errors for an account's owner whose key cannot be shown or changed."""

from __future__ import annotations

from gateway.errors import Conflict, NotFound


def no_key(key_id: str) -> NotFound:
    """Refuses an unknown key; a key of another account gets the same answer, so that nothing is learned about it."""
    return NotFound(f"There is no API key '{key_id[:80]}'.", param="key_id", code="key_not_found")


def key_revoked() -> Conflict:
    """Refuses a change of a revoked key; revocation is final, `disabled` can be undone."""
    return Conflict("This API key is revoked; it can no longer be changed.", code="key_revoked")


def last_managing_key() -> Conflict:
    """Refuses a change that would leave an account without a key to manage it."""
    return Conflict(
        "This is the account's last API key that manages keys and never expires; let another key manage keys first.",
        code="last_managing_key",
    )


def maker_changed() -> Conflict:
    """Refuses a new key whose maker was changed, or ended, while the key was made."""
    return Conflict("The API key that makes this one was changed meanwhile; send it again.", code="key_changed")


def shut_out() -> Conflict:
    """Refuses a change that would make the calling key unusable from its own address."""
    return Conflict(
        "This would shut out the address that this request comes from; use another key for this change.",
        code="address_shut_out",
    )


def no_provider_key(key_id: str) -> NotFound:
    """Refuses an unknown provider key; one of another account gets the same answer."""
    message = f"There is no provider key '{key_id[:80]}'."
    return NotFound(message, param="provider_key_id", code="provider_key_not_found")


def provider_key_exists(provider: str) -> Conflict:
    """Refuses a second key of a provider."""
    return Conflict(f"The account has a key of '{provider}' already; change that one, or delete it first.")


def provider_key_changed() -> Conflict:
    """Refuses a change of a provider key that another change overtook."""
    message = "The provider key was changed meanwhile; read it and send the change again."
    return Conflict(message, code="provider_key_changed")
