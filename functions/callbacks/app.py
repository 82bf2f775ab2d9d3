"""Receives providers' callbacks about ended tasks. A callback has no key; its provider's signature identifies it."""

from gateway.http.buffered import lambda_handler
from gateway.http.calls import Call, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.wiring.media_tasks import callbacks

public = Endpoints(Call)


@public.on("POST", "/v1/callbacks/{provider}/{job_id}/{attempt}")
async def receive(call: Call) -> Shown:
    """Wakes the job, which polls the provider instead of trusting the callback."""
    headers, body = dict(call.request.headers), call.request.body
    await callbacks().receive(call.path["provider"], call.path["job_id"], call.path["attempt"], headers, body)
    return {}


app = JsonApp(public)
handler = lambda_handler(app)
