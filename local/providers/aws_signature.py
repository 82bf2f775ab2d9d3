"""Verifies the signature of a request to a simulated AWS service with botocore's own signer.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import datetime as dt
import hmac
import re
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_SKEW_S = 300


class Unsigned(Exception):
    """The reason why AWS refuses the signature: its error type and its message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def verify(
    *,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    access_key_id: str,
    secret_access_key: str,
    service: str,
    now_s: int,
) -> None:
    """Raises Unsigned unless the request carries this key's signature. `target` is path and query as sent."""
    parts = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if parts is None:
        raise Unsigned("MissingAuthenticationTokenException", "Missing Authentication Token")
    if parts["key"] != access_key_id:
        raise Unsigned("UnrecognizedClientException", "The security token included in the request is invalid.")
    if parts["service"] != service:
        raise Unsigned("InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'.")
    timestamp = headers.get("x-amz-date", "")
    if abs(_seconds(timestamp) - now_s) > _SKEW_S:
        raise Unsigned("InvalidSignatureException", f"Signature expired: {timestamp} is not within 5 minutes of now.")
    signed = {name: headers.get(name, "") for name in parts["headers"].split(";")}
    request = AWSRequest(method=method, url=f"http://{headers.get('host', '')}{target}", data=body, headers=signed)
    request.context["timestamp"] = timestamp
    signer = SigV4Auth(Credentials(access_key_id, secret_access_key), service, parts["region"])
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if not hmac.compare_digest(signer.signature(text, request), parts["signature"]):
        raise Unsigned(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )


def _seconds(timestamp: str) -> float:
    try:
        return dt.datetime.strptime(f"{timestamp}+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    except ValueError:
        return 0.0
