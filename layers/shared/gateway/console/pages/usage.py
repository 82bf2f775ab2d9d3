"""The pages of usage: by day, model, key and member, as a chart, a table and CSV."""

from __future__ import annotations

from typing import Any

from gateway.console.charts import bars
from gateway.console.pages.keys import key_names
from gateway.console.pages.organizations import people_names
from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit

usage = Pages()

DAYS = ("7", "30", "90")
# What a report is grouped by, and the member of its rows that names the group.
GROUPS = {"day": "date", "model": "model", "key": "key_id", "member": "user_id"}
NAMES = {"key": key_names, "member": people_names}


def _asked(visit: Visit) -> tuple[str, str]:
    """The days and the grouping that a query asks for."""
    query = visit.request.query
    days, by = query.get("days", "7"), query.get("by", "day")
    return days if days in DAYS else "7", by if by in GROUPS else "day"


@usage.on("GET", "/usage")
async def show_usage(visit: Visit) -> Answer:
    """Shows what the last days have used."""
    days, by = _asked(visit)
    report = await visit.get("/v1/billing/usage", days=days, group_by=None if by == "day" else by)
    rows: list[dict[str, Any]] = report["daily"] if by == "day" else report["groups"]
    names = await NAMES[by](visit) if by in NAMES else {}
    shown = [{**row, "label": names.get(row[GROUPS[by]]) or row[GROUPS[by]] or "-"} for row in rows]
    points = [(row["label"][5:] if by == "day" else row["label"][:14], row["cost_usd"]) for row in shown]
    return visit.page(
        "usage", report=report, rows=shown, chart=bars(points), days=days, by=by, choices=DAYS, groups=GROUPS
    )


@usage.on("GET", "/usage.csv")
async def usage_csv(visit: Visit) -> Answer:
    """Gives the report as a file for spreadsheets."""
    days, by = _asked(visit)
    body = await visit.text("/v1/billing/usage", days=days, group_by=by, format="csv")
    name = f'attachment; filename="usage-by-{by}-{days}-days.csv"'
    return Answer(body, headers={"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": name})
