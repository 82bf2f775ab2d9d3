"""Tests of our signer against botocore's own, for every service that the gateway calls and for ambiguous requests."""

import hashlib
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway.providers.auth.sigv4 import AwsCredentials, Scope, signed_headers
from tests.botocore_clock import stop_botocore

NOW_S = 1_795_244_400.75
LASTING = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = AwsCredentials("ASIAEXAMPLE", "secret", session_token="token/with+signs==")
SIGNERS = {"s3": botocore.auth.S3SigV4Auth}
SERVICES = ["dynamodb", "s3", "secretsmanager", "sqs", "states"]


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_botocore(monkeypatch, NOW_S)


def signed_by_botocore(
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    credentials: AwsCredentials,
    service: str,
) -> dict[str, str]:
    url = f"https://{headers['host']}{path}" + (f"?{query}" if query else "")
    request: Any = AWSRequest(method=method, url=url, headers=headers, data=body)
    key = Credentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)
    SIGNERS.get(service, botocore.auth.SigV4Auth)(key, service, "eu-central-1").add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def assert_same(
    service: str,
    *,
    method: str = "POST",
    path: str = "/",
    query: str = "",
    headers: dict[str, str] | None = None,
    body: bytes = b"{}",
    credentials: AwsCredentials = LASTING,
) -> None:
    given = {"host": f"{service}.eu-central-1.amazonaws.com", **(headers or {})}
    scope = Scope("eu-central-1", service)
    ours = signed_headers(method, path, given, body, credentials, scope, NOW_S, query=query)
    assert ours == signed_by_botocore(method, path, query, given, body, credentials, service)


@pytest.mark.parametrize("credentials", [LASTING, TEMPORARY], ids=["lasting", "temporary"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_post_is_signed_as_botocore_signs_it(service: str, credentials: AwsCredentials) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
    assert_same(service, headers=headers, body=b'{"TableName": "t"}', credentials=credentials)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_request_without_a_body_is_signed_as_botocore_signs_it(service: str, method: str) -> None:
    assert_same(service, method=method, body=b"")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/bucket/name",
        "/a%20b/c%2Fd",
        "/model/anthropic.claude%3A0/converse",
        "/~tilde-_.and",
        "/%E4%BD%A0%E5%A5%BD",
    ],
)
@pytest.mark.parametrize("service", SERVICES)
def test_a_path_is_signed_as_botocore_signs_it(service: str, path: str) -> None:
    assert_same(service, method="PUT", path=path)


@pytest.mark.parametrize(
    "query",
    ["uploads=", "uploads", "b=2&a=1", "a=2&a=1", "a=1&a=1", "A=1&a=2", "list-type=2&prefix=media%2F", "x=%20&y=a=b"],
)
@pytest.mark.parametrize("service", SERVICES)
def test_a_query_is_signed_as_botocore_signs_it(service: str, query: str) -> None:
    assert_same(service, method="GET", path="/bucket", query=query, body=b"")


@pytest.mark.parametrize("service", SERVICES)
def test_blanks_in_a_headers_value_are_signed_as_botocore_signs_them(service: str) -> None:
    assert_same(service, headers={"x-amz-meta-note": "  two   words  "})


def test_s3_is_told_the_hash_of_the_body() -> None:
    headers = signed_headers("PUT", "/b/n", {"host": "h"}, b"abc", LASTING, Scope("r", "s3"), NOW_S)
    assert headers["x-amz-content-sha256"] == hashlib.sha256(b"abc").hexdigest()


def test_other_services_are_not_told_the_hash_of_the_body() -> None:
    headers = signed_headers("POST", "/", {"host": "h"}, b"abc", LASTING, Scope("r", "sqs"), NOW_S)
    assert "x-amz-content-sha256" not in headers
