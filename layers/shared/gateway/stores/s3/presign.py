"""URLs and forms for S3 that carry their own signature: the holder may do that one thing, until it expires. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import orjson

from gateway.framing.percent import encoded
from gateway.providers.auth.sigv4 import (
    ALGORITHM,
    AwsCredentials,
    Scope,
    credential_of,
    signature_of,
    signed_text,
    time_stamp,
)


def presigned_query(
    host: str,
    path: str,
    parameters: Mapping[str, str],
    credentials: AwsCredentials,
    scope: Scope,
    now_s: float,
    *,
    lifetime_s: int,
) -> str:
    """The query with which any client may GET `path` of `host` until `now_s + lifetime_s`.

    `path` is percent-encoded as sent; `parameters` are plain, and signed with it.
    """
    stamp = time_stamp(int(now_s))
    everything = dict(parameters) | {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": credential_of(credentials, scope, stamp),
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(lifetime_s),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token is not None:
        everything["X-Amz-Security-Token"] = credentials.session_token
    query = "&".join(f"{encoded(name)}={encoded(everything[name])}" for name in sorted(everything))
    canonical = "\n".join(("GET", path, query, f"host:{host}", "", "host", "UNSIGNED-PAYLOAD"))
    return f"{query}&X-Amz-Signature={signature_of(canonical, credentials, scope, stamp)}"


def presigned_form(
    bucket: str,
    fields: Mapping[str, str],
    size_bytes: int,
    credentials: AwsCredentials,
    scope: Scope,
    now_s: float,
    *,
    lifetime_s: int,
) -> dict[str, str]:
    """The fields of a POST form that may upload a file of exactly that size, with exactly these `fields`."""
    stamp = time_stamp(int(now_s))
    signing = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": credential_of(credentials, scope, stamp),
        "x-amz-date": stamp,
    }
    if credentials.session_token is not None:
        signing["x-amz-security-token"] = credentials.session_token
    everything = {**fields, **signing}
    conditions: list[Mapping[str, str] | Sequence[str | int]] = [{"bucket": bucket}]
    conditions += [{name: value} for name, value in everything.items()]
    conditions.append(["content-length-range", size_bytes, size_bytes])
    expires = datetime.fromtimestamp(int(now_s) + lifetime_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy = base64.b64encode(orjson.dumps({"expiration": expires, "conditions": conditions})).decode()
    signature = signed_text(policy, credentials, scope, stamp)
    return everything | {"policy": policy, "x-amz-signature": signature}
