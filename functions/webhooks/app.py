"""Serves an account's webhook secrets and deliveries."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.http.buffered import lambda_handler
from gateway.http.calls import Page, Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.http.managing import ManagerCall
from gateway.webhooks.secrets import new_secret, rotate, rotation_id, secrets_of, undo_rotation
from gateway.webhooks.views import deliveries_page, delivery_view, secrets_view
from gateway.wiring.webhooks import webhook_records

webhooks = Endpoints(ManagerCall, "/v1/webhooks")


@webhooks.on("GET", "/secret")
async def get_secret(call: ManagerCall) -> Shown:
    """Shows the secret that signs the account's webhooks."""
    return secrets_view(await secrets_of(webhook_records(), call.account_id), call.services.clock.now_s())


@webhooks.on("POST", "/secret/rotate")
async def rotate_secret(call: ManagerCall) -> Shown:
    """Creates a new secret, once under the same Idempotency-Key; the previous one also signs for a day."""
    records, secret = webhook_records(), new_secret()

    async def create() -> Mapping[str, Any]:
        now_s = call.services.clock.now_s()
        return secrets_view(await rotate(records, call.account_id, secret, now_s), now_s)

    # A read, so that an account without a balance can replace a secret that has leaked.
    undo = partial(undo_rotation, records, call.account_id)
    told = partial(call.trail.around, "webhook_secret.rotated", create)
    return await created_once(call, rotation_id(secret), told, undo, status=200, counts=False)


@webhooks.on("GET", "/deliveries", query=Page)
async def list_deliveries(call: ManagerCall, wanted: Page) -> Shown:
    """Lists the delivery tries, newest first."""
    page = await deliveries_page(webhook_records(), call.account_id, wanted.limit, wanted.cursor)
    return page.shown(delivery_view)


app = JsonApp(webhooks)
handler = lambda_handler(app)
