"""Strategies for whole requests to an endpoint: path, query, headers and body, each near valid or far from it."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.json_text import BOOLEANS, STRINGS, below, changed, deep, one_of
from tests.fuzz.samples import MODELS, samples_of
from tests.generation.studio import KEY, OTHER_KEY, PNG
from tests.http.endpoints import Endpoint
from tests.untrusted.file_forms import WAV

# The requests that `make fuzz` draws; 0 for the few of every run of the suite.
CASES = int(os.environ.get("CASES", "0"))
CHILD_ID, RESPONSE_ID = "key_child", "resp_nxn-1"
# Stands for the access token of a session, which is drawn anew in each process.
SESSION = "@session"
JSON_TYPE = "application/json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TAKES_BODY = frozenset({"POST", "PATCH", "PUT"})
BOUNDARY = "sim-boundary"
# The first and the last option are drawn more often than the others.
RARELY = st.sampled_from((False, False, False, True, False, False))
CODINGS = (*("",) * 14, "gzip", "gzip", "deflate", "br", "x", "gzip, gzip", *("",) * 14)
ENDS = (*("",) * 9, "/", "/x", *("",) * 9)

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True)
class Case:
    """One request as a client sends it; the path is percent-encoded."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


# Ids as they stand in a path. `@` names a thing that is there.
IDS = (
    "@", "@", "@", "x", "%00", "%2F", "..", ".", "%2e%2e", "%ED%A0%80", "%C3%28", "%F0%9F%98%80", "a%20b", "a" * 3_000,
    "0", "-1", "null", "gen_", "resp_", "key_", "a:b", ":", "a%3Fb", "a%23b", "a;b=c", "%0d%0aX: y", "%E2%80%AE",
)  # fmt: skip
PLACES = {"provider": ("fal", "replicate", "x"), "attempt": ("1", "9", "x")}
NAMES_OF_MODELS = (*MODELS, *IDS[3:])
VALUES = ("", "1", "0", "-1", "20", "101", "1e3", "NaN", "9" * 30, "9" * 5_000, "true", "false", "asc", "desc", "null",
          "%00", "%ED%A0%80", "%F0%9F%98%80", "%ff", "a%0db", "+", "video", "thumbnail", "sse", "json", "resp_nxn-1",
          "x" * 3_000, "1&limit=2", "%5B%5D", "²")  # fmt: skip
PARAMETERS = (
    "limit", "cursor", "after", "order", "days", "stream", "starting_after", "alt", "key", "variant", "keep_made",
    "include", "pageSize", "pageToken", "before_id", "after_id", "", "x[]", "beta",
)  # fmt: skip
LIKELY = {"/usage": ("days",), "/content": ("variant",), "/input_items": ("limit", "after", "order"),
          "streamGenerateContent": ("alt",), "/revoke": ("keep_made",)}  # fmt: skip
HEADER_VALUES = ("", " ", "1", "a" * 256, "a" * 4_000, "\u00e9", "\u00ff\u00fe", "a,b", "a;q=0.5", "null", "{}", "\t",
                 "2023-06-01", "\"a\"", "once", "%00", "=?utf-8?b?w6k=?=")  # fmt: skip
HEADERS = (
    "idempotency-key", "anthropic-version", "anthropic-beta", "accept", "accept-encoding", "origin", "user-agent",
    "x-goog-api-client", "openai-beta", "openai-organization", "x-stainless-retry-count", "x-forwarded-for",
    "range", "expect", "cookie", "x-http-method-override", "webhook-id", "webhook-timestamp", "webhook-signature",
    "x-fal-webhook-signature", "x-fal-webhook-timestamp", "x-fal-webhook-request-id", "x-fal-webhook-user-id",
    "x-nexevo-cache-control", "traceparent", "host", "content-length", "if-none-match",
)  # fmt: skip
MORE_HEADERS = st.lists(st.tuples(one_of(HEADERS), one_of((*HEADER_VALUES, *STRINGS[:6]))), max_size=3)
TYPES = (
    JSON_TYPE, JSON_TYPE, JSON_TYPE, "application/json; charset=utf-16", "text/plain", "", "application/octet-stream",
    "multipart/form-data", f"multipart/form-data; boundary={BOUNDARY}", "application/x-www-form-urlencoded", "a/b/c",
    "application/vnd.api+json", "image/png", "\u00e9", "multipart/form-data; boundary=" + "b" * 300, ";;",
)  # fmt: skip
SIGNED_IN = (("authorization", f"Bearer {SESSION}"),)
CARRIERS = (
    (("authorization", f"Bearer {KEY}"),),
    (("x-api-key", KEY), ("anthropic-version", "2023-06-01")),
    (("x-goog-api-key", KEY),),
    (("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)),
    (("authorization", f"Bearer {KEY}"), ("authorization", f"Bearer {OTHER_KEY}")),
    (("authorization", f"Bearer {OTHER_KEY}"),),
    SIGNED_IN,
    (("authorization", KEY),),
    (("authorization", "Bearer "),),
    (("authorization", "Basic YTpi"),),
    (("x-api-key", "\u00e9" * 40),),
    (("authorization", "Bearer " + "x" * 3_000),),
    (),
)
CONSTANTS = (b"", b" ", b"null", b"[]", b"{}", b'"x"', b"{", b"}", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"\x00",
             b"1" * 5_000, b"{}{}", b'{"model":', b"\xed\xa0\x80", b'{"a":1,}', b"--", deep(300).encode(),
             deep(100_000).encode(), b'{"a":' * 50_000, b"a=b&c=d", gzip.compress(b"{}"))  # fmt: skip


INSERTED = st.one_of(st.binary(max_size=6), one_of(CONSTANTS[:8]))


def _form(*parts: tuple[str, bytes]) -> bytes:
    lines = [b"--%b\r\n%b\r\n\r\n%b\r\n" % (BOUNDARY.encode(), head.encode(), body) for head, body in parts]
    return b"".join(lines) + b"--%b--\r\n" % BOUNDARY.encode()


FORMS = (
    _form(('content-disposition: form-data; name="file"; filename="a.png"\r\ncontent-type: image/png', PNG)),
    _form(
        ('content-disposition: form-data; name="prompt"', b"a cat"),
        ('content-disposition: form-data; name="seconds"', b"4"),
        ('content-disposition: form-data; name="input_reference"; filename="a.png"\r\ncontent-type: image/png', PNG),
    ),
    _form(
        ('content-disposition: form-data; name="prompt"', b"a cat"),
        ('content-disposition: form-data; name="input_reference[image_url]"', b"https://example.com/a.png"),
    ),
    _form(
        ('content-disposition: form-data; name="purpose"', b"user_data"),
        ('content-disposition: form-data; name="expires_after[seconds]"', b"3600"),
        ('content-disposition: form-data; name="file"; filename="a.png"\r\ncontent-type: image/png', PNG),
    ),
    _form(
        ('content-disposition: form-data; name="prompt"', b"a cat"),
        ('content-disposition: form-data; name="model"', b"gpt-image-1"),
        ('content-disposition: form-data; name="image[]"; filename="a.png"\r\ncontent-type: image/png', PNG),
        ('content-disposition: form-data; name="mask"; filename="m.png"\r\ncontent-type: image/png', PNG),
    ),
    _form(
        ('content-disposition: form-data; name="model"', b"whisper-1"),
        ('content-disposition: form-data; name="timestamp_granularities[]"', b"word"),
        ('content-disposition: form-data; name="response_format"', b"verbose_json"),
        ('content-disposition: form-data; name="file"; filename="a.wav"\r\ncontent-type: audio/wav', WAV),
    ),
    _form(('content-disposition: form-data; name="prompt"', b"\xff\x00"), ("content-disposition: form-data", b"")),
)
# The ends of paths that take forms alone, and of those that take JSON too.
TAKES_FORM = ("/upload", "/files", "/transcriptions", "/translations")
TAKES_BOTH = ("/v1/videos", "/edits", "/variations")


@st.composite
def damaged(draw: Draw, samples: Sequence[bytes]) -> bytes:
    """Draws a sample of bytes and cuts it, or puts others in."""
    data: bytes = draw(one_of(tuple(samples)))
    for _ in range(draw(below(4))):
        first = draw(below(len(data) + 1))
        last = min(len(data), first + draw(one_of((0, 0, 1, 5, 10_000))))
        data = data[:first] + draw(INSERTED) + data[last:]
    return data


def raw_bodies(texts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Draws a body of any bytes: constants, noise, or a damaged text."""
    return st.one_of(one_of(CONSTANTS), st.binary(max_size=60), texts.flatmap(lambda text: damaged((text,))))


@st.composite
def bodies(draw: Draw, endpoint: Endpoint) -> tuple[bytes, str]:
    """Draws a body and its content type."""
    if endpoint.method not in TAKES_BODY:
        return (draw(one_of(CONSTANTS)), draw(one_of(TYPES))) if draw(RARELY) else (b"", "")
    texts = changed(samples_of(endpoint)).map(lambda text: text.encode("utf-8", "surrogatepass"))
    takes_form = endpoint.path.endswith(TAKES_FORM) or (endpoint.path.endswith(TAKES_BOTH) and draw(BOOLEANS))
    if takes_form and not draw(RARELY):
        return draw(damaged(FORMS)), f"multipart/form-data; boundary={BOUNDARY}"
    if draw(RARELY):
        return draw(raw_bodies(texts)), draw(one_of(TYPES))
    return draw(texts), JSON_TYPE


@st.composite
def paths(draw: Draw, endpoint: Endpoint) -> str:
    """Draws the path with ids, models and providers in their places."""
    path = endpoint.path
    if "gpt-4o" in path and draw(BOOLEANS):
        path = path.replace("gpt-4o", draw(one_of(NAMES_OF_MODELS)))
    if RESPONSE_ID in path and draw(RARELY):
        path = path.replace(RESPONSE_ID, draw(one_of(IDS[3:])))
    for name in re.findall(r"\{(\w+)\}", path):
        path = path.replace(f"{{{name}}}", draw(one_of(PLACES.get(name, IDS))).replace("@", f"@{name}"))
    return path + str(draw(one_of(ENDS)))


@cache
def parameters(names: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Draws a query's parameters."""
    return st.lists(st.tuples(one_of(names), one_of(VALUES)), max_size=3)


@st.composite
def queries(draw: Draw, endpoint: Endpoint) -> str:
    """Draws a query string."""
    likely = next((names for part, names in LIKELY.items() if part in endpoint.path), PARAMETERS)
    usual = endpoint.method in TAKES_BODY and likely is PARAMETERS
    if not (draw(RARELY) or (not usual and draw(BOOLEANS))):
        return ""
    pairs = draw(parameters((*likely * 3, *PARAMETERS)))
    return "&".join(f"{name}={value}" for name, value in pairs)


@st.composite
def header_fields(draw: Draw, endpoint: Endpoint, content_type: str) -> tuple[tuple[str, str], ...]:
    """Draws the headers: mostly a valid key, or a session where no key is taken, and the body's type."""
    usual = CARRIERS[:3] if endpoint.takes_key else (SIGNED_IN,)
    fields = list(draw(one_of(CARRIERS)) if draw(RARELY) else draw(one_of(usual)))
    if content_type or draw(RARELY):
        fields.append(("content-type", content_type))
    if draw(RARELY):
        fields += draw(MORE_HEADERS)
    return tuple(fields)


@st.composite
def cases(draw: Draw, endpoint: Endpoint) -> Case:
    """Draws a request to the endpoint; now and then with another method."""
    body, content_type = draw(bodies(endpoint))
    fields = draw(header_fields(endpoint, content_type))
    coding = draw(one_of(CODINGS))
    if coding:
        fields = (*fields, ("content-encoding", coding))
        body = gzip.compress(body) if coding == "gzip" else zlib.compress(body) if coding == "deflate" else body
    method = draw(one_of(METHODS)) if draw(RARELY) and draw(RARELY) else endpoint.method
    return Case(method, draw(paths(endpoint)), draw(queries(endpoint)), fields, body)
