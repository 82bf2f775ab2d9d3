"""Lists every endpoint: what a client can ask of the template's routes, and the family that answers.

The paths of JSON families are read from their apps and those of streaming families from the template, so that a new
endpoint is there at once. What lies below a greedy path of a streaming family is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from gateway.http.json_app import JsonApp
from gateway.http.streaming_app import StreamingApp
from tests.http.documents import documented
from tests.template.families import streamed

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = [path.parent.name for path in sorted((ROOT / "functions").glob("*/app.py"))]
# What answers without a key. Callbacks are known by their providers' signatures.
PUBLIC = {"/", "/health", "/v1beta/{resource}", "/v1/callbacks/{provider}/{job_id}/{attempt}"}
# A route that leads to no endpoint: its family refuses every path of it.
NOWHERE = "/v1beta/tunedModels/x:generateContent"
# Account, keys, billing and webhooks take a key that manages its account.
MANAGED = ("/v1/keys", "/keys", "/v1/provider-keys", "/v1/billing", "/billing", "/v1/webhooks")
# Endpoints of streaming families below paths that end in `{proxy+}`.
BELOW = {
    "gemini": [
        *(f"POST /{version}/models/gpt-4o:{verb}" for version in ("v1beta", "v1") for verb in ("generateContent",)),
        *("POST /v1beta/models/gpt-4o:streamGenerateContent", "POST /v1beta/models/gpt-4o:countTokens"),
    ],
    "messages": ["POST /v1/messages/count_tokens"],
    "responses": [
        *("POST /v1/responses/compact", "POST /v1/responses/input_tokens"),
        *("GET /v1/responses/resp_nxn-1", "DELETE /v1/responses/resp_nxn-1"),
        *("POST /v1/responses/resp_nxn-1/cancel", "GET /v1/responses/resp_nxn-1/input_items"),
    ],
}


@dataclass(frozen=True)
class Endpoint:
    """One method of one path, and the family that serves it."""

    family: str
    method: str
    path: str

    @property
    def app(self) -> JsonApp | StreamingApp:
        found: JsonApp | StreamingApp = import_module(f"functions.{self.family}.app").app
        return found

    @property
    def is_managed(self) -> bool:
        return self.path.startswith(MANAGED)

    @property
    def takes_key(self) -> bool:
        return self.path not in {*PUBLIC, NOWHERE}


@cache
def endpoints() -> tuple[Endpoint, ...]:
    """Lists every endpoint; `test_every_endpoint.py` holds that none of the template's routes is left out."""
    return (*_endpoints(), Endpoint("gemini", "POST", NOWHERE))


def _endpoints() -> Iterator[Endpoint]:
    for family in FAMILIES:
        app = getattr(import_module(f"functions.{family}.app"), "app", None)
        if isinstance(app, StreamingApp):
            exact = [path for _, path in streamed()[family] if "{" not in path]
            for line in [*(f"POST {path}" for path in exact), *BELOW.get(family, ())]:
                yield Endpoint(family, *line.split(" "))
        elif isinstance(app, JsonApp):
            for path, methods in documented(app)["paths"].items():
                yield from (Endpoint(family, method.upper(), path) for method in methods)
