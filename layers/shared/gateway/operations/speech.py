"""Runs speech as an operation of the pipeline: a text goes out, and sound comes back as it is made.

A model is paid by the characters of the text, or by the tokens of text and sound. The provider has read the whole text
once it speaks: a caller who leaves then pays for all characters, or for the text and the sound that was delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.audio import CHARACTER, MP3, PCM, SPEECH, WAV, AudioModel, SpeechRequest
from gateway.canonical.estimate import estimated_tokens
from gateway.canonical.money import NanoUsd
from gateway.canonical.response import Extension, Stamp
from gateway.canonical.usage import Usage, Uses, uses_of
from gateway.canonical.wire import Wire
from gateway.errors import InvalidRequest, NotFound
from gateway.ledger.bounds import FRAME_TOKENS
from gateway.operations.fitting import cannot, fitting
from gateway.operations.input_meter import InputMeter
from gateway.operations.sound_price import price
from gateway.operations.speech_stream import WAV_HEADER, SpeechCandidate, SpeechTranscoder
from gateway.operations.whole_answers import WholeAnswers
from gateway.pipeline.operation import InboundRequest, ProviderCall
from gateway.pipeline.provider_client import body_of
from gateway.ports.catalog import Catalog
from gateway.ports.upstream import Credential
from gateway.protocols import openai_speech
from gateway.providers.audio.registry import speaker
from gateway.providers.audio.speaker import PlainReader, Speaker, no_sound
from gateway.routing.plan import Plan
from gateway.routing.planning import candidates_for

# The most of the vendors; a person speaks 10 to 20 characters in a second.
SOUND_TOKENS_PER_S = 25
# A bound, for a voice that is told to speak slowly and to pause.
SOUND_TOKENS_PER_CHARACTER = 10
SOUND_TOKENS_LEAST = 750
CHARACTERS_PER_S = 15
# Sound that is paid by its tokens is counted in thousandths of them while it passes.
PER_TOKEN = 1_000


class SpeechBounds(Struct, frozen=True):
    """The bounds of a request's characters and tokens: a token of text is at least a byte."""

    request: SpeechRequest

    @property
    def _text_bytes(self) -> int:
        return len(self.request.text.encode()) + len((self.request.instructions or "").encode())

    def at_most(self, candidate: SpeechCandidate) -> Usage:
        """The bound of what the candidate bills."""
        del candidate
        sound = SOUND_TOKENS_LEAST + SOUND_TOKENS_PER_CHARACTER * len(self.request.text)
        return self._usage(self._text_bytes + FRAME_TOKENS, sound)

    def likely(self) -> Usage:
        """The usage of the text at the usual speed."""
        sound = SOUND_TOKENS_PER_S * -(-len(self.request.text) // CHARACTERS_PER_S)
        return self._usage(estimated_tokens(self._text_bytes), sound)

    def delivered(self, thousandths: int) -> Usage:
        """The usage of so much of the sound: the whole text, and each begun token of what was made of it."""
        return self._usage(estimated_tokens(self._text_bytes), -(-thousandths // PER_TOKEN))

    def _usage(self, text: int, sound: int) -> Usage:
        return Usage(input=text, output=sound, audio_output=sound, uses=uses_of({CHARACTER: len(self.request.text)}))


class SpeechMeter(InputMeter, frozen=True):
    """The money of one request, whose sound is paid by its tokens or costs nothing beside the text."""

    bounds: SpeechBounds

    def estimate(self, delivered_bytes: int, reported: Usage | None, seen: Uses = ()) -> Usage:
        """The reported usage, or that of the delivered part; of sound that is paid by characters, that of the text."""
        del seen
        if reported is not None:
            return reported
        by_tokens = any(_by_tokens(each) for each in self.candidates)
        return self.bounds.delivered(delivered_bytes) if by_tokens else self.bounds.likely()

    def bytes_worth(self, served_by: SpeechCandidate, nanousd: NanoUsd) -> int:
        """The thousandths of tokens that cost so much; above any answer's where sound costs nothing by itself."""
        if not _by_tokens(served_by):
            return super().bytes_worth(served_by, nanousd)
        second = Usage(output=SOUND_TOKENS_PER_S, audio_output=SOUND_TOKENS_PER_S)
        least = SOUND_TOKENS_PER_S * PER_TOKEN
        return max(least, least * nanousd // max(1, price(served_by, second)))


class SpeechOperation(WholeAnswers[SpeechRequest, bytes]):
    """Speech for callers of OpenAI's wire."""

    wire: Wire = openai_speech.CLIENT

    def __init__(self, catalog: Catalog[AudioModel]) -> None:
        self._catalog = catalog

    def decode(self, inbound: InboundRequest) -> SpeechRequest:
        """The request as its wire reads it."""
        return openai_speech.CLIENT.decode_request(inbound.body)

    def plan(self, principal: Principal, request: SpeechRequest) -> Plan[AudioModel]:
        """The targets that can do what is asked; raises what the first of them cannot do where none can."""
        found = candidates_for(request.model, request.routing, self._catalog, principal)
        speaking = [each for each in found if each.model.does == SPEECH]
        if not speaking:
            raise NotFound(f"The model '{request.model}' does not speak.", param="model", code="model_not_found")
        asked = _formed(request, speaking)
        bounds = SpeechBounds(asked)
        return fitting(
            speaking,
            request.routing,
            partial(_refusal, asked),
            lambda each: each.target.price.tokens,
            lambda each: price(each, bounds.at_most(each)),
        )

    def formed(self, request: SpeechRequest, plan: Plan[AudioModel]) -> SpeechRequest:
        """The request with the form of its sound, where the caller has left it to the model."""
        return _formed(request, plan.candidates)

    def answer_wire(self, request: SpeechRequest) -> Wire:
        """The outer form of the answer to a request whose form is known."""
        return openai_speech.answer_wire(request.form or MP3, as_events=request.as_events)

    def meter(self, request: SpeechRequest, plan: Plan[AudioModel]) -> SpeechMeter:
        """Prices by characters or by tokens, as each candidate has it."""
        return SpeechMeter(plan.candidates, SpeechBounds(request), price)

    def parts(self, request: SpeechRequest, candidate: SpeechCandidate) -> Sequence[SpeechRequest]:
        """The request itself."""
        del candidate
        return (request,)

    def vendor(self, candidate: SpeechCandidate) -> Speaker:
        """The row of the candidate's provider."""
        return _vendor(candidate)

    def streams(self, request: SpeechRequest, candidate: SpeechCandidate) -> bool:
        """True if the candidate sends its sound as it makes it."""
        del request
        return candidate.target.streams

    def call(
        self, request: SpeechRequest, candidate: SpeechCandidate, credential: Credential, now_s: float, *, stream: bool
    ) -> ProviderCall:
        """The request in the provider's words."""
        del stream
        vendor, target = _vendor(candidate), candidate.target
        account = self.account(candidate, credential)
        asked = replace(
            request,
            form=vendor.asked_form(request.form or MP3),
            voice=vendor.voice_of(request.voice) or request.voice,
        )
        return ProviderCall(vendor.request(asked, target.upstream_model, account, now_s), body_of, vendor.decode_error)

    def decode_answer(
        self, request: SpeechRequest, candidate: SpeechCandidate, bodies: Sequence[bytes], answer_id: str
    ) -> bytes:
        """An answer that is no stream, which the transcoder reads as it reads one.

        Raises `UnreadableAnswer` for one that stands in the place of sound that comes as it is.
        """
        del request, answer_id
        if _vendor(candidate).reader is PlainReader:
            raise no_sound()
        (body,) = bodies
        return body

    def measure(self, answer: bytes) -> tuple[Usage | None, int, Uses]:
        """The length of the answer."""
        return None, len(answer), ()

    def encode_answer(self, request: SpeechRequest, answer: bytes, stamp: Stamp, extension: Extension) -> bytes:
        """Raises: sound is streamed."""
        raise NotImplementedError(f"{stamp.response_id} is streamed")

    def transcoder(self, request: SpeechRequest, stamp: Stamp) -> SpeechTranscoder:
        """The way of the sound from any candidate to the caller."""
        del stamp
        form, bounds = request.form or MP3, SpeechBounds(request)

        def header(candidate: SpeechCandidate) -> bytes:
            return WAV_HEADER if form == WAV and _vendor(candidate).asked_form(form) == PCM else b""

        def counter(candidate: SpeechCandidate) -> Callable[[bytes], int]:
            return _thousandths(candidate, form) if _by_tokens(candidate) else _bytes_so_far()

        def usage(candidate: SpeechCandidate) -> Usage | None:
            return None if _by_tokens(candidate) else bounds.likely()

        encoder = openai_speech.encoder(as_events=request.as_events)
        return SpeechTranscoder(encoder, lambda each: _vendor(each).reader(), header, counter, usage)


def _by_tokens(candidate: SpeechCandidate) -> bool:
    return candidate.target.price.tokens is not None


def _thousandths(candidate: SpeechCandidate, form: str) -> Callable[[bytes], int]:
    """A counter of all sound so far, in thousandths of the candidate's tokens."""
    from gateway.operations.flowing_sound import counter  # noqa: PLC0415  # no other sound is counted

    vendor = _vendor(candidate)
    seconds, rate = counter(vendor.asked_form(form)), PER_TOKEN * vendor.tokens_per_s
    # A sum of many frames is rounded: their seconds are no whole numbers.
    return lambda data: int(round(seconds(data), 6) * rate)


def _bytes_so_far() -> Callable[[bytes], int]:
    """A counter of the bytes of all sound so far."""
    sizes = [0]

    def count(data: bytes) -> int:
        sizes[0] += len(data)
        return sizes[0]

    return count


def _vendor(candidate: SpeechCandidate) -> Speaker:
    return speaker(candidate.target.provider, candidate.target.upstream_model)


def _formed(request: SpeechRequest, candidates: Sequence[SpeechCandidate]) -> SpeechRequest:
    """The request in a form that a candidate has: MP3, as OpenAI's API has it, else WAV, which tells what it is."""
    if request.form is not None:
        return request
    has_mp3 = any(_vendor(each).makes(MP3) for each in candidates)
    return replace(request, form=MP3 if has_mp3 else WAV)


def _refusal(request: SpeechRequest, candidate: SpeechCandidate) -> InvalidRequest | None:
    """The refusal of what the candidate cannot do of a request, if there is one."""
    model, vendor = candidate.model, _vendor(candidate)
    most = model.characters_max or 0
    if len(request.text) > most:
        return cannot("input", f"The model '{model.id}' speaks a text of at most {most} characters.")
    if not vendor.makes(request.form or MP3):
        made = ", ".join(dict.fromkeys((*vendor.forms, *((WAV,) if vendor.makes(WAV) else ()))))
        return cannot("response_format", f"The model '{model.id}' makes no {request.form}. It makes: {made}.")
    if request.instructions and not vendor.instructed:
        return cannot("instructions", f"The model '{model.id}' takes no instructions.")
    if request.speed not in (None, 1.0) and not _within(request.speed, vendor.speeds):
        return cannot("speed", _speeds(model.id, vendor.speeds))
    if vendor.voice_of(request.voice) is None and candidate.own is None:
        return cannot("voice", f"The model '{model.id}' has no such voice. Its voices are: {', '.join(vendor.voices)}.")
    return None


def _within(speed: float | None, speeds: tuple[float, float] | None) -> bool:
    return speeds is not None and speed is not None and speeds[0] <= speed <= speeds[1]


def _speeds(model: str, speeds: tuple[float, float] | None) -> str:
    if speeds is None:
        return f"The model '{model}' speaks at one speed."
    return f"The model '{model}' takes a speed from {speeds[0]} to {speeds[1]}."
