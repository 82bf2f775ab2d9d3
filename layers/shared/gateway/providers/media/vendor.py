"""Defines a media vendor for the job engine as a row of pure functions that build requests and read answers.

A failed exchange raises one of the gateway's errors: `InvalidRequest` for an order that the vendor will never take,
`UpstreamOverloaded` where it is busy, `UpstreamError` where it failed; how a task itself ended is a `TaskState`. Only
words of a vendor that a client may see go into messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from gateway.canonical.media import MediaOrder, ProviderAnswer, TaskState
from gateway.ports.upstream import Credential, UpstreamRequest


class Callback(Struct, frozen=True):
    """Verifies that a vendor's webhook comes from the vendor, about a task of this deployment's own account there.

    Its settings are a credential of their own, which holds no API key. `needs` names the one that ties deliveries to
    the account: the secret that signs them, or the account's id where keys sign that the vendor publishes. Without it
    no delivery is asked for. `verify` raises `AuthenticationFailed` for a delivery (lower-case headers, raw body) that
    the vendor did not sign, that is another account's, or whose signature is older than it may be. `keys` asks for the
    public keys where the vendor publishes them, and `claim` then raises the same beforehand, for a delivery that does
    not even claim to be of the account and of now: a stranger's causes no request. A delivery only wakes the job: what
    it says is asked for again.
    """

    needs: str
    verify: Callable[[Mapping[str, str], bytes, Credential, bytes, float], None]
    keys: Callable[[Credential], UpstreamRequest] | None = None
    claim: Callable[[Mapping[str, str], Credential, float], None] | None = None

    def usable(self, settings: Credential | None) -> bool:
        """True if the settings say whose deliveries are the account's."""
        return settings is not None and bool(settings.extra.get(self.needs))


class MediaVendor(Struct, frozen=True):
    """One row. A handle is the vendor's name of a task, as text; it holds no credential.

    `submit` makes the request of an attempt, `accepted` reads the handle off its answer; `poll` asks for a task,
    `state` reads what it says. `cancel` stops one, where the vendor can. `source` is the document that the shapes were
    taken from; `verified` says that the vendor's own SDK drives the simulator that they are tested against.
    """

    name: str
    submit: Callable[[MediaOrder, Credential, float], UpstreamRequest]
    accepted: Callable[[ProviderAnswer], str]
    poll: Callable[[str, Credential, float], UpstreamRequest]
    state: Callable[[str, ProviderAnswer, Credential], TaskState]
    source: str
    cancel: Callable[[str, Credential, float], UpstreamRequest] | None = None
    callback: Callback | None = None
    verified: bool = False
