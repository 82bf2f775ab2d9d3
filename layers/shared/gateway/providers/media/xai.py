"""Grok Imagine on xAI's REST API: a deferred request per attempt.

https://docs.x.ai/docs/model-capabilities/video/generation, https://docs.x.ai/docs/api-reference. xAI's own SDK speaks
gRPC and cannot be driven against this wire; states and members are those of its published messages
(https://github.com/xai-org/xai-proto). A request cannot be stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from gateway.canonical.media import Done, Failed, MediaOrder, Output, ProviderAnswer, Running, TaskState
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.protocols.shared.provider_errors import members, reported
from gateway.protocols.shared.provider_json import as_object, as_text, load
from gateway.providers.media.calls import bare, bearer, origin, posted
from gateway.providers.media.field_map import FieldMap, known
from gateway.providers.media.outcomes import MIME_TYPES, as_name, blocked, broken, lost, refusal, unfit, unknown_status
from gateway.providers.media.vendor import MediaVendor

_OWN = "https://api.x.ai/v1"
_WORDS = {"prompt": "prompt", "duration": "duration", "aspect_ratio": "aspect_ratio"}
_PENDING_STATUS = 202
_FORBIDDEN = re.compile(r"moderat|content[ _]policy|safety", re.IGNORECASE)
# A wrong key comes with a status that blames the request.
_OURS = re.compile(r"\bAPI key\b", re.IGNORECASE)
_INVALID = "invalid_argument"

MODELS = {
    name: FieldMap(_WORDS, {"model": name, "resolution": "720p"})
    for name in ("grok-imagine-video", "grok-imagine-video-1.5")
}


def submit(order: MediaOrder, credential: Credential, _now_s: float) -> UpstreamRequest:
    """A request for one video."""
    body: dict[str, Any] = known(MODELS, order.model).input(order)
    if order.reference is not None:
        body["image"] = {"url": order.reference.url}
    return posted(f"{_base(credential)}/generations", body, bearer(credential.api_key))


def accepted(answer: ProviderAnswer) -> str:
    """The request's id."""
    return as_name(_checked_body(answer).get("request_id"))


def poll(handle: str, credential: Credential, _now_s: float) -> UpstreamRequest:
    """Asks for the request's status and result."""
    return bare("GET", f"{_base(credential)}/{quote(handle, safe='')}", bearer(credential.api_key))


def state(_handle: str, answer: ProviderAnswer, _credential: Credential) -> TaskState:
    """Reads the request's status; a pending one may have HTTP's status alone."""
    if answer.status == 404:
        return lost()
    if answer.status == _PENDING_STATUS:
        return _running(members(reported(answer.body)))
    task = _checked_body(answer)
    match task.get("status"):
        case "pending":
            return _running(task)
        case "done":
            return _done(as_object(task.get("video")))
        case "failed":
            return _failed(as_object(task.get("error")))
        case "expired":
            return lost()
        case word:
            raise unknown_status(word)


def _base(credential: Credential) -> str:
    return f"{origin(credential, _OWN)}/videos"


def _checked_body(answer: ProviderAnswer) -> Mapping[str, Any]:
    if answer.status < 400:
        return load(answer.body)
    words = members(reported(answer.body)).get("error")
    text = words if isinstance(words, str) else ""
    raise refusal(answer, text, moderated=bool(_FORBIDDEN.search(text)), ours=bool(_OURS.search(text)))


def _running(task: Mapping[str, Any]) -> Running:
    progress = task.get("progress")
    return Running(progress if type(progress) is int and 0 <= progress <= 100 else None)


def _done(video: Mapping[str, Any]) -> TaskState:
    if video.get("respect_moderation") is False:
        return blocked()
    duration_s = video.get("duration")
    duration_ms = round(duration_s * 1000) if isinstance(duration_s, int | float) else None
    return Done((Output(MIME_TYPES["mp4"], as_name(video.get("url")), duration_ms=duration_ms),))


def _failed(error: Mapping[str, Any]) -> Failed:
    code, words = as_text(error.get("code")), as_text(error.get("message"))
    if _FORBIDDEN.search(code) or _FORBIDDEN.search(words):
        return blocked(words)
    return unfit(words) if code == _INVALID else broken()


XAI = MediaVendor(
    name="xai",
    submit=submit,
    accepted=accepted,
    poll=poll,
    state=state,
    source="https://docs.x.ai/docs/api-reference",
)
