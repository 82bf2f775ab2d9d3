"""Secrets that sign an account's webhooks: created at first need, replaced on request, the old one valid for a day
more.
"""

from __future__ import annotations

import base64
import hashlib
import secrets

from gateway.errors import Conflict
from gateway.ports.webhooks import WebhookRecords, WebhookSecrets
from gateway.providers.auth.standard_webhooks import PREFIX

OVERLAP_S = 24 * 3600
# The length that the specification recommends, between 24 and 64 bytes.
SECRET_BYTES = 32


async def secrets_of(records: WebhookRecords, account_id: str) -> WebhookSecrets:
    """The account's secrets."""
    stands = await records.secrets(account_id)
    if stands is not None:
        return stands
    first = WebhookSecrets(account_id, new_secret())
    if await records.put_secrets(first, instead_of=None):
        return first
    return await secrets_of(records, account_id)


async def rotate(records: WebhookRecords, account_id: str, secret: str, now_s: float) -> WebhookSecrets:
    """Puts `secret` in the place of the current one; raises `Conflict` if another rotation is running."""
    stands = await secrets_of(records, account_id)
    renewed = WebhookSecrets(account_id, secret, stands.current, int(now_s) + OVERLAP_S)
    if not await records.put_secrets(renewed, instead_of=stands.current):
        raise Conflict("The secret is being rotated already.", code="rotation_in_progress")
    return renewed


def rotation_id(secret: str) -> str:
    """The id of the rotation to this secret, which does not show it."""
    return "rot_" + hashlib.sha256(secret.encode()).hexdigest()


async def undo_rotation(records: WebhookRecords, account_id: str, rotation: str) -> None:
    """Brings the secret before this rotation back, unless another rotation has come after it.

    Without that, the next try would leave the secret that the account's receivers know out of those that sign.
    """
    stands = await records.secrets(account_id)
    if stands is not None and stands.previous is not None and rotation_id(stands.current) == rotation:
        await records.put_secrets(WebhookSecrets(account_id, stands.previous), instead_of=stands.current)


def new_secret() -> str:
    """A new random secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
