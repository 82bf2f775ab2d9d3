"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from nexevo_ai._models import NexevoModel

# Shared.


class WebhookDelivery(NexevoModel):
    """One try of a delivery."""

    object: str
    id: str
    job_id: Optional[str]
    message_id: str
    type: str
    url: str
    attempt: int
    delivered: bool
    status_code: Optional[int]
    error: Optional[str]
    created_at: str
    next_attempt_at: Optional[str]


class WebhookDeliveryList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[WebhookDelivery]
    has_more: bool
    next_cursor: Optional[str]


class WebhookSecret(NexevoModel):
    """The secret that signs webhooks; the one before signs too for a day after a rotation."""

    object: str
    secret: str = Field(repr=False)
    previous_valid_until: Optional[str]


WebhookDelivery.model_rebuild()
WebhookDeliveryList.model_rebuild()
WebhookSecret.model_rebuild()
