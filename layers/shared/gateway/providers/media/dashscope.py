"""Wan on Alibaba Cloud's Model Studio (DashScope): an asynchronous task per attempt.

https://www.alibabacloud.com/help/en/model-studio/legacy-wan-text-to-video-api-reference and
https://www.alibabacloud.com/help/en/model-studio/legacy-image-to-video-api-reference (wan2.6 and earlier), codes:
https://www.alibabacloud.com/help/en/model-studio/error-code. The international site is the default; keys are of one
site. A model of ours is a family at one resolution, since that is what has a price; an image takes the sibling that
starts from one. A task's file is kept for a day, as is what is known of the task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from gateway.canonical.media import Done, Failed, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.errors import InvalidRequest, UpstreamError
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import UNREADABLE, as_object, as_text, load
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.field_map import known
from gateway.providers.media.outcomes import (
    MIME_TYPES,
    as_name,
    blocked,
    broken,
    lost,
    refusal,
    stopped,
    unfit,
    unknown_status,
)
from gateway.providers.media.vendor import MediaVendor

_OWN = "https://dashscope-intl.aliyuncs.com/api/v1"
_SYNTHESIS = "services/aigc/video-generation/video-synthesis"
_ASYNCHRONOUS = ("x-dashscope-async", "enable")
# Left to itself a model takes its dearest size.
_RATIO = "16:9"
_SIZES = {
    "720P": {"16:9": "1280*720", "9:16": "720*1280", "1:1": "960*960", "4:3": "1088*832", "3:4": "832*1088"},
    "1080P": {"16:9": "1920*1080", "9:16": "1080*1920", "1:1": "1440*1440", "4:3": "1632*1248", "3:4": "1248*1632"},
}
_FORBIDDEN = frozenset({"DataInspectionFailed", "IPInfringementSuspect", "FaqRuleBlocked"})
# A debt, which comes with a status that blames the request.
_ARREARS = frozenset({"Arrearage"})
_INVALID = ("Invalid", "BadRequest")


class _Model(Struct, frozen=True):
    """A family's names; one without `from_text` always wants an image."""

    from_text: str | None
    from_image: str
    resolution: str


MODELS = {
    "wan2.6/720P": _Model("wan2.6-t2v", "wan2.6-i2v", "720P"),
    "wan2.6/1080P": _Model("wan2.6-t2v", "wan2.6-i2v", "1080P"),
    "wan2.6-flash/720P": _Model(None, "wan2.6-i2v-flash", "720P"),
    "wan2.5/720P": _Model("wan2.5-t2v-preview", "wan2.5-i2v-preview", "720P"),
}


def submit(order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """A task; raises `InvalidRequest` where the model wants an image that is not there."""
    model = known(MODELS, order.model)
    parameters: dict[str, Any] = {}
    asked: dict[str, Any] = {"prompt": order.prompt}
    if order.reference is not None:
        name = model.from_image
        asked["img_url"] = order.reference.url
        # An image has a ratio of its own.
        parameters["resolution"] = model.resolution
    elif model.from_text is not None:
        name = model.from_text
        parameters["size"] = _SIZES[model.resolution][order.aspect_ratio or _RATIO]
    else:
        raise InvalidRequest("This model starts from an image.", param="reference_image_url")
    if order.negative_prompt is not None:
        asked["negative_prompt"] = order.negative_prompt
    if order.duration_s is not None:
        parameters["duration"] = int(order.duration_s)
    if order.seed is not None:
        parameters["seed"] = order.seed
    body = {"model": name, "input": asked, "parameters": parameters}
    return posted(f"{origin(credential, _OWN)}/{_SYNTHESIS}", body, (_ASYNCHRONOUS, *bearer(credential.api_key)))


def accepted(answer: ProviderAnswer) -> str:
    """The task's id."""
    return as_name(_task(answer).get("task_id"))


def poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """The task as it stands."""
    return bare("GET", _address(handle, credential), bearer(credential.api_key))


def cancel(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """Ends the task if it has not begun; a running one goes on."""
    return bare("POST", f"{_address(handle, credential)}/cancel", bearer(credential.api_key))


def state(_handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the task's status, which is `UNKNOWN` for a task that is not known."""
    if answer.status == 404:
        return lost()
    task = _task(answer)
    match task.get("task_status"):
        case "PENDING" | "RUNNING" | "SUSPENDED":
            return Running()
        case "SUCCEEDED":
            return Done((Output(MIME_TYPES["mp4"], as_name(task.get("video_url"))),))
        case "FAILED":
            return _failed(as_text(task.get("code")), task.get("message"))
        case "CANCELED":
            return stopped()
        case "UNKNOWN":
            return lost()
        case word:
            raise unknown_status(word)


def _address(handle: str, credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/tasks/{quote(handle, safe='')}"


def _task(answer: ProviderAnswer) -> Mapping[str, Any]:
    if answer.status >= 400:
        failure = members(reported(answer.body))
        code = _stem(failure.get("code"))
        raise refusal(answer, failure.get("message"), moderated=code in _FORBIDDEN, ours=code in _ARREARS)
    task = as_object(load(answer.body).get("output"))
    if not task:
        raise UpstreamError(UNREADABLE)
    return task


def _failed(code: str, words: object) -> Failed:
    if _stem(code) in _FORBIDDEN:
        return blocked(words)
    return unfit(words) if code.startswith(_INVALID) else broken()


def _stem(code: object) -> str:
    """A code without what follows its first point: `DataInspectionFailed.Image`."""
    return code.partition(".")[0] if isinstance(code, str) else ""


DASHSCOPE = MediaVendor(
    name="dashscope",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    cancel=cancel,
    source="https://www.alibabacloud.com/help/en/model-studio/legacy-wan-text-to-video-api-reference",
    verified=True,
)
