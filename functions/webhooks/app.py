"""Serves an account's webhook secrets and deliveries."""

from gateway.http.buffered import lambda_handler
from gateway.http.calls import Page, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.http.managing import ManagerCall
from gateway.webhooks.secrets import rotate, secrets_of
from gateway.webhooks.views import deliveries_page, delivery_view, secrets_view
from gateway.wiring.webhooks import webhook_records

webhooks = Endpoints(ManagerCall, "/v1/webhooks")


@webhooks.on("GET", "/secret")
async def get_secret(call: ManagerCall) -> Shown:
    """Shows the secret that signs the account's webhooks."""
    return secrets_view(await secrets_of(webhook_records(), call.account_id), call.services.clock.now_s())


@webhooks.on("POST", "/secret/rotate")
async def rotate_secret(call: ManagerCall) -> Shown:
    """Creates a new secret; the previous one also signs for a day."""
    now_s = call.services.clock.now_s()
    return secrets_view(await rotate(webhook_records(), call.account_id, now_s), now_s)


@webhooks.on("GET", "/deliveries", query=Page)
async def list_deliveries(call: ManagerCall, wanted: Page) -> Shown:
    """Lists the delivery tries, newest first."""
    page = await deliveries_page(webhook_records(), call.account_id, wanted.limit, wanted.cursor)
    return page.shown(delivery_view)


app = JsonApp(webhooks)
handler = lambda_handler(app)
