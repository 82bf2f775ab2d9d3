"""Veo, at Google's two front doors: a long-running operation per attempt, whose name is the handle.

Vertex: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation. It answers a done
operation with the video itself, or with its place where the credential's `extra["storage_uri"]` names a bucket.
Developer API: https://ai.google.dev/gemini-api/docs/video, the fields as google-genai 2.34 writes them; its file is
opened by the key. An operation's error is a google.rpc.Status:
https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from functools import partial
from typing import Any

from msgspec import Struct

from gateway.canonical.media import Done, Failed, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.gemini.errors import decode_error
from gateway.protocols.shared.provider_json import UNREADABLE, as_array, as_object, as_objects, as_text, load
from gateway.providers.chat.google import vertex_base_url
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.outcomes import MIME_TYPES, MODERATION, as_name, blocked, broken, lost, stopped, unfit
from gateway.providers.media.vendor import MediaVendor
from gateway.providers.outgoing import Headers, setting

_OWN = "https://generativelanguage.googleapis.com"
_STORAGE = "https://storage.googleapis.com/"
_BUCKET_SCHEME = "gs://"
_RESOLUTION = "720p"
_STORAGE_SETTING = "storage_uri"
# How Google says in words that its rules refused a prompt or an image; there is no code for it.
_FORBIDDEN = re.compile(r"usage guidelines|support codes?:|responsible ai|safety|prohibited", re.IGNORECASE)
_OPERATION = re.compile(r"[\w./-]+/operations/[\w.-]+")


class _Code(IntEnum):
    """The codes of google.rpc that end a task otherwise than by a failure of Google's."""

    CANCELLED = 1
    INVALID_ARGUMENT = 3
    NOT_FOUND = 5


class _GoogleApi(Struct, frozen=True):
    """One of the two: where its models are, how it is signed for, what it wants of every order, what it answers."""

    name: str
    models: Callable[[Credential], str]
    sign: Callable[[Credential], Headers]
    parameters: Callable[[Credential], Mapping[str, Any]]
    poll: Callable[[str, Credential, float], UpstreamRequest]
    outputs: Callable[[Mapping[str, Any], Credential], tuple[Output, ...]]
    result: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    source: str
    takes_seed: bool


def submit(api: _GoogleApi, order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """An operation that makes one video; raises `InvalidRequest` for a seed where the API takes none."""
    if order.seed is not None and not api.takes_seed:
        raise InvalidRequest("This model takes no seed.", param="seed")
    instance: dict[str, Any] = {"prompt": order.prompt}
    if order.reference is not None:
        content = base64.b64encode(order.reference.content).decode()
        instance["image"] = {"bytesBase64Encoded": content, "mimeType": order.reference.mime_type}
    wanted = {
        "durationSeconds": None if order.duration_s is None else int(order.duration_s),
        "aspectRatio": order.aspect_ratio,
        "negativePrompt": order.negative_prompt,
        "seed": order.seed,
    }
    said = {name: value for name, value in wanted.items() if value is not None}
    parameters = {"sampleCount": 1, "resolution": _RESOLUTION, **api.parameters(credential), **said}
    url = f"{api.models(credential)}/{order.model}:predictLongRunning"
    return posted(url, {"instances": [instance], "parameters": parameters}, api.sign(credential))


def accepted(answer: ProviderAnswer) -> str:
    """The operation's name."""
    if answer.status >= 400:
        raise _refusal(answer)
    name = as_name(load(answer.body).get("name"))
    if not _OPERATION.fullmatch(name) or ".." in name:
        raise UpstreamError(UNREADABLE)
    return name


def state(api: _GoogleApi, _handle: str, answer: ProviderAnswer, credential: Credential) -> TaskState:
    """Done, or not: an operation tells no more of its way."""
    if answer.status == 404:
        return lost()
    if answer.status >= 400:
        raise _refusal(answer)
    operation = load(answer.body)
    match operation.get("done"):
        case None | False:
            return Running()
        case True:
            return _ended(api, operation, credential)
        case _:
            raise UpstreamError(UNREADABLE)


def _ended(api: _GoogleApi, operation: Mapping[str, Any], credential: Credential) -> TaskState:
    error = as_object(operation.get("error"))
    if error:
        return _failed(error)
    result = api.result(as_object(operation.get("response")))
    outputs = api.outputs(result, credential)
    if outputs:
        return Done(outputs)
    reasons = as_array(result.get("raiMediaFilteredReasons"))
    if reasons or result.get("raiMediaFilteredCount"):
        return blocked(next(iter(reasons), None))
    raise UpstreamError(UNREADABLE)


def _failed(error: Mapping[str, Any]) -> Failed:
    words = as_text(error.get("message"))
    match error.get("code"):
        case _Code.INVALID_ARGUMENT if _FORBIDDEN.search(words):
            return blocked(words)
        case _Code.INVALID_ARGUMENT:
            return unfit(words)
        case _Code.CANCELLED:
            return stopped()
        case _Code.NOT_FOUND:
            return lost()
        case _:
            return broken()


def _refusal(answer: ProviderAnswer) -> GatewayError:
    error = decode_error(answer.status, answer.headers, answer.body)
    if isinstance(error, InvalidRequest) and _FORBIDDEN.search(error.message):
        return InvalidRequest(error.message, code=MODERATION)
    return error


def _developer_key(credential: Credential) -> Headers:
    return (("x-goog-api-key", credential.api_key),)


def _developer_base(credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/v1beta"


def _developer_poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The operation as it stands."""
    return bare("GET", f"{_developer_base(credential)}/{handle}", _developer_key(credential))


def _developer_outputs(result: Mapping[str, Any], credential: Credential) -> tuple[Output, ...]:
    """Files of the API; the key goes nowhere but there."""
    urls = [as_name(as_object(sample.get("video")).get("uri")) for sample in as_objects(result.get("generatedSamples"))]
    home = f"{origin(credential, _OWN)}/"
    return tuple(
        Output(MIME_TYPES["mp4"], url, _developer_key(credential) if url.startswith(home) else ()) for url in urls
    )


def _vertex_base(credential: Credential) -> str:
    return f"{origin(credential, vertex_base_url(credential))}/v1beta1"


def _vertex_models(credential: Credential) -> str:
    owner = f"projects/{setting(credential, 'project')}/locations/{credential.extra.get('location', 'global')}"
    return f"{_vertex_base(credential)}/{owner}/publishers/google/models"


def _vertex_parameters(credential: Credential) -> Mapping[str, Any]:
    bucket = credential.extra.get(_STORAGE_SETTING)
    return {"generateAudio": True, **({"storageUri": bucket} if bucket else {})}


def _vertex_poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The operation is asked for at the model that it is of."""
    model = handle.rpartition("/operations/")[0]
    url = f"{_vertex_base(credential)}/{model}:fetchPredictOperation"
    return posted(url, {"operationName": handle}, bearer(credential.api_key))


def _vertex_outputs(result: Mapping[str, Any], credential: Credential) -> tuple[Output, ...]:
    return tuple(_vertex_output(video, credential) for video in as_objects(result.get("videos")))


def _vertex_output(video: Mapping[str, Any], credential: Credential) -> Output:
    mime_type = as_text(video.get("mimeType")) or MIME_TYPES["mp4"]
    place = as_text(video.get("gcsUri"))
    if place.startswith(_BUCKET_SCHEME):
        return Output(mime_type, _STORAGE + place.removeprefix(_BUCKET_SCHEME), bearer(credential.api_key))
    try:
        content = base64.b64decode(as_name(video.get("bytesBase64Encoded")), validate=True)
    except binascii.Error:
        raise UpstreamError(UNREADABLE) from None
    return Output(mime_type, content=content)


def _vendor(api: _GoogleApi) -> MediaVendor:
    return MediaVendor(
        name=api.name,
        submit=partial(submit, api),
        accepted=accepted,
        poll=api.poll,
        state=partial(state, api),
        source=api.source,
        verified=True,
    )


GEMINI = _vendor(
    _GoogleApi(
        name="gemini",
        models=lambda credential: f"{_developer_base(credential)}/models",
        sign=_developer_key,
        parameters=lambda _: {},
        poll=_developer_poll,
        outputs=_developer_outputs,
        result=lambda response: as_object(response.get("generateVideoResponse")),
        source="https://ai.google.dev/gemini-api/docs/video",
        takes_seed=False,
    )
)
VERTEX = _vendor(
    _GoogleApi(
        name="vertex",
        models=_vertex_models,
        sign=lambda credential: bearer(credential.api_key),
        parameters=_vertex_parameters,
        poll=_vertex_poll,
        outputs=_vertex_outputs,
        result=lambda response: response,
        source="https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/veo-video-generation",
        takes_seed=True,
    )
)
