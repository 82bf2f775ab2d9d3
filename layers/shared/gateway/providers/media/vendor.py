"""What a media vendor is to the job engine: a row of pure functions. Requests out, answers in.

Failures of an exchange are raised as the house's errors: `InvalidRequest` for an order that the vendor will never take,
`UpstreamOverloaded` where it is busy, `UpstreamError` where it failed; how a task itself ended is a `TaskState`. Only
words of a vendor that a client may see go into messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.canonical.media import MediaOrder, ProviderAnswer, TaskState
from gateway.ports import Credential, UpstreamRequest


@dataclass(frozen=True, slots=True)
class Callback:
    """How a vendor's webhook is known to be the vendor's.

    `verify` raises `AuthenticationFailed` for a delivery (lower-case headers, raw body) that it did not sign, or whose
    signature is older than it may be. `keys` asks for the public keys where the vendor publishes them, `None` where a
    secret of the credential signs. A delivery only wakes the job: what it says is asked for again.
    """

    verify: Callable[[Mapping[str, str], bytes, Credential, bytes, float], None]
    usable: Callable[[Credential], bool]
    keys: Callable[[Credential], UpstreamRequest] | None = None


@dataclass(frozen=True, slots=True)
class MediaVendor:
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
