"""The transport: one request with its retries.

Written by `sdks/python/generate.py` from `_async/transport.py`.
"""

from __future__ import annotations

import time
from typing import TypeVar

import httpx

from nexevo_ai._client import BaseClient, failure_of
from nexevo_ai._errors import refusal_of
from nexevo_ai._request import Call, delay_s, may_retry

C = TypeVar("C", bound="SyncTransport")


class SyncTransport(BaseClient):
    """Sends requests, and awaits them."""

    _kind = httpx.Client

    def send(self, call: Call, *, stream: bool = False) -> httpx.Response:
        """The good answer to the call, after as many retries as it needs; raises what refuses it."""
        tries, retries = 0, self._retries(call)
        while True:
            request = self._request(call)
            try:
                response: httpx.Response = self._http.send(request, stream=stream)
                self._told(request, response)
                if response.status_code < 400:
                    return response
                response.read()
            except httpx.RequestError as error:
                if tries >= retries:
                    raise failure_of(error, request) from error
                wait_s = delay_s(tries, None)
            else:
                if tries >= retries or not may_retry(response):
                    raise refusal_of(response)
                wait_s = delay_s(tries, response)
            tries += 1
            time.sleep(wait_s)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self: C) -> C:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
