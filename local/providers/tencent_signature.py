"""Verifies Tencent Cloud's TC3-HMAC-SHA256 signature over content type, host and body.

Source: https://www.tencentcloud.com/document/product/845/32208.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>\d{4}-\d\d-\d\d)/(?P<service>\w+)/tc3_request, ?"
    r"SignedHeaders=(?P<headers>[\w;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_SKEW_S = 300


class Unsigned(Exception):
    """The reason why Tencent refuses the signature: its error code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def verify(headers: Mapping[str, str], body: bytes, secret_id: str, secret_key: str, service: str, now_s: int) -> None:
    """Raises Unsigned unless the request carries this key's signature."""
    parts = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    timestamp = headers.get("x-tc-timestamp", "")
    if parts is None or not timestamp.isdecimal():
        raise Unsigned("AuthFailure.InvalidAuthorization", "The Authorization in the header is invalid.")
    if parts["id"] != secret_id:
        raise Unsigned("AuthFailure.SecretIdNotFound", "The SecretId is not found.")
    if abs(int(timestamp) - now_s) > _SKEW_S:
        raise Unsigned("AuthFailure.SignatureExpire", "The signature has expired.")
    day = datetime.fromtimestamp(int(timestamp), UTC).date().isoformat()
    if parts["day"] != day or parts["service"] != service:
        raise Unsigned("AuthFailure.SignatureFailure", "The credential's scope is not this request's.")
    names = parts["headers"].split(";")
    if not {"content-type", "host"} <= set(names):
        raise Unsigned("AuthFailure.SignatureFailure", "The content type and the host have to be signed.")
    fields = "".join(f"{name}:{headers.get(name, '').strip().lower()}\n" for name in names)
    canonical = f"POST\n/\n\n{fields}\n{parts['headers']}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/{service}/tc3_request"
    to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    expected = hmac.digest(_key(secret_key, day, service), to_sign.encode(), "sha256").hex()
    if not hmac.compare_digest(expected, parts["signature"]):
        raise Unsigned("AuthFailure.SignatureFailure", "The provided credentials could not be validated.")


def _key(secret_key: str, day: str, service: str) -> bytes:
    dated = hmac.digest(f"TC3{secret_key}".encode(), day.encode(), "sha256")
    return hmac.digest(hmac.digest(dated, service.encode(), "sha256"), b"tc3_request", "sha256")
