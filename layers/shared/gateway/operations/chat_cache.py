"""Keeps the answers of text generation and gives them again, on any wire, whole or as a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.cache.control import Control, scope_name, wanted
from gateway.cache.gathering import Gathering
from gateway.cache.identity import answer_digest, request_digest
from gateway.cache.kept import Kept, Origin, may_be_kept, read, written
from gateway.canonical.chat_models import ChatModel
from gateway.canonical.codec import Decoded, StreamDecoder, UpstreamCodec
from gateway.canonical.parts import Text
from gateway.canonical.request import ChatRequest
from gateway.canonical.response import Stamp
from gateway.canonical.usage import Usage
from gateway.operations.chat import ChatOperation, provider_of, renaming_of
from gateway.operations.chat_stream import ChatAnswer, ChatTranscoder
from gateway.operations.token_meter import TokenMeter
from gateway.pipeline.operation import InboundRequest
from gateway.pipeline.stream import Relay
from gateway.ports.keys import CACHE_CONTROL, SEMANTIC, KeyRecord
from gateway.routing.plan import Candidate

if TYPE_CHECKING:
    from gateway.cache.semantic import Wording


def caching_of(operation: ChatOperation, inbound: InboundRequest, request: ChatRequest) -> ChatCaching | None:
    """The terms on which the request uses the cache; `None` where it does not. Raises what is wrong with its header."""
    key = inbound.principal.key
    control = wanted(inbound.headers.get(CACHE_CONTROL), key.cache, request)
    digest = None if control is None else request_digest(request)
    if control is None or digest is None:
        return None
    scope = scope_name(control.scope, key, request.user)
    return ChatCaching(operation, request, control, digest, scope, _wording(request, key, scope))


def _wording(request: ChatRequest, key: KeyRecord, scope: str) -> Wording | None:
    if key.cache != SEMANTIC:
        return None
    from gateway.cache.semantic import wording_of  # noqa: PLC0415  # keys with this setting alone load it

    return wording_of(request, key, scope)


class ChatCaching(Struct):
    """`Cacheable` for one generation."""

    operation: ChatOperation
    request: ChatRequest
    control: Control
    digest: bytes
    scope: str
    wording: Wording | None = None
    _noted: list[tuple[ChatTranscoder, Notes]] = field(default_factory=list)

    def name_for(self, model_id: str) -> str:
        """The name of the model's answer."""
        return answer_digest(self.digest, self.scope, model_id)

    def transcoder(self, request: ChatRequest, stamp: Stamp) -> ChatTranscoder:
        """Streams as the operation does, and notes the provider's events."""
        notes = Notes(request)
        made = self.operation.transcoder(request, stamp, notes.codec_of)
        self._noted.append((made, notes))
        return made

    def streamed(self, relay: Relay[ChatAnswer]) -> ChatAnswer | None:
        """The answer that a stream came to; `None` where it has no whole form."""
        if relay.answer is not None:
            return relay.answer
        return next((notes.answer for made, notes in self._noted if made is relay.transcoder), None)

    def written(self, answer: ChatAnswer, served_by: Candidate[ChatModel], delivered_bytes: int) -> bytes | None:
        """The answer as it is kept; `None` for one that may not be."""
        if not may_be_kept(answer.response, delivered_bytes):
            return None
        return written(Kept(answer.response, origin_of(served_by), answer.body, answer.protocol))

    def read(
        self, content: bytes, candidates: Sequence[Candidate[ChatModel]]
    ) -> tuple[ChatAnswer, Candidate[ChatModel]] | None:
        """The kept answer and the candidate that has made it; `None` where that may not serve this request."""
        kept = read(content)
        if kept is None:
            return None
        made_by = next((each for each in candidates if origin_of(each) == kept.origin), None)
        return None if made_by is None else (ChatAnswer(kept.body, kept.response, kept.protocol), made_by)

    def usage_of(self, answer: ChatAnswer) -> Usage | None:
        """The reported usage of an answer."""
        return answer.response.usage

    def text_of(self, answer: ChatAnswer) -> str:
        """The text of an answer's choices."""
        parts = (part for choice in answer.response.choices for part in choice.parts)
        return "\n".join(part.text for part in parts if isinstance(part, Text))

    def priced(self, meter: TokenMeter) -> TokenMeter:
        """The meter at the price of a hit."""
        return replace(meter, cache_hit=True)


def origin_of(candidate: Candidate[ChatModel]) -> Origin:
    """The candidate's target, as a kept answer names it."""
    return Origin(candidate.model.id, candidate.target.provider, candidate.target.region)


class Notes:
    """Gathers the last attempt of one stream."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._candidate: Candidate[ChatModel] | None = None
        self._gathering = Gathering()
        self._protocol = ""

    def codec_of(self, candidate: Candidate[ChatModel]) -> StreamCodec:
        """The provider's codec, for the attempt that begins."""
        codec = provider_of(candidate, self._request).codec
        self._candidate, self._gathering, self._protocol = candidate, Gathering(), codec.protocol
        return StreamCodec(codec.protocol, partial(_noting, codec, self._gathering))

    @property
    def answer(self) -> ChatAnswer | None:
        """The whole answer, with tools under the caller's names."""
        response = self._gathering.response
        if response is None or self._candidate is None:
            return None
        renaming = renaming_of(self._request, self._candidate)
        return ChatAnswer(b"", response if renaming is None else renaming.undone(response), self._protocol)


class StreamCodec(Struct, frozen=True):
    """The part of a provider's codec that a stream needs."""

    protocol: str
    stream_decoder: Callable[[str], StreamDecoder]


def _noting(codec: UpstreamCodec, gathering: Gathering, answer_id: str) -> StreamDecoder:
    return NotingDecoder(codec.stream_decoder(answer_id), gathering)


class NotingDecoder(Struct):
    """A decoder whose events are gathered too."""

    decoder: StreamDecoder
    gathering: Gathering

    def feed(self, data: bytes) -> list[Decoded]:
        """The frames that `data` completes."""
        return self._noted(self.decoder.feed(data))

    def flush(self) -> list[Decoded]:
        """The rest."""
        return self._noted(self.decoder.flush())

    def _noted(self, frames: list[Decoded]) -> list[Decoded]:
        for frame in frames:
            self.gathering.used(frame.uses)
            for event in frame.events:
                self.gathering.note(event)
        return frames
