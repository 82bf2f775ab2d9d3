"""Tests of our presigned addresses against botocore's own, and that no part of one can be changed."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

import botocore.auth
import orjson
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from gateway.providers.auth.sigv4 import AwsCredentials, Scope
from gateway.stores.s3.presign import presigned_form, presigned_query
from tests.botocore_clock import stop_botocore

NOW_S = 1_795_244_400.75
HOST = "media.s3.eu-central-1.amazonaws.com"
SCOPE = Scope("eu-central-1", "s3")
LASTING = AwsCredentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = AwsCredentials("ASIAEXAMPLE", "secret", session_token="token/with+signs==")
FIELDS = {"key": "uploads/acc_1/file-1", "Content-Type": "image/png"}


@pytest.fixture(autouse=True)
def _stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_botocore(monkeypatch, NOW_S)


def botocore_key(credentials: AwsCredentials) -> Credentials:
    return Credentials(credentials.access_key_id, credentials.secret_access_key, credentials.session_token)


def query(
    path: str = "/media/acc_1/job_1/0.mp4",
    parameters: dict[str, str] | None = None,
    credentials: AwsCredentials = LASTING,
    *,
    lifetime_s: int = 86_400,
) -> dict[str, str]:
    text = presigned_query(HOST, path, parameters or {}, credentials, SCOPE, NOW_S, lifetime_s=lifetime_s)
    return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))


def botocore_query(
    path: str, parameters: dict[str, str], credentials: AwsCredentials, lifetime_s: int
) -> dict[str, str]:
    encoded = "&".join(f"{name}={quote(value, safe='~')}" for name, value in parameters.items())
    request: Any = AWSRequest(method="GET", url=f"https://{HOST}{path}" + (f"?{encoded}" if encoded else ""))
    signer = botocore.auth.S3SigV4QueryAuth(botocore_key(credentials), "s3", "eu-central-1", expires=lifetime_s)
    signer.add_auth(request)
    return dict(parse_qsl(request.url.partition("?")[2], keep_blank_values=True, strict_parsing=True))


@pytest.mark.parametrize("credentials", [LASTING, TEMPORARY], ids=["lasting", "temporary"])
@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/media/acc_1/job_1/0.mp4", {}),
        ("/bucket/a%20b/%E4%BD%A0~c%2Bd", {}),
        ("/a", {"response-content-disposition": 'attachment; filename="a b.mp4"'}),
        ("/a", {"response-content-disposition": "attachment; filename*=UTF-8''%E4%BD%A0", "versionId": "x/y=="}),
    ],
)
def test_an_address_is_signed_as_botocore_signs_it(
    path: str, parameters: dict[str, str], credentials: AwsCredentials
) -> None:
    ours = query(path, parameters, credentials)
    assert ours == botocore_query(path, parameters, credentials, 86_400)


def test_an_address_says_when_it_ends() -> None:
    found = query()
    assert (found["X-Amz-Date"], found["X-Amz-Expires"]) == ("20261121T070000Z", "86400")


@pytest.mark.parametrize(
    "changed",
    [
        {"path": "/media/acc_1/job_2/0.mp4"},
        {"parameters": {"response-content-type": "text/html"}},
        {"lifetime_s": 86_401},
        {"credentials": AwsCredentials("AKIDEXAMPLE", "another secret")},
        {"credentials": AwsCredentials("AKIDOTHER", LASTING.secret_access_key)},
    ],
    ids=["path", "parameter", "lifetime", "secret", "key"],
)
def test_a_signature_is_good_for_nothing_else(changed: dict[str, Any]) -> None:
    assert query(**changed)["X-Amz-Signature"] != query()["X-Amz-Signature"]


def form(credentials: AwsCredentials = LASTING, size_bytes: int = 1000) -> dict[str, str]:
    return presigned_form("media", FIELDS, size_bytes, credentials, SCOPE, NOW_S, lifetime_s=3600)


@pytest.mark.parametrize("credentials", [LASTING, TEMPORARY], ids=["lasting", "temporary"])
def test_a_form_is_signed_as_botocore_signs_it(credentials: AwsCredentials) -> None:
    ours = form(credentials)
    policy = orjson.loads(base64.b64decode(ours["policy"]))
    request: Any = AWSRequest(method="POST", url=f"https://{HOST}/")
    fixed = [c for c in policy["conditions"] if isinstance(c, list) or not next(iter(c)).startswith("x-amz-")]
    request.context["s3-presign-post-fields"] = dict(FIELDS)
    request.context["s3-presign-post-policy"] = {"expiration": policy["expiration"], "conditions": fixed}
    botocore.auth.S3SigV4PostAuth(botocore_key(credentials), "s3", "eu-central-1").add_auth(request)
    theirs = request.context["s3-presign-post-fields"]
    unsigned = {"policy", "x-amz-signature"}
    assert {n: v for n, v in ours.items() if n not in unsigned} == {
        n: v for n, v in theirs.items() if n not in unsigned
    }
    their_policy = orjson.loads(base64.b64decode(theirs["policy"]))
    assert sorted(map(orjson.dumps, policy["conditions"])) == sorted(map(orjson.dumps, their_policy["conditions"]))
    assert ours["x-amz-signature"] == signature_by_hand(credentials, ours["policy"])
    assert theirs["x-amz-signature"] == signature_by_hand(credentials, theirs["policy"])


def signature_by_hand(credentials: AwsCredentials, policy: str) -> str:
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in ("20261121", "eu-central-1", "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, policy.encode(), hashlib.sha256).hexdigest()


def test_a_form_takes_one_size_one_type_and_one_name_within_the_hour() -> None:
    policy = orjson.loads(base64.b64decode(form(size_bytes=1234)["policy"]))
    assert policy["expiration"] == "2026-11-21T08:00:00Z"
    for condition in (
        {"bucket": "media"},
        {"key": "uploads/acc_1/file-1"},
        {"Content-Type": "image/png"},
        ["content-length-range", 1234, 1234],
    ):
        assert condition in policy["conditions"]


def test_every_field_of_a_form_is_held_by_its_policy() -> None:
    fields = form(TEMPORARY)
    conditions = orjson.loads(base64.b64decode(fields["policy"]))["conditions"]
    held = {name: value for condition in conditions if isinstance(condition, dict) for name, value in condition.items()}
    assert held == {n: v for n, v in fields.items() if n not in {"policy", "x-amz-signature"}} | {"bucket": "media"}


def honoured(text: str, path: str, at_s: float) -> bool:
    """True if S3 would accept this query: signed by `LASTING` for exactly this request, and not expired."""
    plain = dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
    signature = plain.pop("X-Amz-Signature")
    signing = {name: plain.pop(name) for name in list(plain) if name.startswith("X-Amz-")}
    if signing["X-Amz-Credential"].partition("/")[0] != LASTING.access_key_id:
        return False
    signed_s = datetime.strptime(signing["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    lifetime_s = int(signing["X-Amz-Expires"])
    expected = presigned_query(HOST, path, plain, LASTING, SCOPE, signed_s, lifetime_s=lifetime_s)
    return f"X-Amz-Signature={signature}" in expected and signed_s <= at_s < signed_s + lifetime_s


ADDRESS = presigned_query(HOST, "/a", {"versionId": "1"}, LASTING, SCOPE, NOW_S, lifetime_s=86_400)


@pytest.mark.parametrize(
    ("text", "path", "after_s", "expected"),
    [
        (ADDRESS, "/a", 0, True),
        (ADDRESS, "/a", 86_398, True),
        (ADDRESS, "/a", 86_400, False),
        (ADDRESS, "/b", 0, False),
        (ADDRESS.replace("versionId=1", "versionId=2"), "/a", 0, False),
        (ADDRESS.replace("Expires=86400", "Expires=864000"), "/a", 90_000, False),
        (ADDRESS.replace("T070000Z", "T235959Z"), "/a", 86_400, False),
        (ADDRESS.replace("AKIDEXAMPLE", "AKIDANOTHER"), "/a", 0, False),
        (ADDRESS[:-1] + ("0" if ADDRESS[-1] != "0" else "1"), "/a", 0, False),
        (f"{ADDRESS}&response-content-type=text%2Fhtml", "/a", 0, False),
    ],
    ids=["good", "at its end", "expired", "path", "version", "prolonged", "dated", "key", "signature", "parameter"],
)
def test_an_address_opens_what_it_was_signed_for_and_only_for_a_day(
    text: str, path: str, after_s: float, *, expected: bool
) -> None:
    assert honoured(text, path, NOW_S + after_s) is expected
