"""The first page: the balance, the last week, and the steps to a first answer."""

from __future__ import annotations

from gateway.console.charts import bars
from gateway.console.pages.keys import stands
from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit

overview = Pages()


@overview.on("GET", "/")
async def show_overview(visit: Visit) -> Answer:
    """Shows the balance, the usage of a week, and what is left to do for a first answer."""
    # A developer of an organization has keys, and does not see its money.
    balance = await visit.get_unless(403, "/v1/billing/balance")
    usage = await visit.get_unless(403, "/v1/billing/usage", days=7)
    keys = await visit.get("/v1/keys", limit=20)
    chart = bars([(day["date"][5:], day["cost_usd"]) for day in usage["daily"]]) if usage else ""
    has_key = any(stands(visit, key) for key in keys["data"])
    return visit.page("overview", balance=balance, usage=usage, chart=chart, has_key=has_key)
