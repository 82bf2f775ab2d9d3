"""The pages of what was done: requests and what they cost, jobs with their media, webhooks, the audit log."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from gateway.console.pages.keys import key_names
from gateway.console.pages.organizations import people_names
from gateway.console.routes import Pages
from gateway.console.visit import Answer, Visit
from gateway.framing.percent import encoded

logs = Pages()

RUNNING = frozenset({"pending", "running"})
AUDIT_FAMILIES = (
    "",
    "account",
    "session",
    "password",
    "two_factor",
    "key",
    "member",
    "invitation",
    "billing",
    "operator",
)
# What can come of a try beside a failure, which is a status and a code.
OUTCOMES = frozenset({"served", "cooling", "hedged", "cached", "cut", "failed", "overdue"})


@logs.on("GET", "/requests")
async def show_requests(visit: Visit) -> Answer:
    """Lists the requests that were charged or have failed, with what is known of each; no content is stored."""
    cursor = visit.request.query.get("cursor")
    page = await visit.get("/v1/billing/transactions", limit=50, cursor=cursor)
    return visit.page("requests", entries=page["data"], page=page, names=await key_names(visit), OUTCOMES=OUTCOMES)


@logs.on("GET", "/jobs")
async def show_jobs(visit: Visit) -> Answer:
    """Lists the jobs."""
    page = await visit.get("/v1/generation/jobs", by_key=True, limit=20, cursor=visit.request.query.get("cursor"))
    once = visit.form.get("once") or secrets.token_hex(16)
    models = await _video_models(visit)
    return visit.page("jobs", jobs=page["data"], page=page, form=visit.form, once=once, models=models)


async def _video_models(visit: Visit) -> list[str]:
    """The models that make videos."""
    shown = await visit.get("/v1/generation/models", by_key=True)
    return [model["id"] for model in shown["data"] if model.get("kind", "video") == "video"]


@logs.on("POST", "/jobs", again=show_jobs)
async def create_job(visit: Visit) -> Answer:
    """Begins a video."""
    form = visit.form
    wanted = {"model": form.get("model", ""), "prompt": form.get("prompt", "")}
    made = await visit.call("POST", "/v1/videos/generations", wanted, by_key=True, once=form.get("once", ""))
    return visit.onward(f"/jobs/{encoded(made['job_id'])}", "created")


@logs.on("GET", "/jobs/{job_id}")
async def show_job(visit: Visit) -> Answer:
    """Shows a job with its media; the page of a running one asks again by itself."""
    job = await visit.get(f"/v1/generation/jobs/{visit.path['job_id']}", by_key=True)
    media = [shown for result in job["results"] if (shown := _shown(visit, result))]
    return visit.page("job", job=job, media=media, runs=job["status"] in RUNNING)


def _shown(visit: Visit, result: Mapping[str, Any]) -> dict[str, str] | None:
    """A result's address and type; its origin is let into this one page."""
    url = str(result.get("url") or "")
    scheme, _, rest = url.partition("://")
    if scheme not in {"http", "https"}:
        return None
    host = rest.partition("/")[0]
    if not host or any(character in host for character in " ;,'\""):
        return None
    visit.media_origins.add(f"{scheme}://{host}")
    return {"url": url, "type": str(result.get("content_type") or result.get("mime_type") or "")}


@logs.on("POST", "/jobs/{job_id}/cancel", again=show_job)
async def cancel_job(visit: Visit) -> Answer:
    """Cancels a job."""
    await visit.call("POST", f"/v1/generation/jobs/{visit.path['job_id']}/cancel", {}, by_key=True)
    return visit.onward(f"/jobs/{visit.path['job_id']}", "canceled")


@logs.on("GET", "/webhooks")
async def show_webhooks(visit: Visit) -> Answer:
    """Shows the secret and the deliveries."""
    secret = await visit.get("/v1/webhooks/secret")
    page = await visit.get("/v1/webhooks/deliveries", limit=50, cursor=visit.request.query.get("cursor"))
    return visit.page("webhooks", secret=secret, deliveries=page["data"], page=page)


@logs.on("POST", "/webhooks/rotate", again=show_webhooks)
async def rotate_secret(visit: Visit) -> Answer:
    """Replaces the secret."""
    await visit.call("POST", "/v1/webhooks/secret/rotate", {})
    return visit.onward("/webhooks", "saved")


@logs.on("GET", "/audit")
async def show_audit(visit: Visit) -> Answer:
    """Lists who did what."""
    query = visit.request.query
    action = query.get("action", "")
    page = await visit.get("/v1/audit", limit=50, cursor=query.get("cursor"), action=action)
    names = await people_names(visit) | await key_names(visit)
    return visit.page("audit", entries=page["data"], page=page, action=action, families=AUDIT_FAMILIES, names=names)
