"""Gives ids the names that people know them by, as far as the visitor may see those."""

from __future__ import annotations

from gateway.console.visit import Visit
from gateway.framing.percent import encoded


async def key_names(visit: Visit) -> dict[str, str]:
    """The names of the account's newest keys by their ids."""
    page = await visit.get_unless(403, "/v1/keys", limit=100)
    return {key["key_id"]: key["name"] for key in page["data"]} if page else {}


async def people_names(visit: Visit) -> dict[str, str]:
    """The addresses of the people who act for the account, by their ids."""
    if not visit.state.org:
        me = await visit.get("/v1/auth/me")
        return {me["user_id"]: me["email"]}
    members = await visit.get_unless(403, f"/v1/organizations/{encoded(visit.state.org)}/members")
    return {one["user_id"]: one["email"] for one in members["data"]} if members else {}
