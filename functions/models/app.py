"""The models for sale, in the shape of the SDK that asks; only what the key may use."""

from typing import Any

from fastapi import Request

from gateway.auth.principal import may_use
from gateway.catalog import listing
from gateway.control_plane import Caller, Services, control_app, lambda_handler
from gateway.errors import NotFound

app = control_app("models")


@app.get("/v1/models")
async def list_models(request: Request, caller: Caller, services: Services) -> dict[str, Any]:
    """All of them."""
    shape = listing.shape_for(request.headers)
    rows = [row for row in services.models if may_use(caller.key, (row.id,))]
    return shape.page([shape.row(row) for row in rows])


@app.get("/v1/models/{model_id:path}")
async def get_model(model_id: str, request: Request, caller: Caller, services: Services) -> dict[str, Any]:
    """One of them; its id may hold slashes."""
    row = services.model(model_id)
    if row is None or not may_use(caller.key, (model_id, row.id)):
        raise NotFound(f"The model '{model_id}' does not exist.", param="model", code="model_not_found")
    return listing.shape_for(request.headers).row(row)


handler = lambda_handler(app)
