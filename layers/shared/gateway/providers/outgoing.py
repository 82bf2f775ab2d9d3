"""One request on its way to a provider: what its address and its headers may depend on."""

from __future__ import annotations

from msgspec import Struct

from gateway.errors import UpstreamError
from gateway.ports.upstream import Credential

Headers = tuple[tuple[str, str], ...]


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
