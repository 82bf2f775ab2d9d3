"""Defines a vendor of transcription: a row of pure functions that write its requests and read its answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from gateway.canonical.transcription import Heard, Transcript, TranscriptionRequest
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.outgoing import Outgoing
from gateway.providers.vendor_endpoint import VendorEndpoint

TEXT = "text"


class HeardReader(Protocol):
    """Reads one stream of what is heard."""

    def feed(self, data: bytes) -> Iterable[Heard]:
        """The pieces that the bytes complete."""

    def flush(self) -> Iterable[Heard]:
        """The pieces that the end of the bytes completes; a stream that is not whole is an error."""


class Transcriber(VendorEndpoint, frozen=True, kw_only=True):
    """One row. `write` makes content type and body for a model's name at the vendor, `read` what an answer says.

    `address` is the path and query where they say more than the model. `reader` reads the stream of a vendor that sends
    one. What the vendor can do beside text: tell when `segments` and `words` were said, tell voices apart
    (`diarizes`), be told of a `language` or a `prompt`, have a `temperature`, translate into English, and give
    `logprobs`. `chunks` are OpenAI's members for long sound and known voices. `file_bytes_max` is less than OpenAI's.
    """

    write: Callable[[TranscriptionRequest, str], tuple[str, bytes]]
    read: Callable[[TranscriptionRequest, bytes], Transcript]
    address: Callable[[TranscriptionRequest, Outgoing], str] | None = None
    reader: Callable[[], HeardReader] | None = None
    segments: bool = False
    words: bool = False
    diarizes: bool = False
    prompted: bool = False
    tempered: bool = False
    translates: bool = False
    logprobs: bool = False
    chunks: bool = False
    file_bytes_max: int | None = None

    def request(self, asked: TranscriptionRequest, model: str, credential: Credential, now_s: float) -> UpstreamRequest:
        """The request, ready to leave."""
        content_type, body = self.write(asked, model)
        outgoing = Outgoing(model, stream=asked.stream, body=body, credential=credential, now_s=now_s)
        path = self.path(outgoing) if self.address is None else self.address(asked, outgoing)
        url = self.origin(credential) + path
        return UpstreamRequest(url, (("content-type", content_type), *self.sign(url, outgoing)), body)
