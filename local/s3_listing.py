"""S3's answer for an object that is not there: 404 to a caller that may list the bucket, 403 to any other.

Source: docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, "Permissions". moto says 404 to all.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from local.permissions import allowed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from local.template import Function

FILE = "s3-listing.json"
CREDENTIAL = re.compile(r"Credential=([^/]+)/")
FORBIDDEN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)


def access_key_id(function: str) -> str:
    """The key with which a function of the local stack signs, by which it is known; letters and digits only."""
    return re.sub(r"[^0-9A-Za-z]", "", function)


def listers(functions: "Iterable[Function]", buckets: Iterable[str]) -> dict[str, list[str]]:
    """The buckets that each function's role may list, by its access key's id."""
    names = sorted(buckets)
    return {
        access_key_id(function.name): [
            name for name in names if allowed(function.grants, "s3:ListBucket", f"arn:aws:s3:::{name}")
        ]
        for function in functions
    }


class Listing:
    """A WSGI app of S3 that hides what is missing from callers that may not list its bucket."""

    def __init__(self, app: "WSGIApplication", file: Path) -> None:
        self._app = app
        self._file = file

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        bucket, _, name = environ["PATH_INFO"].lstrip("/").partition("/")
        if not name or environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or environ.get("HTTP_X_AMZ_TARGET"):
            return self._app(environ, start_response)
        started: list[Any] = []

        def remember(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [status, headers, exc_info]
            return None

        body = list(self._app(environ, remember))
        status, headers, exc_info = started
        if status.startswith("404") and self._may_not_list(environ.get("HTTP_AUTHORIZATION", ""), bucket):
            body = [] if environ["REQUEST_METHOD"] == "HEAD" else [FORBIDDEN]
            status = "403 Forbidden"
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(sum(map(len, body))))]
        start_response(status, headers, exc_info)
        return body

    def _may_not_list(self, authorization: str, bucket: str) -> bool:
        """True if the caller is a function whose role may not list the bucket."""
        found = CREDENTIAL.search(authorization)
        if not found or not self._file.is_file():
            return False
        known: Mapping[str, list[str]] = orjson.loads(self._file.read_bytes())
        return found[1] in known and bucket not in known[found[1]]
