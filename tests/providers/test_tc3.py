"""Tests of TC3-HMAC-SHA256 against a signature of Tencent's own SDK (tencentcloud-sdk-python-ai3d 3.1.192)."""

import pytest

from gateway.providers.auth.tc3 import Signer

TIMESTAMP_S = 1_795_244_400
BODY = b'{"Model": "3.1", "Prompt": "a red cube"}'
SIGNER = Signer("AKIDexample", "secret-key", "ai3d")
THEIRS = (
    "TC3-HMAC-SHA256 Credential=AKIDexample/2026-11-21/ai3d/tc3_request, SignedHeaders=content-type;host, "
    "Signature=146c3141f6f26c9fb69e04356bb293b862abf8efec2b82547baabef19a0d8ccb"
)


def test_a_request_is_signed_as_the_sdk_signs_it() -> None:
    assert SIGNER.authorization("ai3d.tencentcloudapi.com", "application/json", BODY, TIMESTAMP_S) == THEIRS


@pytest.mark.parametrize(
    ("signer", "host", "body", "timestamp_s"),
    [
        (Signer("AKIDexample", "secret-kex", "ai3d"), "ai3d.tencentcloudapi.com", BODY, TIMESTAMP_S),
        (SIGNER, "127.0.0.1:8080", BODY, TIMESTAMP_S),
        (SIGNER, "ai3d.tencentcloudapi.com", BODY + b" ", TIMESTAMP_S),
        (SIGNER, "ai3d.tencentcloudapi.com", BODY, TIMESTAMP_S + 1),
    ],
)
def test_everything_that_is_signed_changes_the_signature(
    signer: Signer, host: str, body: bytes, timestamp_s: int
) -> None:
    assert signer.authorization(host, "application/json", body, timestamp_s) != THEIRS
