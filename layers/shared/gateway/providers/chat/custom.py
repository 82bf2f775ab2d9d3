"""Builds requests to providers that an operator adds by configuration alone: vLLM, Ollama, LiteLLM, another gateway.

The secret's row `custom/<row>` holds `base_url`, as the wire's own SDK takes it, and `api_key` where the server wants
one. No address comes from a caller.
"""

from __future__ import annotations

from gateway.ports.upstream import Credential
from gateway.providers.outgoing import Headers, Outgoing, anthropic_key, bearer, setting

# How an operator may call a place; one that begins with `cn` or `china` is in China's mainland.
REGIONS = r"[a-z][a-z0-9-]*"
_VERSION = "/v1"


def base_url(credential: Credential) -> str:
    """Raises `UpstreamError`: the operator's own address is the only one."""
    return setting(credential, "base_url")


def messages_path(outgoing: Outgoing) -> str:
    """The path of Anthropic's wire, below an address that an SDK of Anthropic's takes, or one of OpenAI's."""
    address = (outgoing.credential.base_url or "").rstrip("/")
    return "/messages" if address.endswith(_VERSION) else f"{_VERSION}/messages"


def chat_headers(url: str, outgoing: Outgoing) -> Headers:
    """The key as a bearer token, if there is one."""
    return bearer(url, outgoing) if outgoing.credential.api_key else ()


def messages_headers(url: str, outgoing: Outgoing) -> Headers:
    """The key in Anthropic's manner, if there is one, and the version."""
    return tuple((name, value) for name, value in anthropic_key(url, outgoing) if value)
