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

from gateway.http.callers import TABLE, Callers
from gateway.http.json_app import JsonApp
from gateway.http.streaming_app import StreamingApp
from tests.template.families import streamed

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = [path.parent.name for path in sorted((ROOT / "functions").glob("*/app.py"))]
# A route that leads to no endpoint: its family refuses every path of it.
NOWHERE = "/v1beta/tunedModels/x:generateContent"
# Endpoints of streaming families below paths that end in `{proxy+}`.
BELOW = {
    "agents": ["GET /v1/agents/run/stream"],
    "tasks": [
        *("GET /v1/tasks", "GET /v1/tasks/task_1", "POST /v1/tasks/task_1/confirm"),
        "POST /v1/tasks/task_1/cancel",
    ],
    "audio": [f"POST /v1/audio/{part}" for part in ("speech", "transcriptions", "translations")],
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
    def row(self) -> str:
        """Finds the endpoint's row in the table of callers; raises `LookupError` where it has none."""
        rows = {row.replace("...}", "}"): row for row in TABLE}
        for named in (f"{self.method} {self.path}", f"{self.method} /v1{self.path}"):
            if named in rows:
                return rows[named]
        # A streaming family's paths are listed here as a client asks for them.
        for row in TABLE:
            method, _, path = row.partition(" ")
            if method == self.method and _fits(path.split("/"), self.path.split("/")):
                return row
        raise LookupError(f"{self.method} {self.path} has no row in gateway/http/callers.py")

    @property
    def callers(self) -> Callers:
        return TABLE[self.row]

    @property
    def takes_key(self) -> bool:
        return "stranger" not in self.callers and self.path != NOWHERE


def _fits(pattern: list[str], asked: list[str]) -> bool:
    """True for a path of the pattern; a part in braces is any part."""
    if pattern[-1].endswith("...}"):
        pattern, asked = pattern[:-1], asked[: len(pattern) - 1] if len(asked) >= len(pattern) else []
    pairs = zip(pattern, asked, strict=False)
    return len(pattern) == len(asked) and all(own == other or own.startswith("{") for own, other in pairs)


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
            found = {(each.method, each.path.replace("...}", "}")) for each in app.endpoints}
            yield from (Endpoint(family, method, path) for method, path in sorted(found, key=lambda one: one[::-1]))
