"""What a provider's refusal means on every wire, and what of its words may be passed on.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses and account
ids; everything else is said in our words. What one wire alone says or hides stands with its codec.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gateway.errors import GatewayError, RequestTooLarge, UpstreamError, UpstreamOverloaded, UpstreamTimeout

# Statuses by which a provider says that the request itself is at fault.
INVALID = frozenset({400, 422})
UNEXPLAINED = "The provider found the request invalid."
RETRY_AFTER_S_MAX = 3600

_MESSAGE_CHARACTERS_MAX = 1000
_HIDDEN = "[hidden]"
_SECRETS = (
    r"\b(?:[a-z]+://|www\.)\S+",  # addresses
    r"\b[\w-]+(?:\.[\w-]+)+(?::\d+)?/\S*",  # hosts with a path
    r"\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|cloud|local|internal)\b",  # hosts alone
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
    r"\b(?:sk|pk|key|rk)-[\w*.-]{4,}|\bBearer\s+\S+",  # keys
)
_RETRY_AFTER = (("retry-after-ms", 1000), ("retry-after", 1))


class Scrubber:
    """Hides what gives away a key, an address or an account; `own` are expressions for the shapes of one provider."""

    def __init__(self, *own: str) -> None:
        self._secrets = re.compile("|".join((*_SECRETS, *own)), re.IGNORECASE)

    def text(self, message: object) -> str:
        """A provider's message, shortened and without secrets; empty where it is no string."""
        if not isinstance(message, str):
            return ""
        return self._secrets.sub(_HIDDEN, message[: 2 * _MESSAGE_CHARACTERS_MAX])[:_MESSAGE_CHARACTERS_MAX]

    def matching(self, pattern: re.Pattern[str], value: object) -> str | None:
        """A word of the provider's that is all `pattern`, where it is harmless to pass on."""
        plain = isinstance(value, str) and pattern.fullmatch(value) and not self._secrets.search(value)
        return str(value) if plain else None


def reported(body: bytes) -> object:
    """The JSON of an error's body, or `None` where it is something else."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def members(value: object) -> Mapping[str, Any]:
    """The members of an error, or none where it is no object."""
    return value if isinstance(value, dict) else {}


def header(headers: Mapping[str, str], name: str) -> str | None:
    """The value of the header `name` (lower-case), however the provider spells it."""
    return {spelled.lower(): value for spelled, value in headers.items()}.get(name)


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """`retry-after-ms` or `retry-after` in whole seconds; a date is left out, since a codec has no clock."""
    for name, per_second in _RETRY_AFTER:
        try:
            seconds = float(header(headers, name) or "") / per_second
        except ValueError:
            continue
        if 0 <= seconds <= RETRY_AFTER_S_MAX:
            return math.ceil(seconds)
    return None


def meaning(status: int, after_s: int | None = None) -> GatewayError:
    """What a status means by itself; one of `INVALID` is for the codec, which knows where the fault is told."""
    if status in _MEANINGS:
        return _MEANINGS[status](after_s)
    return failed(after_s) if status >= 500 else refused()


def too_large(_: int | None = None) -> GatewayError:
    """A request over the provider's limit."""
    return RequestTooLarge("The request is larger than the provider accepts.")


def credentials(_: int | None = None) -> GatewayError:
    """The gateway's own account is at fault, whatever the provider calls it."""
    return UpstreamError("The provider did not accept the gateway's account.", retryable=False)


def unknown_model(_: int | None = None) -> GatewayError:
    """A model of our catalog that the provider does not know."""
    return UpstreamError("The provider does not serve this model now.")


def timeout(after_s: int | None = None) -> GatewayError:
    """The provider gave up."""
    return UpstreamTimeout("The provider did not answer in time.", retry_after_s=after_s)


def overloaded(after_s: int | None = None) -> GatewayError:
    """A load or a quota."""
    return UpstreamOverloaded("The provider is overloaded or its quota is used up.", retry_after_s=after_s)


def failed(after_s: int | None = None) -> GatewayError:
    """Any failure of the provider's own."""
    return UpstreamError("The provider failed while serving the request.", retry_after_s=after_s)


def refused() -> GatewayError:
    """A refusal that nobody has a word for."""
    return UpstreamError("The provider refused the request.", retryable=False)


_MEANINGS: Mapping[int, Callable[[int | None], GatewayError]] = {
    401: credentials,
    402: credentials,
    403: credentials,
    404: unknown_model,
    408: timeout,
    413: too_large,
    429: overloaded,
    503: overloaded,
    504: timeout,
    529: overloaded,
}
