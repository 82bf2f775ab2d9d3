"""Strategies for whole requests to an endpoint: path, query, headers and body, each near valid or far from it."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.json_text import STRINGS, changed, deep
from tests.fuzz.samples import MODELS, samples_of
from tests.generation.studio import KEY, OTHER_KEY, PNG
from tests.http.endpoints import Endpoint

# The requests that `make fuzz` draws; 0 for the few of every run of the suite.
CASES = int(os.environ.get("CASES", "0"))
CHILD_ID, RESPONSE_ID = "key_child", "resp_nxn-1"
JSON_TYPE = "application/json"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TAKES_BODY = frozenset({"POST", "PATCH", "PUT"})
BOUNDARY = "sim-boundary"
PLAIN = ("",) * 14

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
TYPES = (
    JSON_TYPE, JSON_TYPE, JSON_TYPE, "application/json; charset=utf-16", "text/plain", "", "application/octet-stream",
    "multipart/form-data", f"multipart/form-data; boundary={BOUNDARY}", "application/x-www-form-urlencoded", "a/b/c",
    "application/vnd.api+json", "image/png", "\u00e9", "multipart/form-data; boundary=" + "b" * 300, ";;",
)  # fmt: skip
CARRIERS = (
    (("authorization", f"Bearer {KEY}"),),
    (("x-api-key", KEY), ("anthropic-version", "2023-06-01")),
    (("x-goog-api-key", KEY),),
    (("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)),
    (("authorization", f"Bearer {KEY}"), ("authorization", f"Bearer {OTHER_KEY}")),
    (("authorization", f"Bearer {OTHER_KEY}"),),
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
    _form(('content-disposition: form-data; name="prompt"', b"\xff\x00"), ("content-disposition: form-data", b"")),
)


@st.composite
def damaged(draw: Draw, samples: Sequence[bytes]) -> bytes:
    """Draws a sample of bytes and cuts it, or puts others in."""
    data: bytes = draw(st.sampled_from(samples))
    for _ in range(draw(st.integers(0, 3))):
        first = draw(st.integers(0, len(data)))
        last = min(len(data), first + draw(st.sampled_from((0, 0, 1, 5, 10_000))))
        data = data[:first] + draw(st.one_of(st.binary(max_size=6), st.sampled_from(CONSTANTS[:8]))) + data[last:]
    return data


def raw_bodies(texts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Draws a body of any bytes: constants, noise, or a damaged text."""
    damage = texts.flatmap(lambda text: damaged((text,)))
    return st.one_of(st.sampled_from(CONSTANTS), st.binary(max_size=60), damage)


@st.composite
def bodies(draw: Draw, endpoint: Endpoint) -> tuple[bytes, str]:
    """Draws a body and its content type."""
    if endpoint.method not in TAKES_BODY:
        return (draw(st.sampled_from(CONSTANTS)), draw(st.sampled_from(TYPES))) if draw(_rare()) else (b"", "")
    texts = changed(samples_of(endpoint)).map(lambda text: text.encode("utf-8", "surrogatepass"))
    takes_form = endpoint.path.endswith("/upload") or (endpoint.path == "/v1/videos" and draw(st.booleans()))
    if takes_form and not draw(_rare()):
        return draw(damaged(FORMS)), f"multipart/form-data; boundary={BOUNDARY}"
    if draw(_rare()):
        return draw(raw_bodies(texts)), draw(st.sampled_from(TYPES))
    return draw(texts), JSON_TYPE


def _rare() -> st.SearchStrategy[bool]:
    # The first and the last are drawn more often than the others.
    return st.sampled_from((False, False, False, True, False, False))


@st.composite
def paths(draw: Draw, endpoint: Endpoint) -> str:
    """Draws the path with ids, models and providers in their places."""
    path = endpoint.path.replace("{provider}", draw(st.sampled_from(("fal", "replicate", "x"))))
    path = path.replace("{attempt}", draw(st.sampled_from(("1", "9", "x"))))
    if "gpt-4o" in path and draw(st.booleans()):
        path = path.replace("gpt-4o", draw(st.sampled_from((*MODELS, *IDS[3:]))))
    if RESPONSE_ID in path and draw(_rare()):
        path = path.replace(RESPONSE_ID, draw(st.sampled_from(IDS[3:])))
    for name in re.findall(r"\{(\w+)\}", path):
        path = path.replace(f"{{{name}}}", draw(st.sampled_from(IDS)).replace("@", f"@{name}"))
    return path + str(draw(st.sampled_from(("",) * 9 + ("/", "/x") + ("",) * 9)))


@st.composite
def queries(draw: Draw, endpoint: Endpoint) -> str:
    """Draws a query string."""
    likely = next((names for part, names in LIKELY.items() if part in endpoint.path), PARAMETERS)
    usual = endpoint.method in TAKES_BODY and likely is PARAMETERS
    if not (draw(_rare()) or (not usual and draw(st.booleans()))):
        return ""
    name = st.sampled_from((*likely * 3, *PARAMETERS))
    pairs = draw(st.lists(st.tuples(name, st.sampled_from(VALUES)), max_size=3))
    return "&".join(f"{name}={value}" for name, value in pairs)


@st.composite
def header_fields(draw: Draw, content_type: str) -> tuple[tuple[str, str], ...]:
    """Draws the headers: mostly a valid key and the body's type."""
    fields = list(draw(st.sampled_from(CARRIERS)) if draw(_rare()) else draw(st.sampled_from(CARRIERS[:3])))
    if content_type or draw(_rare()):
        fields.append(("content-type", content_type))
    if draw(_rare()):
        named = st.tuples(st.sampled_from(HEADERS), st.sampled_from((*HEADER_VALUES, *STRINGS[:6])))
        fields += draw(st.lists(named, max_size=3))
    return tuple(fields)


@st.composite
def cases(draw: Draw, endpoint: Endpoint) -> Case:
    """Draws a request to the endpoint; now and then with another method."""
    body, content_type = draw(bodies(endpoint))
    fields = draw(header_fields(content_type))
    coding = draw(st.sampled_from((*PLAIN, "gzip", "gzip", "deflate", "br", "x", "gzip, gzip", *PLAIN)))
    if coding:
        fields = (*fields, ("content-encoding", coding))
        body = gzip.compress(body) if coding == "gzip" else zlib.compress(body) if coding == "deflate" else body
    method = draw(st.sampled_from(METHODS)) if draw(_rare()) and draw(_rare()) else endpoint.method
    return Case(method, draw(paths(endpoint)), draw(queries(endpoint)), fields, body)
