"""Builds requests to Google's two APIs: the Developer API by key, Vertex by project and access token.

Vertex serves Claude too, on Anthropic's wire, with the model in the path and the version in the body:
https://docs.claude.com/en/api/claude-on-vertex-ai.

Vertex's hosts and paths: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations. With a project in the
credential's `extra` the credential's key is an access token; without one it is a key of Vertex's express mode
(https://cloud.google.com/vertex-ai/generative-ai/docs/start/express-mode/overview), which knows neither project nor
location. Versions are those that Google's own SDK asks for.
"""

from __future__ import annotations

from gateway.framing.percent import encoded
from gateway.ports.upstream import Credential
from gateway.providers.chat.wires import part
from gateway.providers.outgoing import Headers, Outgoing, anthropic_betas, setting

_GLOBAL = "global"
_CLAUDE_VERSION = b'"vertex-2023-10-16"'
# https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
LOCATIONS = r"global|us|eu|[a-z]+-[a-z]+[1-9][0-9]?"


def developer_path(outgoing: Outgoing) -> str:
    """The model's, under the version that knows thinking and signatures."""
    return "/v1beta" + _path(outgoing)


def developer_count_path(outgoing: Outgoing) -> str:
    """Returns the path that counts the model's prompts."""
    address = part("gemini.address")
    return f"/v1beta{address.upstream_path(outgoing.model, address.COUNT)}"


def developer_headers(_: str, outgoing: Outgoing) -> Headers:
    """The key, in Google's manner."""
    return (("x-goog-api-key", outgoing.credential.api_key),)


def vertex_base_url(credential: Credential) -> str:
    """The location's endpoint; the global one has no location in its name."""
    location = credential.extra.get("location", _GLOBAL)
    region = "" if location == _GLOBAL else f"{location}-"
    return f"https://{region}aiplatform.googleapis.com"


def vertex_path(outgoing: Outgoing) -> str:
    """The publisher's model, in the account's project where it has one."""
    extra = outgoing.credential.extra
    owner = f"/projects/{extra['project']}/locations/{extra.get('location', _GLOBAL)}" if "project" in extra else ""
    return f"/v1beta1{owner}/publishers/google" + _path(outgoing)


def vertex_headers(url: str, outgoing: Outgoing) -> Headers:
    """An access token, or a key of the express mode."""
    if "project" not in outgoing.credential.extra:
        return developer_headers(url, outgoing)
    return (("authorization", f"Bearer {outgoing.credential.api_key}"),)


def vertex_claude_path(outgoing: Outgoing) -> str:
    """The path of a Claude, in the account's project: there is none without one."""
    credential = outgoing.credential
    place = f"projects/{setting(credential, 'project')}/locations/{credential.extra.get('location', _GLOBAL)}"
    verb = "streamRawPredict" if outgoing.stream else "rawPredict"
    return f"/v1/{place}/publishers/anthropic/models/{encoded(outgoing.model)}:{verb}"


def vertex_claude_headers(url: str, outgoing: Outgoing) -> Headers:
    """The access token, and the betas that the caller asked for."""
    return (*vertex_headers(url, outgoing), *anthropic_betas(outgoing))


def vertex_claude_body(body: bytes) -> bytes:
    """A body of Anthropic's as Vertex takes it."""
    from gateway.framing.json_edit import edit  # noqa: PLC0415  # the rows are read where no body is edited

    return edit(body, {"anthropic_version": _CLAUDE_VERSION}, frozenset({"model"}))


def _path(outgoing: Outgoing) -> str:
    address = part("gemini.address")
    path: str = address.upstream_path(outgoing.model, address.STREAM if outgoing.stream else address.GENERATE)
    return path
