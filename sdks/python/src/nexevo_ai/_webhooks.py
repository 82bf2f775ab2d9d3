"""Verifies webhooks by Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Union

from nexevo_ai._errors import WebhookVerificationError
from nexevo_ai._models import Object

TOLERANCE_S = 300
PREFIX = "whsec_"


def verified(
    payload: Union[str, bytes], headers: Mapping[str, str], secret: str, tolerance_s: int = TOLERANCE_S
) -> Object:
    """The webhook's content; raises `WebhookVerificationError` where signature or time is not good.

    `payload` is the body as it came: parsed and written again it has another signature.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, moment, signatures = (given[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        # A variable of the environment that is not set is `None`.
        key = base64.b64decode((secret or "").removeprefix(PREFIX))
        at_s = int(moment)
    except KeyError as missing:
        raise WebhookVerificationError(f"the header {missing} is missing") from None
    except (ValueError, binascii.Error):
        raise WebhookVerificationError("the secret or the time cannot be read") from None
    if not key:
        # A signature with an empty secret proves nothing.
        raise WebhookVerificationError("the secret is empty")
    if abs(time.time() - at_s) > tolerance_s:
        raise WebhookVerificationError("the webhook is too old, or from the future")
    body = payload.encode() if isinstance(payload, str) else payload
    digest = hmac.new(key, f"{message_id}.{moment}.".encode() + body, hashlib.sha256).digest()
    expected = base64.b64encode(digest).decode()
    shown = (each.partition(",") for each in signatures.split())
    if not any(version == "v1" and hmac.compare_digest(text.encode(), expected.encode()) for version, _, text in shown):
        raise WebhookVerificationError("no signature fits")
    return Object(json.loads(body))
