"""Serves balance, transactions and usage to a key that manages its account. The paths answer without `/v1` too."""

from typing import Annotated, Any

from fastapi import Query

from gateway.accounts.statement import balance_view, entry_view, transactions, usage_report
from gateway.http.json_app import Cursor, Manager, PageLimit, Services, State, control_app, lambda_handler, router

app = control_app("billing")
billing = router()


@billing.get("/balance")
async def get_balance(state: State) -> dict[str, Any]:
    """Shows the free and the held money."""
    return balance_view(state)


@billing.get("/transactions")
async def list_transactions(
    caller: Manager, services: Services, limit: PageLimit = 20, cursor: Cursor = None
) -> dict[str, Any]:
    """Lists the ledger's entries, newest first."""
    page = await transactions(services.money, caller.account_id, services.clock.now_s(), limit, cursor)
    return page.shown(entry_view)


@billing.get("/usage")
async def get_usage(
    caller: Manager, services: Services, days: Annotated[int, Query(ge=1, le=90)] = 7
) -> dict[str, Any]:
    """Reports requests, tokens and cost by day and by tier."""
    return await usage_report(services.money, caller.account_id, services.clock.now_s(), days)


app.include_router(billing, prefix="/v1/billing")
app.include_router(billing, prefix="/billing")
handler = lambda_handler(app)
