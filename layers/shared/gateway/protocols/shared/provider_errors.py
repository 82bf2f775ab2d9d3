"""Converts a provider's refusal on every wire, and limits the text that may be passed on.

A provider's own words reach a caller only where the fault is the caller's, and then without keys, addresses and account
ids; everything else is said in our words. What one wire alone says or hides stands with its codec.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson

from gateway.errors import (
    CredentialRefused,
    GatewayError,
    RequestTooLarge,
    UpstreamError,
    UpstreamOverloaded,
    UpstreamTimeout,
)
from gateway.logs.secrets import without_secrets

# Statuses by which a provider says that the request itself is at fault.
INVALID = frozenset({400, 422})
UNEXPLAINED = "The provider found the request invalid."
RETRY_AFTER_S_MAX = 3600

_MESSAGE_CHARACTERS_MAX = 1000
_HOLDERS = ("error", "detail", "errors")
_HIDDEN = "[hidden]"
# Any wire's answer may be of any vendor: a provider may be a gateway itself.
_SECRETS = (
    r"\b(?:[a-z]+://|www\.)\S+",  # addresses
    r"\b[\w-]+(?:\.[\w-]+)+(?::\d+)?/\S*",  # hosts with a path
    r"\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|cloud|corp|lan|local|intranet|internal|svc|example)\b",  # hosts alone
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b",
    r"\b(?:sk|pk|key|rk|gsk|xai|sess)-[\w*.-]{4,}|\bgsk_\w+|\bBearer\s+\S+",  # keys
    r"\bAIza[\w-]+|\bya29\.\S+|\bAQ\.[\w-]+|\b(?:AKIA|ASIA|ABSK)[A-Za-z0-9+/=]{8,}",
    r"(?<![A-Za-z0-9])(?:org|proj)[-_][A-Za-z0-9]{6,}",  # accounts
    r"(?<![A-Za-z0-9])(?:user|req|acct|wrkspc|workspace)[-_](?=[a-z]*\d)[A-Za-z0-9]{6,}",  # accounts and requests
    r"\barn:aws[\w:/.@-]+|\b\d{12}\b",  # accounts of AWS, and what they own
    r"\b(?:projects|tunedModels|cachedContents|fileSearchStores)/\S+|\bproject[_ ](?:number|id):?\s*\S+",  # Google's
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",  # organizations and requests
)
_RETRY_AFTER = (("retry-after-ms", 1000), ("x-ms-retry-after-ms", 1000), ("retry-after", 1))
# https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7: the form of today, and the two that recipients still read.
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
# By the group of a span that names the unit.
_UNIT_S = {2: 0.001, 3: 3600.0, 4: 60.0, 5: 1.0}
# "Please try again in 1m4.5s.", "Please retry after 20 seconds."
_SPAN_TEXT = r"(\d+(?:\.\d+)?)\s*(?:(ms|milliseconds?)|(h|hours?)|(m|min|minutes?)|(s|sec|seconds?))(?![a-z])"
# A provider may serve any vendor's model on any wire, and then says in that vendor's words that the context is full.
_CONTEXT_FULL_TEXT = (
    r"prompt is too long|(?:input|prompt|conversation) (?:length )?(?:is too long|too large)|"
    r"(?:maximum|exceeds? the|exceeded the|model's|available|total) context (?:length|window|size|limit)|"
    r"context (?:length|window|size) (?:limit |is |was )?exceeded|"
    r"exceed(?:s|ed)? (?:the )?(?:model's )?(?:maximum )?context|"
    r"context (?:length|window|size) exceeds|greater than the context (?:length|window)|"
    r"token count.{0,60}(?:exceeds? the (?:maximum|limit)|only supports)|too many (?:input )?tokens|"
    r"number of input tokens exceeds|exceed(?:s|ed)? (?:the )?model token limit|prompt exceeds max|"
    r"range of input length should be|"
    r"(?:reduce|shorten) (?:the length of )?(?:the|your) (?:messages|prompt|input)|maximum prompt length"
)


# The expressions are compiled by the first error that needs them: together they are 3 % of a cold start.
@cache
def _secret() -> re.Pattern[str]:
    return re.compile("|".join(_SECRETS), re.IGNORECASE)


@cache
def _context_full() -> re.Pattern[str]:
    return re.compile(_CONTEXT_FULL_TEXT, re.IGNORECASE)


@cache
def _span() -> re.Pattern[str]:
    return re.compile(_SPAN_TEXT, re.IGNORECASE)


@cache
def _wait() -> re.Pattern[str]:
    said = rf"\b(?:try again|retry|wait)\b[^.\d]{{0,40}}((?:{_SPAN_TEXT}[\s,]*(?:and\s+)?)+)"
    return re.compile(said, re.IGNORECASE)


def scrubbed(message: object) -> str:
    """A provider's message, shortened and without keys, addresses and accounts; empty where it is no string."""
    if not isinstance(message, str):
        return ""
    hidden = _secret().sub(_HIDDEN, message[: 2 * _MESSAGE_CHARACTERS_MAX])
    return without_secrets(hidden)[:_MESSAGE_CHARACTERS_MAX]


def harmless(pattern: re.Pattern[str], value: object) -> str | None:
    """A word of the provider's that is all `pattern`, where it gives away none of these."""
    plain = isinstance(value, str) and pattern.fullmatch(value) and not _secret().search(value)
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


def error_fields(value: object) -> Mapping[str, Any]:
    """The members of the error that a body tells, with its words in `message`.

    The error is an object, a text or a list of either, in `error` or at the top. Servers of FastAPI have `detail`
    (https://fastapi.tiangolo.com/tutorial/handling-errors/), and OpenRouter quotes the vendor in `metadata.raw`
    (https://openrouter.ai/docs/api/reference/errors-and-debugging).
    """
    body = members(_first(value))
    if isinstance(body.get("msg"), str):
        return {"message": body["msg"]}
    if not isinstance(body.get("message"), str):
        for held in (_first(body.get(name)) for name in _HOLDERS):
            if isinstance(held, dict | str):
                return {"message": held} if isinstance(held, str) else error_fields(held)
    quoted = members(body.get("metadata")).get("raw")
    if not quoted:
        return body
    told = reported(quoted.encode()) if isinstance(quoted, str) else quoted
    words = quoted if told is None else error_fields(told).get("message")
    return {**body, "message": words} if words else body


def _first(value: object) -> object:
    return next(iter(value), None) if isinstance(value, list) else value


def status_unstated(fields: Mapping[str, Any]) -> int:
    """The status of an error inside a stream, or a body of status 200, that names none; its words may tell."""
    message = fields.get("message")
    return 400 if isinstance(message, str) and is_context_full(message) else 502


def header(headers: Mapping[str, str], name: str) -> str | None:
    """The value of the header `name` (lower-case), however the provider spells it."""
    return {spelled.lower(): value for spelled, value in headers.items()}.get(name)


def is_context_full(message: str) -> bool:
    """True if a refusal says, in any vendor's words, that the conversation is longer than the model's context."""
    return _context_full().search(message) is not None


def retry_after_s(headers: Mapping[str, str], said: object = None) -> int | None:
    """Returns the seconds that the provider asks to wait, an hour at most; `said` is the error's message.

    A date counts from the answer's own `date`: a codec has no clock.
    """
    told_s = _told_by_headers_s(headers)
    return _told_in_words_s(said) if told_s is None else told_s


def _told_in_words_s(said: object) -> int | None:
    found = _wait().search(said) if isinstance(said, str) else None
    if found is None:
        return None
    waits_s = (float(span[1]) * _UNIT_S[span.lastindex or 1] for span in _span().finditer(found[1]))
    return math.ceil(min(sum(waits_s), RETRY_AFTER_S_MAX))


def _told_by_headers_s(headers: Mapping[str, str]) -> int | None:
    for name, per_second in _RETRY_AFTER:
        try:
            seconds = float(header(headers, name) or "") / per_second
        except ValueError:
            continue
        if seconds >= 0:
            return math.ceil(min(seconds, RETRY_AFTER_S_MAX))
    until, now = _date(header(headers, "retry-after")), _date(header(headers, "date"))
    if until is None or now is None:
        return None
    return math.ceil(min(max((until - now).total_seconds(), 0), RETRY_AFTER_S_MAX))


def _date(value: str | None) -> datetime | None:
    """A date of HTTP's, in UTC."""
    for form in _DATES:
        try:
            return datetime.strptime(value or "", form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def meaning(status: int, after_s: int | None = None) -> GatewayError:
    """Converts a status alone; the codec handles `INVALID`, because it knows the place of the fault."""
    if status in _MEANINGS:
        return _MEANINGS[status](after_s)
    return failed(after_s) if status >= 500 else refused()


def too_large(_: int | None = None) -> GatewayError:
    """A request over the provider's limit."""
    return RequestTooLarge("The request is larger than the provider accepts.")


def credentials(_: int | None = None) -> GatewayError:
    """Reports a fault of the account at the provider, for every name that providers give it."""
    return CredentialRefused()


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
    """Builds the error for a refusal of an unknown kind."""
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
