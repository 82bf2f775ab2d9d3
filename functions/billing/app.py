"""Serves balance, transactions, usage, plans and payments to what manages an account, and takes Stripe's events.

The paths answer without `/v1` too.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.accounts.statement import balance_view, entry_view, transactions
from gateway.accounts.usage import GroupBy, usage_csv, usage_report
from gateway.http.buffered import lambda_handler
from gateway.http.calls import Page, Reply, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.http.managing import ManagerCall
from gateway.http.paying import payments, told

billing = Endpoints(ManagerCall, "/v1/billing", "/billing")


CSV = "text/csv"


class Report(Struct):
    """The report that a query asks for: how many days, the last of which is today, and its groups and form."""

    days: Annotated[int, Meta(ge=1, le=90)] = 7
    group_by: GroupBy = GroupBy()
    format: Literal["json", "csv"] | None = None


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


@billing.on("GET", "/usage", query=Report)
async def get_usage(call: ManagerCall, wanted: Report) -> Shown:
    """Reports requests, tokens and cost by day and by tier, and by what is asked for."""
    on = call.services
    asked = (on.money, call.account_id, on.clock.now_s(), wanted.days, wanted.group_by)
    if wanted.format != "csv" and (wanted.format or CSV not in call.request.headers.get("accept", "").lower()):
        return await usage_report(*asked)
    page = await usage_csv(*asked)
    return Reply(page.encode(), headers={"Content-Type": f"{CSV}; charset=utf-8"})


app = JsonApp(billing, payments, told)
handler = lambda_handler(app)
