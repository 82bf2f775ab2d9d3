"""OpenAI's wire of transcriptions and translations, as callers speak it, by a form or by JSON that names a file.

https://platform.openai.com/docs/api-reference/audio/createTranscription. `file` is the file itself, or the id or URL of
one. An unknown member is refused: no other vendor could be told of it.
"""

from __future__ import annotations

from typing import Any

import orjson

from gateway.canonical.transcription import (
    DIARIZED,
    FORMS,
    JSON,
    LOGPROBS,
    SEGMENT,
    SRT,
    VERBOSE,
    VTT,
    WORD,
    TranscriptionRequest,
)
from gateway.errors import GatewayError, InvalidRequest
from gateway.framing.multipart import FormPart, sends_form
from gateway.protocols.shared.document import Node, boolean_in, number_in, string_in
from gateway.protocols.shared.forms import read_form
from gateway.protocols.shared.openai_errors import encode_error
from gateway.protocols.shared.preferences import OWN_MEMBERS, decode_preferences, parse_known

PROTOCOL = "openai_transcriptions"
PROMPT_MAX = 10_000
SPEAKERS_MAX = 4
_UNKNOWN = "Unrecognized request argument supplied: {name}"
_LISTS = ("timestamp_granularities", "include", "known_speaker_names", "known_speaker_references")
_SHARED = frozenset({"file", "model", "prompt", "response_format", "temperature", "user"})
_TRANSLATION = OWN_MEMBERS | _SHARED
_TRANSCRIPTION = _TRANSLATION | {"language", "stream", "chunking_strategy", *_LISTS}
# The forms whose times no event of a stream has; the events of a diarized one have theirs.
_TIMED = frozenset({SRT, VTT, VERBOSE})
_TRANSLATED_FORMS = tuple(form for form in FORMS if form != DIARIZED)


class OpenAITranscriptions:
    """The codec of callers of one of the two paths."""

    protocol = PROTOCOL
    id_prefix = "trsc-"
    stream_type = "text/event-stream; charset=utf-8"
    keep_alive = b": NX\n\n"

    def __init__(self, *, translates: bool) -> None:
        self.translates = translates

    def decode_request(self, content_type: str, body: bytes) -> tuple[TranscriptionRequest, FormPart | None]:
        """The canonical request and its file, if that is in it; raises `InvalidRequest` at what is wrong."""
        file: FormPart | None = None
        source = body
        if sends_form(content_type):
            form = read_form(content_type, body, numbers=("temperature",), flags=("stream",), lists=_LISTS)
            file, source = _file(form.files), form.source
        root = parse_known(source, _TRANSLATION if self.translates else _TRANSCRIPTION, _UNKNOWN)
        named = string_in(root, "file")
        if (file is None) is (named is None):
            raise InvalidRequest("The request needs one file.", param="file", code="missing_required_parameter")
        form_wanted = root.member("response_format")
        request = TranscriptionRequest(
            model=root.required("model").as_string(minimum=1),
            named=named,
            translates=self.translates,
            form=JSON
            if form_wanted is None
            else form_wanted.as_one_of(_TRANSLATED_FORMS if self.translates else FORMS),
            language=_language(root),
            prompt=_prompt(root),
            temperature=number_in(root, "temperature", 0, 1),
            granularities=_granularities(root),
            logprobs=_logprobs(root),
            chunking=_chunking(root),
            speakers=_speakers(root),
            routing=decode_preferences(root, source),
            user=string_in(root, "user"),
            stream=bool(boolean_in(root, "stream")),
        )
        if request.granularities and request.form != VERBOSE:
            said = "It goes with the response_format 'verbose_json'."
            raise InvalidRequest(said, param="timestamp_granularities", code="invalid_value")
        if request.stream and request.form in _TIMED:
            said = f"The events of a stream have no times, which '{request.form}' is made of. Ask for one of the two."
            raise InvalidRequest(said, param="response_format", code="unsupported_value")
        return request, file

    def encode_error(self, error: GatewayError, request_id: str) -> bytes:
        """OpenAI's error object."""
        del request_id  # This wire carries it in a header, x-request-id.
        return encode_error(error)


def _file(files: Any) -> FormPart | None:
    for name, found in files.items():
        if name != "file" or len(found) > 1:
            raise InvalidRequest("The form takes one file, in the field 'file'.", param=name[:100], code="invalid_body")
    return files["file"][0] if "file" in files else None


def _language(root: Node) -> str | None:
    given = root.member("language")
    return None if given is None else given.as_string(maximum=64) or None


def _prompt(root: Node) -> str | None:
    given = root.member("prompt")
    return None if given is None else given.as_string(maximum=PROMPT_MAX) or None


def _granularities(root: Node) -> tuple[str, ...]:
    given = root.member("timestamp_granularities")
    return () if given is None else tuple(each.as_one_of((SEGMENT, WORD)) for each in given.elements(maximum=2))


def _logprobs(root: Node) -> bool:
    given = root.member("include")
    return given is not None and any(each.as_one_of((LOGPROBS,)) for each in given.elements(maximum=2))


def _chunking(root: Node) -> Any:
    """`auto`, or an object, which a form has as its JSON text."""
    given = root.member("chunking_strategy")
    if given is None or given.value == "auto":
        return None if given is None else "auto"
    if isinstance(given.value, str):
        try:
            given = given.instead(orjson.loads(given.value))
        except orjson.JSONDecodeError:
            raise given.error("It should be 'auto' or an object of type 'server_vad'.") from None
    given.as_object()
    given.required("type").as_one_of(("server_vad",))
    return given.value


def _speakers(root: Node) -> tuple[tuple[str, str], ...]:
    names, samples = root.member("known_speaker_names"), root.member("known_speaker_references")
    if names is None and samples is None:
        return ()
    if names is None or samples is None:
        raise InvalidRequest("Names and references go together.", param="known_speaker_names", code="invalid_value")
    given = [each.as_string(minimum=1, maximum=64) for each in names.elements(maximum=SPEAKERS_MAX)]
    heard = [each.as_string(minimum=5) for each in samples.elements(maximum=SPEAKERS_MAX)]
    if len(given) != len(heard) or not all(each.startswith("data:") for each in heard):
        said = "There should be one data: URL for each name."
        raise InvalidRequest(said, param="known_speaker_references", code="invalid_value")
    return tuple(zip(given, heard, strict=True))


TRANSCRIPTIONS = OpenAITranscriptions(translates=False)
TRANSLATIONS = OpenAITranscriptions(translates=True)
