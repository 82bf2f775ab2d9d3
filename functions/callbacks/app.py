"""Receives providers' callbacks about ended tasks. A callback has no key; its provider's signature identifies it."""

from typing import Any

from fastapi import Request

from gateway.http.json_app import control_app, lambda_handler
from gateway.wiring.media_tasks import callbacks

app = control_app("callbacks")


@app.post("/v1/callbacks/{provider}/{job_id}/{attempt}")
async def receive(provider: str, job_id: str, attempt: str, request: Request) -> dict[str, Any]:
    """Wakes the job, which polls the provider instead of trusting the callback."""
    await callbacks().receive(provider, job_id, attempt, dict(request.headers), await request.body())
    return {}


handler = lambda_handler(app)
