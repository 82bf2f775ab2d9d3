"""The stack's S3 answers a missing object as AWS does: 404 to a role that may list the bucket, 403 to any other."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from local.permissions import statements
from local.s3_listing import FILE, Listing, access_key_id, listers
from local.template import Function

MISSING = b"<Error><Code>NoSuchKey</Code></Error>"


def function(name: str, *actions: str) -> Function:
    granted = [{"Effect": "Allow", "Action": list(actions), "Resource": ["arn:aws:s3:::kept", "arn:aws:s3:::kept/*"]}]
    grants = statements([{"Statement": granted}])
    return Function(name, name, "app.handler", Path(), (), (), 3, 128, "JSON", {}, grants)


READER, LISTER = function("stack-Reader", "s3:GetObject"), function("stack-Lister", "s3:GetObject", "s3:ListBucket")


def test_a_role_lists_what_it_is_granted() -> None:
    assert listers([READER, LISTER], ["kept", "other"]) == {"stackReader": [], "stackLister": ["kept"]}


@pytest.fixture
def s3(tmp_path: Path) -> Listing:
    (tmp_path / FILE).write_bytes(orjson.dumps(listers([READER, LISTER], ["kept"])))

    def moto(environ: Any, start_response: Any) -> Iterable[bytes]:
        there = environ["PATH_INFO"].endswith("/there")
        start_response("200 OK" if there else "404 Not Found", [("Content-Type", "application/xml")])
        return [b"content" if there else MISSING]

    return Listing(moto, tmp_path / FILE)


def asked(s3: Listing, caller: str, path: str, method: str = "GET") -> tuple[str, bytes]:
    told: list[str] = []
    environ = {
        "PATH_INFO": path,
        "REQUEST_METHOD": method,
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={caller}/20261129/us-east-1/s3/aws4_request, Signature=0",
    }

    def start_response(status: str, _headers: list[tuple[str, str]], _exc_info: Any = None, /) -> Any:
        told.append(status)

    body = b"".join(s3(environ, start_response))
    return told[0], body


def test_a_missing_object_is_forbidden_to_a_role_that_does_not_list(s3: Listing) -> None:
    status, body = asked(s3, access_key_id(READER.name), "/kept/gone")
    assert (status, b"<Code>AccessDenied</Code>" in body) == ("403 Forbidden", True)


def test_a_head_of_it_says_so_without_a_body(s3: Listing) -> None:
    assert asked(s3, access_key_id(READER.name), "/kept/gone", "HEAD") == ("403 Forbidden", b"")


@pytest.mark.parametrize("caller", [access_key_id(LISTER.name), "local"])
def test_it_is_missing_to_one_that_lists_and_to_the_operator(s3: Listing, caller: str) -> None:
    assert asked(s3, caller, "/kept/gone") == ("404 Not Found", MISSING)


def test_an_object_that_is_there_is_given_to_both(s3: Listing) -> None:
    given = [asked(s3, access_key_id(role.name), "/kept/there") for role in (READER, LISTER)]
    assert given == [("200 OK", b"content")] * 2


def test_a_bucket_itself_is_not_an_object(s3: Listing) -> None:
    assert asked(s3, access_key_id(READER.name), "/kept/") == ("404 Not Found", MISSING)
