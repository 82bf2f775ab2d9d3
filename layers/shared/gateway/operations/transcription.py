"""Runs transcription and translation as an operation of the pipeline: a file of sound goes out, and text comes back.

Sound is measured here, by what can be decoded of it, before anything is held. A model paid by the minute is paid
for that length, not for what its provider reports. One that is paid by the token is paid by its report, within what
the file can be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.audio import SECOND, AudioModel
from gateway.canonical.estimate import estimated_tokens
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.transcription import (
    DIARIZED,
    SRT,
    TRANSCRIPTION,
    VERBOSE,
    VTT,
    SoundFile,
    Transcript,
    TranscriptionRequest,
)
from gateway.canonical.usage import Usage, Uses, uses_of
from gateway.errors import InvalidRequest, NotFound
from gateway.ledger.bounds import FRAME_TOKENS, SOUND_TOKENS_PER_S
from gateway.operations.fitting import cannot, fitting
from gateway.operations.input_meter import InputMeter
from gateway.operations.sound_price import price
from gateway.operations.transcription_stream import TranscriptionCandidate, TranscriptionTranscoder
from gateway.operations.whole_answers import WholeAnswers
from gateway.pipeline.operation import InboundRequest, ProviderCall
from gateway.pipeline.provider_client import body_of
from gateway.ports.catalog import Catalog
from gateway.ports.upstream import Credential
from gateway.protocols.openai_transcriptions import OpenAITranscriptions
from gateway.protocols.openai_transcriptions import answer as written
from gateway.providers.audio.registry import transcriber
from gateway.providers.audio.transcriber import HeardReader, Transcriber
from gateway.routing.plan import Plan
from gateway.routing.planning import candidates_for

if TYPE_CHECKING:
    # A cold start loads nothing that reads strangers' files.
    from gateway.operations.media_inputs import Inputs

# A person says two to four words in a second.
SOUND_TOKENS_LIKELY_PER_S = 17
TEXT_TOKENS_PER_S, TEXT_TOKENS_LIKELY_PER_S = 20, 4
TEXT_TOKENS_LEAST = 500


class SoundBounds(Struct, frozen=True):
    """The bounds of a request's seconds and tokens. A file that is still to be fetched has none yet."""

    request: TranscriptionRequest

    @property
    def _seconds(self) -> int:
        return 0 if self.request.file is None else self.request.file.whole_seconds

    @property
    def _prompt_bytes(self) -> int:
        return len((self.request.prompt or "").encode())

    def at_most(self, candidate: TranscriptionCandidate) -> Usage:
        """The bound of what the candidate bills."""
        sound = SOUND_TOKENS_PER_S * self._seconds
        text = self._prompt_bytes + 2 * FRAME_TOKENS
        output = TEXT_TOKENS_LEAST + TEXT_TOKENS_PER_S * self._seconds
        return Usage(input=sound + text, audio_input=sound, output=output, uses=self.billed_seconds(candidate))

    def likely(self) -> Usage:
        """The probable usage of sound that is speech."""
        sound = SOUND_TOKENS_LIKELY_PER_S * self._seconds
        read = sound + estimated_tokens(self._prompt_bytes)
        output = TEXT_TOKENS_LIKELY_PER_S * self._seconds
        return Usage(input=read, audio_input=sound, output=output, uses=uses_of({SECOND: self._seconds}))

    def billed_seconds(self, candidate: TranscriptionCandidate) -> Uses:
        """The seconds that a candidate paid by the minute bills: those of the file, or the least that it bills."""
        return uses_of({SECOND: max(self._seconds, candidate.model.seconds_least)})


class TranscriptionOperation(WholeAnswers[TranscriptionRequest, Transcript]):
    """Transcription, or translation, for callers of OpenAI's wire; `inputs` is asked for where a file is named."""

    def __init__(self, wire: OpenAITranscriptions, catalog: Catalog[AudioModel], inputs: Callable[[], Inputs]) -> None:
        self.wire = wire
        self._catalog = catalog
        self._inputs = inputs

    def decode(self, inbound: InboundRequest) -> TranscriptionRequest:
        """The request as its wire reads it, with its file measured."""
        request, file = self.wire.decode_request(inbound.headers.get("content-type", ""), inbound.body)
        if file is None:
            return request
        return replace(request, file=_measured(file.content))

    def fetching(
        self, request: TranscriptionRequest
    ) -> Callable[[InboundRequest, TranscriptionRequest], Awaitable[TranscriptionRequest]] | None:
        """Fetches the file that the request names."""
        return None if request.named is None else self._fetched

    async def _fetched(self, inbound: InboundRequest, request: TranscriptionRequest) -> TranscriptionRequest:
        from gateway.untrusted.file_types import AUDIO  # noqa: PLC0415  # loaded with the first file

        found = await self._inputs().read(inbound.principal.account_id, request.named or "", "file", AUDIO)
        # A long file takes a second or two, in which others are served.
        return replace(request, named=None, file=await asyncio.to_thread(_measured, found.content))

    def plan(self, principal: Principal, request: TranscriptionRequest) -> Plan[AudioModel]:
        """The targets that can do what is asked; raises what the first of them cannot do where none can."""
        found = candidates_for(request.model, request.routing, self._catalog, principal)
        hearing = [each for each in found if each.model.does == TRANSCRIPTION]
        if not hearing:
            said = f"The model '{request.model}' transcribes nothing."
            raise NotFound(said, param="model", code="model_not_found")
        bounds = SoundBounds(request)
        return fitting(
            hearing,
            request.routing,
            partial(_refusal, request),
            lambda each: each.target.price.tokens,
            lambda each: price(each, bounds.at_most(each)),
        )

    def meter(self, request: TranscriptionRequest, plan: Plan[AudioModel]) -> InputMeter:
        """Prices by minutes or by tokens, as each candidate has it."""
        return InputMeter(plan.candidates, SoundBounds(request), price)

    def parts(self, request: TranscriptionRequest, candidate: TranscriptionCandidate) -> Sequence[TranscriptionRequest]:
        """The request itself, whose answer comes whole."""
        del candidate
        return (replace(request, stream=False),)

    def vendor(self, candidate: TranscriptionCandidate) -> Transcriber:
        """The row of the candidate's provider."""
        return _vendor(candidate)

    def streams(self, request: TranscriptionRequest, candidate: TranscriptionCandidate) -> bool:
        """True if the candidate sends text while it listens."""
        del request
        return _vendor(candidate).reader is not None

    def call(
        self,
        request: TranscriptionRequest,
        candidate: TranscriptionCandidate,
        credential: Credential,
        now_s: float,
        *,
        stream: bool,
    ) -> ProviderCall:
        """The request in the provider's words."""
        vendor, target = _vendor(candidate), candidate.target
        account = self.account(candidate, credential)
        asked = replace(request, stream=stream)
        return ProviderCall(vendor.request(asked, target.upstream_model, account, now_s), body_of, vendor.decode_error)

    def decode_answer(
        self, request: TranscriptionRequest, candidate: TranscriptionCandidate, bodies: Sequence[bytes], answer_id: str
    ) -> Transcript:
        """The text, and what is told of it; raises `UnreadableAnswer` for what is no such answer."""
        del answer_id
        (body,) = bodies
        return _billed(request, candidate, _vendor(candidate).read(request, body))

    def measure(self, answer: Transcript) -> tuple[Usage | None, int, Uses]:
        """The usage that is billed, and the length of the text; sound without a word in it was heard, too."""
        return answer.usage, max(1, len(answer.text)), ()

    def encode_answer(
        self, request: TranscriptionRequest, answer: Transcript, stamp: Stamp, extension: Extension
    ) -> bytes:
        """The answer in the form that was asked for."""
        del stamp
        return written.encode_answer(request, answer, extension)

    def transcoder(self, request: TranscriptionRequest, stamp: Stamp) -> TranscriptionTranscoder:
        """The way of the text from any candidate to the caller."""
        del stamp

        def reader_of(candidate: TranscriptionCandidate) -> HeardReader:
            reader = _vendor(candidate).reader
            return _Silent() if reader is None else reader()

        return TranscriptionTranscoder(request, reader_of, partial(_billed, request))


class _Silent:
    """The reader of a vendor whose answers come whole."""

    def feed(self, data: bytes) -> tuple[()]:
        del data
        return ()

    def flush(self) -> tuple[()]:
        return ()


def _vendor(candidate: TranscriptionCandidate) -> Transcriber:
    return transcriber(candidate.target.provider, candidate.target.upstream_model)


def _measured(content: bytes) -> SoundFile:
    """The file with its type and its seconds; raises `InvalidRequest` where they cannot be counted."""
    from gateway.untrusted.file_types import AUDIO, judge_file  # noqa: PLC0415  # loaded with the first file
    from gateway.untrusted.sound_length import sound_seconds  # noqa: PLC0415  # likewise

    found = judge_file(content, "file", AUDIO)
    return SoundFile(content, str(found), found.extension, sound_seconds(content, found, "file"))


def _billed(request: TranscriptionRequest, candidate: TranscriptionCandidate, heard: Transcript) -> Transcript:
    """The transcript with the usage that is billed for it: seconds as they were measured, tokens as reported."""
    if candidate.target.price.minute is None:
        return heard
    return replace(heard, usage=Usage(uses=SoundBounds(request).billed_seconds(candidate)))


def _refusal(request: TranscriptionRequest, candidate: TranscriptionCandidate) -> InvalidRequest | None:
    """The refusal of what the candidate cannot do of a request, if there is one."""
    model, vendor = candidate.model.id, _vendor(candidate)
    size, most = 0 if request.file is None else len(request.file.content), vendor.file_bytes_max
    cannots = (
        (most is not None and size > most, "file", f"takes files of at most {most} bytes"),
        (request.translates and not vendor.translates, "model", "translates nothing"),
        (request.form in (SRT, VTT, VERBOSE) and not vendor.segments, "response_format", f"makes no {request.form}"),
        (request.form == DIARIZED and not vendor.diarizes, "response_format", "tells no voices apart"),
        (request.wants_words and not vendor.words, "timestamp_granularities", "tells the times of no words"),
        (request.prompt is not None and not vendor.prompted, "prompt", "takes no prompt"),
        (bool(request.temperature) and not vendor.tempered, "temperature", "takes no temperature"),
        (request.logprobs and not vendor.logprobs, "include", "gives no logprobs"),
        (request.chunking is not None and not vendor.chunks, "chunking_strategy", "takes no chunking_strategy"),
        (
            bool(request.speakers) and not (vendor.chunks and vendor.diarizes),
            "known_speaker_names",
            "takes no samples of voices",
        ),
    )
    return next((cannot(param, f"The model '{model}' {why}.") for unable, param, why in cannots if unable), None)
