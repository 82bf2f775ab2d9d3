"""The verbs of an operation whose output has no open length. Its answers come whole, unless it says otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from gateway.canonical.response import Stamp
from gateway.errors import InvalidRequest
from gateway.pipeline.operation import InboundRequest, Transcoder
from gateway.ports.upstream import Credential
from gateway.routing.plan import Candidate

R = TypeVar("R")
A = TypeVar("A")


class Vendor(Protocol):
    """The address of a provider, and its accounts by region."""

    def origin(self, credential: Credential) -> str: ...

    @property
    def located(self) -> Callable[[Credential, str | None], Credential]: ...


class WholeAnswers(Generic[R, A]):
    """The verbs that embeddings, rerank, pictures and sound have in common."""

    def vendor(self, candidate: Candidate[Any]) -> Vendor:
        """The row of the candidate's provider."""
        raise NotImplementedError

    def account(self, candidate: Candidate[Any], credential: Credential) -> Credential:
        """The credential in the candidate's region."""
        return self.vendor(candidate).located(credential, candidate.target.region)

    def origin(self, candidate: Candidate[Any], credential: Credential) -> str:
        """The base URL of the provider."""
        return self.vendor(candidate).origin(self.account(candidate, credential))

    def bounded(self, request: R, units: int) -> R:
        """The request as it is: no output is open."""
        del units
        return request

    def fetching(self, request: R) -> Callable[[InboundRequest, R], Awaitable[R]] | None:
        """Nothing is fetched: the request names no files."""
        del request
        return None

    def recall(self, account_id: str, request: R, candidate: Candidate[Any]) -> None:
        """Nothing completes the request."""
        del account_id, request, candidate

    def streams(self, request: R, candidate: Candidate[Any]) -> bool:
        """Answers come whole."""
        del request, candidate
        return False

    def shares_quota(self, candidate: Candidate[Any]) -> bool:
        """False: these models have limits of their own at every provider."""
        del candidate
        return False

    def amended(self, request: R, refusal: InvalidRequest) -> R | None:
        """A refusal stands."""
        del request, refusal
        return None

    def keep(self, account_id: str, answer: A) -> Coroutine[Any, Any, None] | None:
        """Nothing is kept."""
        del account_id, answer
        return None

    def caching(self, inbound: InboundRequest, request: R) -> None:
        """No answer is kept."""
        del inbound, request

    def transcoder(self, request: R, stamp: Stamp) -> Transcoder[A]:
        """Raises: no such request asks for a stream."""
        del request
        raise NotImplementedError(f"{stamp.response_id} is answered whole")
