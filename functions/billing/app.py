"""Serves balance, transactions and usage to a key that manages its account. The paths answer without `/v1` too."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.accounts.statement import balance_view, entry_view, transactions, usage_report
from gateway.http.buffered import lambda_handler
from gateway.http.calls import Page, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.http.managing import ManagerCall

billing = Endpoints(ManagerCall, "/v1/billing", "/billing")


class Period(Struct):
    """The days that a query asks for, the last of which is today."""

    days: Annotated[int, Meta(ge=1, le=90)] = 7


@billing.on("GET", "/balance")
async def get_balance(call: ManagerCall) -> Shown:
    """Shows the free and the held money."""
    return balance_view(call.state)


@billing.on("GET", "/transactions", query=Page)
async def list_transactions(call: ManagerCall, wanted: Page) -> Shown:
    """Lists the ledger's entries, newest first."""
    on = call.services
    page = await transactions(on.money, call.account_id, on.clock.now_s(), wanted.limit, wanted.cursor)
    return page.shown(entry_view)


@billing.on("GET", "/usage", query=Period)
async def get_usage(call: ManagerCall, wanted: Period) -> Shown:
    """Reports requests, tokens and cost by day and by tier."""
    on = call.services
    return await usage_report(on.money, call.account_id, on.clock.now_s(), wanted.days)


app = JsonApp(billing)
handler = lambda_handler(app)
