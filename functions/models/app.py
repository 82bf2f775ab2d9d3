"""The models for sale, in the shape of the SDK that asks, only what the key may use; and the root, for anybody."""

from typing import Any

from fastapi import Request

from gateway.auth.principal import may_use
from gateway.catalog.listing import shape_for
from gateway.control_plane import Caller, Services, control_app, lambda_handler
from gateway.errors import MethodNotAllowed, NotFound

app = control_app("models")


@app.api_route("/", methods=["GET", "HEAD"])
async def root(request: Request) -> dict[str, Any]:
    """Where the doors are, under the stage that was asked; Claude Code asks HEAD before it sends anything."""
    stage = request.scope["aws.event"]["requestContext"]["path"].rstrip("/")
    return {
        "object": "gateway",
        "name": "Nexgate",
        "base_urls": {"openai": f"{stage}/v1", "anthropic": f"{stage}/", "google": f"{stage}/"},
        "models": f"{stage}/v1/models",
    }


@app.get("/v1/models")
@app.get("/v1beta/models")
async def list_models(request: Request, caller: Caller, services: Services) -> dict[str, Any]:
    """All of them."""
    shape = shape_for(request.url.path, request.headers)
    rows = [row for row in services.models if may_use(caller.key, (row.id,))]
    return shape.page([shape.row(row) for row in rows])


@app.get("/v1/models/{model_id:path}")
@app.get("/v1beta/models/{model_id:path}")
async def get_model(model_id: str, request: Request, caller: Caller, services: Services) -> dict[str, Any]:
    """One of them; its id may hold slashes."""
    if model_id.rpartition(":")[2] in {"generateContent", "streamGenerateContent", "countTokens"}:
        raise MethodNotAllowed(f"{request.url.path} takes POST, not GET.")
    row = services.model(model_id)
    if row is None or not may_use(caller.key, (model_id, row.id)):
        raise NotFound(f"The model '{model_id}' does not exist.", param="model", code="model_not_found")
    return shape_for(request.url.path, request.headers).row(row)


handler = lambda_handler(app)
