"""Reads what a request and its key ask of the cache: whether to be answered from it, and for whom to keep its answer.

The words of `X-Nexevo-Cache-Control` mean what they mean in HTTP's `Cache-Control`
(https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1), with `scope` beside them.
"""

from __future__ import annotations

from enum import StrEnum

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.request import ChatRequest
from gateway.errors import InvalidRequest
from gateway.ports.keys import EXACT, SEMANTIC, KeyRecord

# The time for which an answer is kept where its request names none, and the longest one.
KEEP_S = KEEP_S_MAX = 24 * 60 * 60
_DIGITS_MAX = 10

UNKNOWN = (
    "Unknown directive {!r} in X-Nexevo-Cache-Control. It takes 'max-age=SECONDS', 'no-store', 'no-cache' and "
    "'scope=user', 'scope=key' or 'scope=account', separated by commas."
)


class Scope(StrEnum):
    """The callers who share an answer: the account's, those of one key, or one end user's."""

    ACCOUNT = "account"
    KEY = "key"
    USER = "user"


class Control(Struct, frozen=True):
    """The terms of one request. `asks` is true where the header itself wants the cache used.

    `no_cache` wants a new answer, and `no_store` has it not kept; `max_age_s` is the oldest answer that will do.
    """

    scope: Scope = Scope.ACCOUNT
    max_age_s: int | None = None
    no_cache: bool = False
    no_store: bool = False
    asks: bool = False

    @property
    def keep_s(self) -> int:
        """The time for which the answer is kept, in seconds."""
        return KEEP_S if self.max_age_s is None else min(self.max_age_s, KEEP_S_MAX)

    @property
    def reads(self) -> bool:
        """True if a kept answer may be given."""
        return not self.no_cache and self.max_age_s != 0

    @property
    def keeps(self) -> bool:
        """True if the answer is to be kept."""
        return not self.no_store and self.keep_s > 0

    def takes(self, age_s: float) -> bool:
        """True if an answer of this age will do."""
        return self.max_age_s is None or age_s <= self.max_age_s


def control_in(header: str) -> Control:
    """Reads the header; raises `InvalidRequest` that names the directive which is wrong."""
    control = Control()
    for word in filter(None, map(str.strip, header.lower().split(","))):
        name, _, value = word.partition("=")
        name, value = name.strip(), value.strip().strip('"')
        if name == "max-age" and value.isascii() and value.isdecimal() and len(value) <= _DIGITS_MAX:
            control = replace(control, max_age_s=int(value), asks=True)
        elif name == "scope" and value in set(Scope):
            control = replace(control, scope=Scope(value), asks=True)
        elif word == "no-cache":
            control = replace(control, no_cache=True)
        elif word == "no-store":
            control = replace(control, no_store=True)
        else:
            raise InvalidRequest(UNKNOWN.format(word[:100]), param="X-Nexevo-Cache-Control")
    return control


def wanted(header: str | None, setting: str, request: ChatRequest) -> Control | None:
    """The terms on which the cache serves a request; `None` where it does not.

    A header that asks for an age or a scope uses it for any request. Of a key's settings, `exact` does so for requests
    whose answers are meant to repeat, and `semantic` for all: who wants other wordings to share an answer wants equal
    ones to.
    """
    control = Control() if header is None else control_in(header)
    by_setting = setting == SEMANTIC or (setting == EXACT and is_repeatable(request))
    if not (control.asks or by_setting) or not (control.reads or control.keeps):
        return None
    return control


def is_repeatable(request: ChatRequest) -> bool:
    """True if the caller has asked for the same answer to the same request: temperature 0, or a seed."""
    return request.sampling.temperature == 0 or request.sampling.seed is not None


def scope_name(scope: Scope, key: KeyRecord, user: str | None) -> str:
    """The name of the callers who share an answer, within their account.

    An end user is the request's `user` or, without one, the person whose key it is; without either it is the key's own.
    """
    if scope is Scope.ACCOUNT:
        return "account"
    if scope is Scope.USER and user is not None:
        return orjson.dumps(["end user", user]).decode()
    if scope is Scope.USER and key.user_id is not None:
        return orjson.dumps(["person", key.user_id]).decode()
    return orjson.dumps(["key", key.key_id]).decode()
