"""Hides what a log must not have: keys, tokens and e-mail addresses, by their names and by their shapes.

The gateway's own modules log ids, names and counts; this is the second fence, for texts that quote more than they
should. Each text is read once by expressions whose every repetition is bounded or cannot fail, so that the time grows
with the length and no text makes it grow faster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import Struct

HIDDEN = "[hidden]"
DEPTH_MAX = 8

# One of these is in every text that has something to hide, once it is lower-case and without `-`, `_` and blanks.
_NAMES = (
    *("authorization", "apikey", "cookie", "accesstoken", "refreshtoken", "idtoken", "authtoken"),
    *("sessiontoken", "securitytoken", "bearer", "basic", "privatekey", "subscriptionkey", "secretkey"),
    *("secretaccesskey", "signingkey", "clientsecret", "webhooksecret", "appsecret", "password", "passwd"),
    *("xamzsignature", "xamzcredential", "key=", "token=", "secret=", "sig=", "signature=", "code="),
    *('"key"', '"fullkey"', '"secret"', '"email"'),
)
# The same of shapes, in lower case and with `-` for `_`.
_PREFIXES = (
    *("sk", "pk", "rk", "xai", "gsk", "csk", "pplx", "nvapi", "whsec", "hf", "ghp", "gho", "ghs", "glpat", "msy"),
    *("r8", "fw", "tgp", "xoxa", "xoxb", "xoxp"),
)
_MARKS = (
    *("@", "%40", "eyj", "luma-", "github-pat-", "aiza", "ya29.", "aq.", "akia", "asia", "akid"),
    *("absk", "bedrock-api-key-"),
    *(f"{prefix}-" for prefix in _PREFIXES),
)
# Two shapes of nothing but hexadecimal digits. Each begins with a letter that is searched for as fast as memory is
# read, which one expression for both would not do.
_HEX = (r"-[0-9a-f]{12}:[0-9a-f]{16}", r"key_[0-9a-f]{64}")
# Names of members whose whole value is a secret, without what spellings differ in.
_MEMBERS = frozenset(
    {
        *("authorization", "proxyauthorization", "xapikey", "apikey", "xgoogapikey", "key", "fullkey", "cookie"),
        *("setcookie", "accesstoken", "refreshtoken", "idtoken", "sessiontoken", "xamzsecuritytoken", "password"),
        *("secret", "secretkey", "clientsecret", "webhooksecret", "secretaccesskey", "privatekey", "email"),
    }
)

# What a value is a secret by, in any spelling: `X-Api-Key`, `x_api_key`, `apiKey`, `API key`.
_NAME = (
    r"authorization|api[-_ ]?key|(?:set-?)?cookie|"
    r"(?:access|refresh|id|auth|session|security|bearer)[-_ ]?token|"
    r"(?:private|subscription|(?:client[-_ ]?)?secret|secret[-_ ]?access|signing)[-_ ]?key|"
    r"(?:client|webhook|app)[-_ ]?secret|passw(?:or)?d|x-amz-(?:signature|credential)"
)
_NAMED = (
    rf"((?:{_NAME}|[?&](?:key|token|secret|sig|signature|code))"
    # Quotes, brackets and colons between a name and its value, as JSON, Python, headers and queries write them.
    r"""(?:\\?["'\])]){0,3}\s{0,3}[:=,]\s{0,3}(?:[b(\[]{0,2}\\?["']){0,2})"""
    r"(?:(?:bearer|basic|digest|negotiate|key|token|apikey)\s{1,3})?"
    r"""[^\s"'\\,;&<>)\]}]{1,}"""
)
_COOKIES = r"""(cookie["']?\s{0,3}[:=]\s{0,3}["']?)[^"'\\\r\n]+"""
_SCHEME = r"""\b(bearer|basic)(\s{1,3})[\w.~+/=-]{8,}"""
_PEM = r"-----BEGIN[^-]{0,40}PRIVATE KEY-----[^\"]*"
# A word is what stands between blanks, quotes and brackets; one that has a secret in it is hidden whole.
_WORD = r"""[^\s"'\\<>(){}\[\],;|]{6,}"""
_SHAPES = (
    # E-mail addresses, and addresses with a password before their host.
    r"(?:@|%40)(?:[\w-]+\.)+[^\W\d_]{2,}|@localhost|"
    # JSON Web Tokens: base64url of `{"`.
    r"eyJ[\w-]{8}|"
    # Keys of vendors and of this gateway, and Standard Webhooks' secrets.
    rf"(?<![A-Za-z0-9])(?:(?:{'|'.join(_PREFIXES)})[-_][\w-]{{12}}"
    r"|luma-[\w-]{24}|key_[0-9a-f]{64}|github_pat_\w{12}|AIza[\w-]{24}|ya29\.[\w-]{8}|AQ\.[\w-]{24}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AKID\w{16}|ABSK[\w+/=]{24}|bedrock-api-key-)|"
    # fal's: an id and its secret.
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}:[0-9a-f]{16}"
)


class _Expressions(Struct, frozen=True):
    """The expressions, made by the first text that needs them: they cost a cold start some 10 ms."""

    private_key: re.Pattern[str]
    cookies: re.Pattern[str]
    named: re.Pattern[str]
    scheme: re.Pattern[str]
    word: re.Pattern[str]
    shapes: re.Pattern[str]


@cache
def _expressions() -> _Expressions:
    return _Expressions(
        re.compile(_PEM),
        re.compile(_COOKIES, re.IGNORECASE),
        re.compile(_NAMED, re.IGNORECASE),
        re.compile(_SCHEME, re.IGNORECASE),
        re.compile(_WORD),
        re.compile(_SHAPES),
    )


def may_hold(line: str) -> bool:
    """False for a line of JSON that certainly has nothing to hide, as nearly all: that is told in microseconds."""
    lower = line.lower()
    dashed = lower.replace("_", "-")
    bare = dashed.replace("-", "").replace(" ", "")
    if any(map(bare.__contains__, _NAMES)) or any(map(dashed.__contains__, _MARKS)):
        return True
    return any(re.search(shape, lower) for shape in _HEX)


def without_secrets(text: str) -> str:
    """The text, with each secret hidden."""
    by = _expressions()
    found = by.private_key.sub(HIDDEN, text)
    found = by.cookies.sub(rf"\1{HIDDEN}", found)
    found = by.named.sub(rf"\1{HIDDEN}", found)
    found = by.scheme.sub(rf"\1\2{HIDDEN}", found)
    return by.word.sub(lambda word: HIDDEN if by.shapes.search(word[0]) else word[0], found)


def clean(value: Any, depth: int = 0) -> Any:
    """A value of a log line with its secrets hidden, in its members too; the types are JSON's afterwards."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return without_secrets(value)
    if depth >= DEPTH_MAX:
        return HIDDEN
    if isinstance(value, Mapping):
        return {
            without_secrets(str(name)): HIDDEN if _is_secret(name) else clean(member, depth + 1)
            for name, member in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        elements = list(value)
        if len(elements) == 2 and _is_secret(elements[0]):
            return [elements[0] if isinstance(elements[0], str) else str(elements[0]), HIDDEN]
        return [clean(element, depth + 1) for element in elements]
    return without_secrets(value.decode("latin-1") if isinstance(value, bytes) else str(value))


def _is_secret(name: object) -> bool:
    """True if a member or header of the name holds a secret."""
    text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
    return len(text) <= 40 and "".join(filter(str.isalnum, text.lower())) in _MEMBERS
