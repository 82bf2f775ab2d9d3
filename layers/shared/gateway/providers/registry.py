"""Who holds the accounts: a row per provider. A provider without behaviour of its own is a row and no file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.canonical.codec import UpstreamCodec
from gateway.ports import Credential
from gateway.protocols import openai_chat

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """One row. `path` follows the base URL; `headers` are the credential's, in this provider's manner."""

    name: str
    base_url: str
    path: str
    codec: UpstreamCodec
    headers: Callable[[Credential], Headers]

    def url(self, credential: Credential) -> str:
        """Where a request goes: the operator's base URL, as the vendor's SDK takes it, or the vendor's own."""
        return (credential.base_url or self.base_url).rstrip("/") + self.path


def bearer(credential: Credential) -> Headers:
    """The key as a bearer token, OpenAI's manner."""
    return (("authorization", f"Bearer {credential.api_key}"),)


PROVIDERS = {
    row.name: row
    for row in (
        Provider(
            name="openai",
            base_url="https://api.openai.com/v1",
            path="/chat/completions",
            codec=openai_chat.UPSTREAM,
            headers=bearer,
        ),
    )
}
