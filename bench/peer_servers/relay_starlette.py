"""A relay of Starlette, uvicorn and httpx: the usual way to write one.

python relay_starlette.py PORT PROVIDER_URL
"""

import sys

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

client = httpx.AsyncClient(timeout=60)


async def relay(request: Request) -> StreamingResponse:
    """Passes one request on, and its answer back as it comes."""
    sent = client.build_request(
        "POST",
        f"{sys.argv[2]}/chat/completions",
        content=await request.body(),
        headers={"content-type": "application/json"},
    )
    answer = await client.send(sent, stream=True)
    kind = answer.headers.get("content-type")
    return StreamingResponse(answer.aiter_raw(), answer.status_code, media_type=kind)


if __name__ == "__main__":
    app = Starlette(routes=[Route("/v1/chat/completions", relay, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
