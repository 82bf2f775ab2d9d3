"""Builds requests to a resource of Azure OpenAI, under its present addresses or those of one version.

https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle. The credential's `extra` holds the name of
the `resource` (or the row has a `base_url`), and `api_version` where a dated version is to be asked for: its addresses
name the deployment, those of `/openai/v1` do not. The target's `upstream_model` is the deployment's name.
"""

from __future__ import annotations

from gateway.framing.percent import encoded
from gateway.ports.upstream import Credential
from gateway.providers.outgoing import Headers, Outgoing, setting

_ROOT, _V1 = "/openai", "/openai/v1"
# The words for the addresses without a date; "v1" is the one that needs not be said.
_UNDATED = frozenset({"v1", "preview", "latest"})


def base_url(credential: Credential) -> str:
    """The resource's endpoint."""
    return f"https://{setting(credential, 'resource')}.openai.azure.com"


def chat_path(outgoing: Outgoing) -> str:
    """The path of Chat Completions."""
    return _path(outgoing, "/chat/completions", f"/deployments/{encoded(outgoing.model)}/chat/completions")


def responses_path(outgoing: Outgoing) -> str:
    """The path of Responses, which names no deployment in any version."""
    return _path(outgoing, "/responses", "/responses")


def embeddings_path(outgoing: Outgoing) -> str:
    """The path of embeddings."""
    return _path(outgoing, "/embeddings", f"/deployments/{encoded(outgoing.model)}/embeddings")


def speech_path(outgoing: Outgoing) -> str:
    """The path of speech."""
    return audio_path(outgoing, "/audio/speech")


def audio_path(outgoing: Outgoing, path: str) -> str:
    """The path of one endpoint of sound."""
    return _path(outgoing, path, f"/deployments/{encoded(outgoing.model)}{path}")


def images_path(outgoing: Outgoing) -> str:
    """The path that makes pictures."""
    return _path(outgoing, "/images/generations", f"/deployments/{encoded(outgoing.model)}/images/generations")


def image_edits_path(outgoing: Outgoing) -> str:
    """The path that edits pictures."""
    return _path(outgoing, "/images/edits", f"/deployments/{encoded(outgoing.model)}/images/edits")


def headers(_: str, outgoing: Outgoing) -> Headers:
    """The key in Azure's own header."""
    return (("api-key", outgoing.credential.api_key),)


def _path(outgoing: Outgoing, undated: str, dated: str) -> str:
    """A path below the base URL, which may end in a part of it, as it is shown in Azure's portal."""
    version = outgoing.credential.extra.get("api_version", "v1")
    path = _V1 + undated if version in _UNDATED else _ROOT + dated
    given = (outgoing.credential.base_url or "").rstrip("/")
    held = next((part for part in (_V1, _ROOT) if given.endswith(part) and path.startswith(part)), "")
    return path.removeprefix(held) + ("" if version == "v1" else f"?api-version={version}")
