"""Sends a provider's request for a test, as the gateway would: to the simulators, by the library's own client."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from gateway.canonical.media import ProviderAnswer
from gateway.ports.upstream import UpstreamRequest
from tests.hangs import HANGS_AFTER_S


def exchanged(request: UpstreamRequest) -> ProviderAnswer:
    """Sends one request, and reads the whole answer."""
    address = urlsplit(request.url)
    target = request.url.removeprefix(f"{address.scheme}://{address.netloc}")
    connection = http.client.HTTPConnection(address.netloc, timeout=HANGS_AFTER_S)
    try:
        connection.request(request.method, target, request.body, dict(request.headers))
        answer = connection.getresponse()
        return ProviderAnswer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()
