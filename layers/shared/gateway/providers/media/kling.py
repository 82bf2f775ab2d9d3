"""Kling: one task per attempt, from a text or from an image, each kind at an address of its own.

https://app.klingai.com/global/dev/document-api (general information, text to video, image to video). `api_key` is the
access key, `extra["secret_key"]` signs a token for each request. Its callbacks carry no signature, so that they are not
asked for. A handle is the kind and the task's id; the kind comes back in the task's own external id.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from msgspec.structs import replace

from gateway.canonical.media import Done, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.errors import InvalidRequest, UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_object, as_objects, load
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import as_name, blocked, broken, lost, mime_type, refusal, unknown_status
from gateway.providers.media.vendor import MediaVendor
from gateway.providers.outgoing import Headers, setting

_OWN = "https://api-singapore.klingai.com"
TOKEN_LIFETIME_S = 1800
# A token holds from a little before now on, since clocks differ.
_EARLY_S = 5

_FROM_TEXT, _FROM_IMAGE = "text2video", "image2video"
_KINDS = (_FROM_TEXT, _FROM_IMAGE)
IMAGE_TYPES = frozenset({"image/png", "image/jpeg"})
_WORDS = {
    "prompt": "prompt",
    "duration": "duration",
    "aspect_ratio": "aspect_ratio",
    "image": "image",
    "negative_prompt": "negative_prompt",
}

MODELS = {
    "kling-v2-6": FieldMap(_WORDS, {"model_name": "kling-v2-6", "mode": "pro", "sound": "off"}, str),
    "kling-v2-5-turbo": FieldMap(_WORDS, {"model_name": "kling-v2-5-turbo", "mode": "pro"}, str),
    "kling-v2-1-master": FieldMap(_WORDS, {"model_name": "kling-v2-1-master"}, str),
    "kling-v1-6": FieldMap(_WORDS, {"model_name": "kling-v1-6", "mode": "std"}, str),
}

# What a service code means, as the status that it should have come with: an empty purse comes as 429.
_STATUSES = {
    **dict.fromkeys(range(1000, 1005), 401),
    **dict.fromkeys(range(1100, 1103), 402),
    1103: 403,
    1200: 400,
    1201: 400,
    1202: 404,
    1203: 404,
    1300: 400,
    1301: 400,
    1302: 429,
    1303: 429,
    1304: 403,
    5000: 500,
    5001: 503,
    5002: 504,
}
_FORBIDDEN = frozenset({1300, 1301})
# How a failed task says that its content was the reason: there is no code for it.
_RISK = "risk control"


def submit(order: MediaOrder, credential: Credential, now_s: float) -> UpstreamRequest:
    """A task; raises `InvalidRequest` for an image that Kling does not read."""
    if order.reference is not None and order.reference.mime_type not in IMAGE_TYPES:
        raise InvalidRequest("This model reads PNG and JPEG images.", param="reference_image_url")
    kind = _FROM_TEXT if order.reference is None else _FROM_IMAGE
    # Of this very request: Kling refuses an external id that it has seen, and what it made of the first would be lost.
    external = f"{kind}-{order.attempt_id}-{int(now_s * 1000)}"
    body = {**known(MODELS, order.model).input(order), "external_task_id": external}
    return posted(f"{_base(credential)}/{kind}", body, _signed(credential, now_s))


def accepted(answer: ProviderAnswer) -> str:
    """The kind and the task's id."""
    task = _task(answer)
    kind = as_name(as_object(task.get("task_info")).get("external_task_id")).partition("-")[0]
    if kind not in _KINDS:
        raise UpstreamError(UNREADABLE)
    return f"{kind}/{as_name(task.get('task_id'))}"


def poll(handle: str, credential: Credential, now_s: float) -> UpstreamRequest:
    """The task as it stands."""
    return bare("GET", f"{_base(credential)}/{quote(handle)}", _signed(credential, now_s))


def state(_handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the task's status."""
    if _status(answer) == 404:
        return lost()
    task = _task(answer)
    match task.get("task_status"):
        case "submitted" | "processing":
            return Running()
        case "succeed":
            videos = as_objects(as_object(task.get("task_result")).get("videos"))
            if not videos:
                raise UpstreamError(UNREADABLE)
            return Done(tuple(_output(video) for video in videos))
        case "failed":
            words = task.get("task_status_msg")
            return blocked() if isinstance(words, str) and _RISK in words.lower() else broken()
        case word:
            raise unknown_status(word)


def token(credential: Credential, now_s: float) -> str:
    """A JSON Web Token of the account (RFC 7519), signed with HS256."""
    claims = {"iss": credential.api_key, "exp": int(now_s) + TOKEN_LIFETIME_S, "nbf": int(now_s) - _EARLY_S}
    unsigned = b".".join(_encoded(orjson.dumps(part)) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.digest(setting(credential, "secret_key").encode(), unsigned, "sha256")
    return (unsigned + b"." + _encoded(signature)).decode()


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _signed(credential: Credential, now_s: float) -> Headers:
    return bearer(token(credential, now_s))


def _base(credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/v1/videos"


def _status(answer: ProviderAnswer) -> int:
    """The status that the service code means, and the answer's own without one."""
    return _STATUSES.get(_checked_body(answer).get("code", 0), answer.status)


def _task(answer: ProviderAnswer) -> dict[str, Any]:
    reply = _checked_body(answer)
    status = _status(answer)
    if status >= 400:
        moderated = reply.get("code") in _FORBIDDEN
        raise refusal(replace(answer, status=status), reply.get("message"), moderated=moderated)
    return as_object(load(answer.body).get("data"))


def _checked_body(answer: ProviderAnswer) -> Mapping[str, Any]:
    return members(reported(answer.body))


def _output(video: Mapping[str, Any]) -> Output:
    url = as_name(video.get("url"))
    return Output(mime_type(url), url, duration_ms=_duration_ms(video.get("duration")))


def _duration_ms(value: object) -> int | None:
    """Kling writes seconds as a text."""
    try:
        return round(float(value) * 1000) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        raise UpstreamError(UNREADABLE) from None


KLING = MediaVendor(
    name="kling",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    source="https://app.klingai.com/global/dev/document-api",
)
