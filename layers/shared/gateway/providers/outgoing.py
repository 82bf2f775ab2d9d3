"""One request on its way to a provider: what its address and its headers may depend on, and two manners of keys."""

from __future__ import annotations

from msgspec import Struct

from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential

Headers = tuple[tuple[str, str], ...]

# https://docs.claude.com/en/api/versioning
ANTHROPIC_VERSION = "2023-06-01"


class Outgoing(Struct, frozen=True):
    """A request before it is addressed and signed. `model` is the provider's name of it, `now_s` epoch seconds."""

    model: str
    stream: bool
    body: bytes
    credential: Credential
    now_s: float
    betas: tuple[str, ...] = ()


def setting(credential: Credential, name: str) -> str:
    """Returns a setting that a row needs besides a key. Raises `UpstreamError` if the operator has not set it."""
    value = credential.extra.get(name)
    if not value:
        raise UpstreamError("The provider's account is not fully configured in this deployment.", retryable=False)
    return value


def bearer(_: str, outgoing: Outgoing) -> Headers:
    """The key as a bearer token, OpenAI's manner."""
    return (("authorization", f"Bearer {outgoing.credential.api_key}"),)


def anthropic_key(_: str, outgoing: Outgoing) -> Headers:
    """The key, the version of the wire that the codec speaks, and the betas that the caller asked for."""
    return (
        ("x-api-key", outgoing.credential.api_key),
        ("anthropic-version", ANTHROPIC_VERSION),
        *anthropic_betas(outgoing),
    )


def anthropic_betas(outgoing: Outgoing) -> Headers:
    """The betas that a caller of Anthropic's wire asked for."""
    return (("anthropic-beta", ",".join(outgoing.betas)),) if outgoing.betas else ()
