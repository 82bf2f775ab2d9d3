"""Serves the models for sale, in the shape of the SDK that asks and limited to the key's models; and the root,
publicly.
"""

from typing import Any

from fastapi import Request, Response

from gateway import VERSION
from gateway.catalog.listing import shape_for
from gateway.errors import MethodNotAllowed, NotFound
from gateway.http.json_app import GENERATING, Caller, control_app, lambda_handler
from gateway.wiring.models import model_list

app = control_app("models")


@app.api_route("/", methods=["GET", "HEAD"])
async def root(request: Request) -> dict[str, Any]:
    """Lists the endpoints, under the request's stage; Claude Code sends a HEAD here before anything else."""
    stage = request.scope["aws.event"]["requestContext"]["path"].rstrip("/")
    return {
        "object": "gateway",
        "name": "Nexgate",
        "base_urls": {"openai": f"{stage}/v1", "anthropic": f"{stage}/", "google": f"{stage}/"},
        "models": f"{stage}/v1/models",
    }


@app.api_route("/health", methods=["GET", "HEAD"])
async def health(response: Response) -> dict[str, Any]:
    """Shows that the API answers, and with which version; it reads nothing and needs no key."""
    response.headers["Cache-Control"] = "no-store"
    return {"status": "ok", "version": VERSION}


@app.get("/v1/models")
@app.get("/v1beta/models")
async def list_models(request: Request, caller: Caller) -> dict[str, Any]:
    """Lists the models that the key may use and reach."""
    shape = shape_for(request.url.path, request.headers)
    rows = [row for row in model_list().rows if caller.may_see((row.id,), row.targets)]
    return shape.page([shape.row(row) for row in rows])


@app.get("/v1/models/{model_id:path}")
@app.get("/v1beta/models/{model_id:path}")
async def get_model(model_id: str, request: Request, caller: Caller) -> dict[str, Any]:
    """Shows a model; its id may hold slashes."""
    if model_id.rpartition(":")[2] in GENERATING:
        raise MethodNotAllowed(f"{request.url.path} takes POST, not GET.", allowed=["POST"])
    row = model_list().find(model_id)
    if row is None or not caller.may_see((model_id, row.id), row.targets):
        raise NotFound(f"The model '{model_id}' does not exist.", param="model", code="model_not_found")
    return shape_for(request.url.path, request.headers).row(row)


@app.get("/v1beta/{resource:path}")
async def no_resource(resource: str, request: Request) -> None:
    """Refuses an unknown resource in the shape of Gemini's errors."""
    if resource.rpartition(":")[2] in GENERATING:
        raise MethodNotAllowed(f"{request.url.path} takes POST, not GET.", allowed=["POST"])
    raise NotFound(f"Unknown path: {request.url.path}.", code="unknown_url")


handler = lambda_handler(app)
