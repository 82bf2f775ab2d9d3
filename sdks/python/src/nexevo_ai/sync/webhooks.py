"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import WebhooksHelpers
from nexevo_ai.types.webhooks import WebhookDelivery, WebhookSecret

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.webhooks import WebhooksDeliveriesParams, WebhooksGetSecretParams, WebhooksRotateSecretParams


class WebhooksResource(WebhooksHelpers):
    """Methods of `client.webhooks`."""

    def get_secret(self, **params: Unpack[WebhooksGetSecretParams]) -> WebhookSecret:
        """Shows the secret that signs the account's webhooks."""
        call = call_of("GET", "/v1/webhooks/secret", {**params})
        answer: WebhookSecret = self._ask(call, kind=WebhookSecret)
        return answer

    def rotate_secret(self, **params: Unpack[WebhooksRotateSecretParams]) -> WebhookSecret:
        """Creates a new secret, once under the same Idempotency-Key; the previous one also signs for a day."""
        call = call_of("POST", "/v1/webhooks/secret/rotate", {**params}, is_once=True)
        answer: WebhookSecret = self._ask(call, kind=WebhookSecret)
        return answer

    def deliveries(self, **params: Unpack[WebhooksDeliveriesParams]) -> SyncPage[WebhookDelivery]:
        """Lists the delivery tries, newest first."""
        call = call_of("GET", "/v1/webhooks/deliveries", {**params}, query=("limit", "cursor"))
        answer: SyncPage[WebhookDelivery] = self._ask(call, element=WebhookDelivery)
        return answer
