"""Serves an account's webhook secrets and deliveries."""

from typing import Any

from gateway.http.json_app import Cursor, Manager, PageLimit, Services, control_app, lambda_handler
from gateway.webhooks.secrets import rotate, secrets_of
from gateway.webhooks.views import deliveries_page, delivery_view, secrets_view
from gateway.wiring.webhooks import webhook_records

app = control_app("webhooks")


@app.get("/v1/webhooks/secret")
async def get_secret(caller: Manager, services: Services) -> dict[str, Any]:
    """Shows the secret that signs the account's webhooks."""
    return secrets_view(await secrets_of(webhook_records(), caller.account_id), services.clock.now_s())


@app.post("/v1/webhooks/secret/rotate")
async def rotate_secret(caller: Manager, services: Services) -> dict[str, Any]:
    """Creates a new secret; the previous one also signs for a day."""
    now_s = services.clock.now_s()
    return secrets_view(await rotate(webhook_records(), caller.account_id, now_s), now_s)


@app.get("/v1/webhooks/deliveries")
async def list_deliveries(caller: Manager, limit: PageLimit = 20, cursor: Cursor = None) -> dict[str, Any]:
    """Lists the delivery tries, newest first."""
    page = await deliveries_page(webhook_records(), caller.account_id, limit, cursor)
    return page.shown(delivery_view)


handler = lambda_handler(app)
