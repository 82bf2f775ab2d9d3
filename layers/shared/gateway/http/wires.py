"""Chooses the wire in which a JSON family refuses: its caller's SDK, which the path or a header gives away."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from gateway.canonical.wire import Wire
from gateway.errors import GatewayError, MethodNotAllowed
from gateway.http.request import Request
from gateway.protocols.shared.openai_errors import encode_error as openai_error
from gateway.providers.chat.wires import part

# Where `?key=` carries a key, as Gemini's clients send it.
GEMINI_PATHS = "/v1beta/"
# What stands behind the colon of a path that answers, by POST alone.
GENERATING = frozenset(
    {"generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"}
)


class _Errors(Struct):
    """A wire of which only errors are spoken."""

    protocol: str
    encode: Callable[[GatewayError, str], bytes]
    id_prefix: str = ""
    stream_type: str = ""
    keep_alive: bytes = b""

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        return self.encode(error, request_id)


def is_geminis(path: str) -> bool:
    """True for the paths of Gemini's clients, under `/v1` too."""
    return path.startswith(GEMINI_PATHS) or is_generating(path)


def is_generating(path: str) -> bool:
    """True for a path that another family answers, by POST."""
    return path.rpartition(":")[2] in GENERATING


def refuse_generating(path: str) -> None:
    """Refuses a path that another family answers, by POST."""
    if is_generating(path):
        raise MethodNotAllowed(f"{path} takes POST, not GET.", allowed=["POST"])


def wire_of(request: Request) -> Wire:
    """The wire that the request speaks: Gemini's by its path, Anthropic's by the header that it insists on."""
    if is_geminis(request.path):
        return _Errors("gemini", lambda error, _: part("gemini.errors").encode_error(error))
    if "anthropic-version" in request.headers:
        return _Errors(
            "anthropic_messages", lambda error, id_: part("anthropic_messages.errors").encode_error(error, id_)
        )
    return _OPENAI


_OPENAI = _Errors("openai", lambda error, _: openai_error(error))
