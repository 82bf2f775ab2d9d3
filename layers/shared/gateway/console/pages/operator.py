"""The page of operators: people and their money, providers that are not well, stuck jobs."""

from __future__ import annotations

from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit

operator = Pages()


@operator.on("GET", "/operator")
async def show_operator(visit: Visit) -> Answer:
    """Shows the deployment; a function of its own judges who is an operator."""
    return visit.page("operator", shown=await visit.get("/operator"))
