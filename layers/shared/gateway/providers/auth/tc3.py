"""Tencent Cloud's TC3-HMAC-SHA256 over one request: pure, given now.

https://www.tencentcloud.com/document/product/845/32208. Only the content type and the host are signed, as the vendor's
own SDKs do.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

from msgspec import Struct

ALGORITHM = "TC3-HMAC-SHA256"
_SIGNED = "content-type;host"
_TERMINATOR = "tc3_request"


class Signer(Struct, frozen=True):
    """The signer and its service."""

    secret_id: str
    secret_key: str
    service: str

    def authorization(self, host: str, content_type: str, body: bytes, timestamp_s: int) -> str:
        """The Authorization field of a POST to the path `/`."""
        scope = f"{datetime.fromtimestamp(timestamp_s, UTC):%Y-%m-%d}/{self.service}/{_TERMINATOR}"
        canonical = "\n".join(
            ("POST", "/", "", f"content-type:{content_type}", f"host:{host}", "", _SIGNED, _digest(body))
        )
        to_sign = "\n".join((ALGORITHM, str(timestamp_s), scope, _digest(canonical.encode())))
        key = f"TC3{self.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        credential = f"{self.secret_id}/{scope}"
        return f"{ALGORITHM} Credential={credential}, SignedHeaders={_SIGNED}, Signature={signature}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
