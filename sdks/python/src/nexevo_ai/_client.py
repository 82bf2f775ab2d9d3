"""Base of both clients: address, key, patience, and requests made of calls."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Optional, TypeVar

import httpx

from nexevo_ai._errors import APIConnectionError, APITimeoutError, NexevoError, request_id_of
from nexevo_ai._request import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    Call,
    Key,
    NotGiven,
    content_of,
    headers_of,
    query_of,
    redacted,
    root_of,
)

log = logging.getLogger("nexevo_ai")
# httpx would let a hundred requests run at once; a stream or a long answer holds its connection for minutes.
LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100)
C = TypeVar("C", bound="BaseClient")
NO_KEY = "No API key: give api_key=…, or set the environment's NEXEVO_API_KEY."


class BaseClient:
    """Base of both clients: address, key, patience."""

    _http: Any
    _kind: type[Any]

    def __init__(
        self,
        *,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        organization: Optional[str] = None,
        timeout: Any = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        default_headers: Optional[Mapping[str, Optional[str]]] = None,
        default_query: Optional[Mapping[str, Any]] = None,
        proxy: Any = None,
        http_client: Any = None,
    ) -> None:
        given = os.environ.get("NEXEVO_API_KEY", "") if api_key is None else api_key
        # A key that was read from a file ends with its line. One that is empty by mistake is not another one's.
        self.api_key: Optional[str] = Key(given.strip()) or None
        self.root_url = root_of(base_url)
        self.organization = organization
        self.timeout = timeout
        self.max_retries = max_retries
        self.default_headers = dict(default_headers or {})
        self.default_query = dict(default_query or {})
        self._http = http_client or self._kind(proxy=proxy, follow_redirects=True, limits=LIMITS)

    @property
    def base_url(self) -> str:
        """The address of the OpenAI-compatible endpoints."""
        return f"{self.root_url}/v1"

    def __repr__(self) -> str:
        shown = str(httpx.URL(self.base_url).copy_with(username=None, password=None))
        return f"{type(self).__name__}(base_url={shown!r}, api_key={redacted(self.api_key)!r})"

    def with_options(self: C, **changed: Any) -> C:
        """A client with other options, over the same connections unless a proxy or an HTTP client is given.

        Headers and parameters that all requests have are added to those of this client.
        """
        given: dict[str, Any] = {
            "api_key": self.api_key,
            "base_url": self.base_url,
            "organization": self.organization,
            "timeout": self.timeout,
            "max_retries": self.max_retries,
            "default_headers": self.default_headers,
            "default_query": self.default_query,
            "http_client": None if "proxy" in changed else self._http,
        }
        for name in ("default_headers", "default_query"):
            changed[name] = {**given[name], **(changed.get(name) or {})}
        return type(self)(**{**given, **changed})

    def _request(self, call: Call) -> httpx.Request:
        if call.needs_key and not self.api_key:
            raise NexevoError(NO_KEY)
        key = self.api_key if call.needs_key else None
        headers = headers_of(call, key, self.organization, self.default_headers)
        timeout = self.timeout if isinstance(call.timeout, NotGiven) else call.timeout
        request: httpx.Request = self._http.build_request(
            call.method,
            self.root_url + call.path,
            params={**self.default_query, **query_of(call)},
            headers=headers,
            timeout=timeout,
            **content_of(call),
        )
        return request

    def _retries(self, call: Call) -> int:
        return self.max_retries if call.max_retries is None else call.max_retries

    @staticmethod
    def _told(request: httpx.Request, response: httpx.Response) -> None:
        log.debug(
            "%s %s: %d, request %s", request.method, request.url.path, response.status_code,
            request_id_of(response.headers),
        )  # fmt: skip


@contextmanager
def named_failures(response: httpx.Response) -> Iterator[None]:
    """Raises the SDK's errors for those of a connection whose answer is read as it comes."""
    try:
        yield
    except httpx.RequestError as error:
        raise failure_of(error, response.request) from error


def failure_of(error: httpx.RequestError, request: httpx.Request) -> APIConnectionError:
    """The SDK's error for one of the connection."""
    if isinstance(error, httpx.TimeoutException):
        return APITimeoutError("the request timed out", request=request)
    at = request.url.netloc.decode()
    return APIConnectionError(f"the connection to {at} failed: {type(error).__name__}", request=request)
