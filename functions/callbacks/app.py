"""Where providers say that a task has ended. No key: a delivery is known by its provider's signature."""

from typing import Any

from fastapi import Request

from gateway.control_plane import control_app, lambda_handler
from gateway.job_services import callbacks

app = control_app("callbacks")


@app.post("/v1/callbacks/{provider}/{job_id}/{attempt}")
async def receive(provider: str, job_id: str, attempt: str, request: Request) -> dict[str, Any]:
    """Wakes the job; what the delivery says is asked for again."""
    await callbacks().receive(provider, job_id, attempt, dict(request.headers), await request.body())
    return {}


handler = lambda_handler(app)
