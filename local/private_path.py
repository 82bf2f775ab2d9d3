"""Gives each service of the stack a path that web pages and other programs cannot guess, new at each start.

The emulators check no signature, so their addresses alone must not be enough: they hold providers' keys and balances.
"""

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Marks a request, in its WSGI environment, as one that S3 must answer.
S3_ONLY = "local.s3_only"
# Browsers add these to what a page sends; SDKs do not. https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site
BROWSER_HEADERS = ("Origin", "Sec-Fetch-Site")
OWN_NAMES = frozenset(("127.0.0.1", "localhost"))
NOT_FOUND = b"Not found: this service answers below the path that its stack made up at its start.\n"


def private_path() -> str:
    """Makes up a path of one segment, with its leading slash."""
    return f"/{secrets.token_urlsafe(24)}"


class Guarded:
    """A WSGI app of several AWS services, below its private path only.

    Presigned links show that path, so what may come from a page or bears no signature reaches S3 alone, and there a
    link's own file, or the form that uploads one: no list of buckets or files.
    """

    def __init__(self, app: "WSGIApplication", path: str) -> None:
        self._app = app
        self._path = path

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        first, _, rest = environ["PATH_INFO"].removeprefix("/").partition("/")
        knows_path = secrets.compare_digest(f"/{first}".encode(), self._path.encode())
        knows_path = knows_path and is_this_machine(environ.get("HTTP_HOST", ""))
        is_stranger = _from_a_page(environ) or "HTTP_AUTHORIZATION" not in environ
        if not knows_path or (is_stranger and not _is_link(rest, environ)):
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", str(len(NOT_FOUND)))])
            return [NOT_FOUND]
        inside = {**environ, "PATH_INFO": f"/{rest}"}
        for raw in ("REQUEST_URI", "RAW_URI"):
            if raw in environ:
                inside[raw] = environ[raw].removeprefix(self._path) or "/"
        if is_stranger:
            inside.pop("HTTP_X_AMZ_TARGET", None)
            inside[S3_ONLY] = True
        return self._app(inside, start_response)


def is_this_machine(host: str) -> bool:
    """True for a `Host` header with this machine's address: another name may be a page's, led here by its own DNS."""
    return host.rpartition(":")[0] in OWN_NAMES


def _is_link(path: str, environ: "WSGIEnvironment") -> bool:
    """True for a presigned link of one file, and for the form of an upload."""
    bucket, _, name = path.partition("/")
    query = environ.get("QUERY_STRING", "")
    match environ["REQUEST_METHOD"]:
        case "GET" | "HEAD":
            return bool(bucket and name) and "X-Amz-Signature=" in query
        case "POST":
            is_form = environ.get("CONTENT_TYPE", "").lower().startswith("multipart/form-data")
            return bool(bucket) and not name.strip("/") and not query and is_form
        case "OPTIONS":
            return bool(bucket)
    return False


def _from_a_page(environ: "WSGIEnvironment") -> bool:
    return any(f"HTTP_{name.upper().replace('-', '_')}" in environ for name in BROWSER_HEADERS)
