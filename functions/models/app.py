"""Serves the models for sale, in the shape of the SDK that asks and limited to the key's models; and to
strangers the root, the health and the OpenAPI document.
"""

import orjson

from gateway import VERSION
from gateway.catalog.listing import shape_for
from gateway.errors import NotFound
from gateway.http.app import unknown_path
from gateway.http.buffered import lambda_handler
from gateway.http.calls import Call, KeyedCall, Reply, Shown
from gateway.http.endpoints import Endpoints
from gateway.http.json_app import JsonApp
from gateway.http.wires import refuse_generating
from gateway.wiring.models import model_list

public, keyed = Endpoints(Call), Endpoints(KeyedCall)


@public.on("GET", "/")
@public.on("HEAD", "/")
async def root(call: Call) -> Shown:
    """Lists the endpoints, under the request's stage; Claude Code sends a HEAD here before anything else."""
    stage = call.request.base_path
    return {
        "object": "gateway",
        "name": "Nexgate",
        "base_urls": {"openai": f"{stage}/v1", "anthropic": f"{stage}/", "google": f"{stage}/"},
        "models": f"{stage}/v1/models",
    }


@public.on("GET", "/health")
@public.on("HEAD", "/health")
async def health(_: Call) -> Shown:
    """Shows that the API answers, and with which version; it reads nothing and needs no key."""
    return Reply(orjson.dumps({"status": "ok", "version": VERSION}), headers={"Cache-Control": "no-store"})


@public.on("GET", "/openapi.json")
async def openapi(_: Call) -> Shown:
    """Serves the document of the whole API, which `make openapi` has written beside this file."""
    from pathlib import Path  # noqa: PLC0415  # no cold start pays for it

    return Reply(Path(__file__).with_name("openapi.json").read_bytes(), headers={"Cache-Control": "max-age=300"})


@keyed.on("GET", "/v1/models")
@keyed.on("GET", "/v1beta/models")
async def list_models(call: KeyedCall) -> Shown:
    """Lists the models that the key may use and reach."""
    shape = shape_for(call.request.path, call.request.headers)
    seen = [row for model, row in model_list().rows(shape) if call.principal.may_see((model.id,), model.targets)]
    return shape.page(seen)


@keyed.on("GET", "/v1/models/{model_id...}")
@keyed.on("GET", "/v1beta/models/{model_id...}")
async def get_model(call: KeyedCall) -> Shown:
    """Shows a model; its id may hold slashes."""
    path, model_id = call.request.path, call.path["model_id"]
    refuse_generating(path)
    found = model_list().find(model_id, shape_for(path, call.request.headers))
    if found is None or not call.principal.may_see((model_id, found[0].id), found[0].targets):
        raise NotFound(f"The model '{model_id}' does not exist.", param="model", code="model_not_found")
    return found[1]


@public.on("GET", "/v1beta/{resource...}")
async def no_resource(call: Call) -> Shown:
    """Refuses an unknown resource in the shape of Gemini's errors."""
    refuse_generating(call.request.path)
    raise unknown_path(call.request.path)


# A model is found before the unknown resource that its path would be too.
app = JsonApp(keyed, public)
handler = lambda_handler(app)
