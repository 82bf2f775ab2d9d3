"""Tests that the local AWS services answer below their private paths only, and answer pages at S3 only."""

import asyncio
from collections.abc import Iterable, MutableMapping
from typing import Any

import pytest

from local.lambda_api import LambdaApi
from local.private_path import S3_ONLY, Guarded, private_path

PATH = "/a-path-of-this-start"
HOST = "127.0.0.1:40001"
SIGNED = {"HTTP_AUTHORIZATION": "AWS4-HMAC-SHA256 Credential=local/20261129/us-east-1/secretsmanager/aws4_request"}
TARGET = {"HTTP_X_AMZ_TARGET": "secretsmanager.GetSecretValue"}


def reached(path: str, **headers: str) -> dict[str, Any] | None:
    """Returns the request as the services see it, or None where it was refused."""
    seen: list[dict[str, Any]] = []

    def services(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return [b""]

    statuses: list[str] = []

    def start_response(status: str, _headers: list[tuple[str, str]], _exc_info: Any = None, /) -> Any:
        statuses.append(status)

    guarded = Guarded(services, PATH)
    environ = {
        "PATH_INFO": path,
        "RAW_URI": path,
        "REQUEST_METHOD": "POST",
        "QUERY_STRING": "",
        "HTTP_HOST": HOST,
        **headers,
    }
    list(guarded(environ, start_response))
    assert statuses == (["200 OK"] if seen else ["404 Not Found"])
    return seen[0] if seen else None


@pytest.mark.parametrize("path", ["/", "", "/moto-api/data.json", "/bucket/key", "/a-path-of-this-star/x", f"//{PATH}"])
def test_what_does_not_know_the_path_reaches_nothing(path: str) -> None:
    assert reached(path, **SIGNED, **TARGET) is None


def test_a_signed_request_below_the_path_reaches_the_service_that_it_names() -> None:
    seen = reached(f"{PATH}/bucket/key", **SIGNED, **TARGET)
    assert seen is not None
    assert (seen["PATH_INFO"], seen["RAW_URI"]) == ("/bucket/key", "/bucket/key")
    assert S3_ONLY not in seen
    assert seen["HTTP_X_AMZ_TARGET"] == "secretsmanager.GetSecretValue"


STRANGERS: list[dict[str, str]] = [{"HTTP_ORIGIN": "https://evil.example"}, {"HTTP_SEC_FETCH_SITE": "same-origin"}, {}]
LINK = {"REQUEST_METHOD": "GET", "QUERY_STRING": "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0a"}
FORM = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "multipart/form-data; boundary=x"}


@pytest.mark.parametrize("page", STRANGERS)
@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/", LINK),
        ("/bucket", LINK),
        ("/bucket/", LINK | {"QUERY_STRING": "list-type=2&X-Amz-Signature=0a"}),
        ("/bucket/key", {"REQUEST_METHOD": "GET"}),
        ("/bucket/key", LINK | {"REQUEST_METHOD": "PUT"}),
        ("/bucket/key", LINK | {"REQUEST_METHOD": "DELETE"}),
        ("/bucket", FORM | {"QUERY_STRING": "delete"}),
        ("/bucket", FORM | {"CONTENT_TYPE": "application/x-amz-json-1.1"}),
        ("/moto-api/reset", {"REQUEST_METHOD": "POST"}),
        ("/", {"REQUEST_METHOD": "OPTIONS"}),
    ],
)
def test_a_page_that_knows_the_path_lists_and_changes_nothing(
    page: dict[str, str], path: str, request_: dict[str, str]
) -> None:
    assert reached(f"{PATH}{path}", **TARGET, **page, **(SIGNED if page else {}), **request_) is None


@pytest.mark.parametrize(
    "host", ["evil.example:40001", "127.0.0.1.evil.example:40001", "", "evil.example", "[::1]:40001"]
)
def test_a_name_that_is_not_this_machines_reaches_nothing(host: str) -> None:
    assert reached(f"{PATH}/bucket/key", **SIGNED, **TARGET, HTTP_HOST=host) is None
    assert reached(f"{PATH}/bucket/key", **LINK, HTTP_HOST=host) is None


@pytest.mark.parametrize("page", STRANGERS)
def test_a_page_may_upload_by_a_form(page: dict[str, str]) -> None:
    assert reached(f"{PATH}/bucket", **page, **FORM) is not None


@pytest.mark.parametrize("page", STRANGERS)
def test_a_page_or_a_request_without_a_signature_reaches_s3_alone(page: dict[str, str]) -> None:
    seen = reached(f"{PATH}/bucket/key", **TARGET, **page, **(SIGNED if page else {}), **LINK)
    assert seen is not None
    assert seen[S3_ONLY] is True
    assert "HTTP_X_AMZ_TARGET" not in seen


def test_no_two_paths_are_the_same() -> None:
    paths = {private_path() for _ in range(50)}
    assert len(paths) == 50
    assert all(len(path) == 33 and path.startswith("/") and "/" not in path[1:] for path in paths)


def test_lambdas_api_invokes_nothing_without_its_path() -> None:
    class Functions:
        def has(self, _name: str) -> bool:
            return True

        async def invoke(self, name: str, _event: bytes) -> bytes:
            return name.encode()

    async def status(path: str) -> int:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b"{}"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        api = LambdaApi(PATH)
        api.functions = Functions()  # type: ignore[assignment]  # only what an invocation asks of it
        await api({"path": path, "headers": []}, receive, send)
        return int(sent[0]["status"])

    call = "/2015-03-31/functions/Settlements/invocations"
    assert asyncio.run(status(f"{PATH}{call}")) == 200
    assert asyncio.run(status(call)) == 404
    assert asyncio.run(status(f"/x{PATH[1:]}{call}")) == 404
