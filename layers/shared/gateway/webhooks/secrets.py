"""What signs an account's webhooks: made at first need, replaced on request, the old one good for a day more."""

from __future__ import annotations

import base64
import secrets

from gateway.errors import Conflict
from gateway.framing.standard_webhooks import PREFIX
from gateway.job_ports import WebhookRecords, WebhookSecrets

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


async def rotate(records: WebhookRecords, account_id: str, now_s: float) -> WebhookSecrets:
    """New secrets; raises `Conflict` where somebody else rotates at this very moment."""
    stands = await secrets_of(records, account_id)
    anew = WebhookSecrets(account_id, new_secret(), stands.current, int(now_s) + OVERLAP_S)
    if not await records.put_secrets(anew, instead_of=stands.current):
        raise Conflict("The secret is being rotated already.", code="rotation_in_progress")
    return anew


def new_secret() -> str:
    """A secret that nobody has seen."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
